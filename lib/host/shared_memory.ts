/**
 * Who has memory that is shared by `fork` alone: anonymous, with MAP_SHARED.
 *
 * @module
 */

/** What /proc/PID/maps calls such memory. */
export const SHARED_ANONYMOUS = "/dev/zero (deleted)";

/** How long a look at all processes holds: `lb ps` asks for each of those that have such memory. */
const LOOK_MS = 1_000;

/** PIDs by device and inode. */
type Owners = ReadonlyMap<string, readonly number[]>;

let owners: Owners = new Map();
let lookedMs = -Infinity;

/** Finds the shared anonymous memory of a process; adds its PID to each. */
function collect(pid: number, maps: string, found: Map<string, number[]>): void {
  const seen = new Set<string>();
  for (const line of maps.split("\n")) {
    const [, id] = /^\S+ ...s \S+ (\S+ \d+) +\/dev\/zero \(deleted\)$/.exec(line) ?? [];
    if (id !== undefined) seen.add(id);
  }
  for (const id of seen) found.set(id, [...found.get(id) ?? [], pid]);
}

function look(): Owners {
  const found = new Map<string, number[]>();
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      collect(Number(name), Deno.readTextFileSync(`/proc/${name}/maps`), found);
    } catch {
      // It has ended, or is another user's, which has executed a program since.
    }
  }
  return found;
}

/**
 * Another process that has this memory, or null.
 *
 * @param id Device and inode as /proc/PID/maps tells them, with a blank between.
 */
export function otherOwner(pid: number, id: string): number | null {
  const nowMs = performance.now();
  if (nowMs - lookedMs > LOOK_MS) {
    owners = look();
    lookedMs = nowMs;
  }
  return owners.get(id)?.find((other) => other !== pid) ?? null;
}
