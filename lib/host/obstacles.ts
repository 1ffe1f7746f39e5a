/**
 * Finds what keeps a process where it is.
 *
 * @module
 */
import { limits, obstacles, obstacleTexts, schema } from "../wire/schema.ts";
import { fileBytes, sizeOf } from "./mapped_bytes.ts";
import * as native from "./native.ts";
import { kibibytes, parseStatus, type ProcStat, readProc, readStat } from "./proc.ts";
import { otherOwner, SHARED_ANONYMOUS } from "./shared_memory.ts";

/** What a check of one process found. */
export interface Inspection {
  readonly cpuSeconds: number;
  readonly rssBytes: number;
  /** What would have to be sent, at most: what is its own, resident or swapped, and the data of its mapped files. */
  readonly memoryBytes: number;
  /** Why it cannot move now, or null. */
  readonly cantmove: string | null;
}

/** As many as the library has room for: c/library/image/posix_timers.h. */
const POSIX_TIMERS_MAX = 256;

/** Why a process cannot move whose program has no handler of ours, where nothing better is known. */
export const { NOT_LOADED } = obstacleTexts;

/** Libraries under which ours does nothing: c/library/entry/neighbours.c. */
const TAKEN_OVER = /\/lib[^/]*(tsan|msan)[^/]*\.so/;

/** A row of the schema's obstacles in words, with what was found. */
export function obstacle(
  name: keyof typeof obstacles,
  ...found: readonly (string | number | bigint)[]
): string {
  const values = [...found];
  return `it ${obstacles[name].text.replaceAll("{}", () => String(values.shift()))}`;
}

/** Whether such words are those of a row. */
export function isObstacle(name: keyof typeof obstacles, words: string | null): boolean {
  const [start = ""] = obstacles[name].text.split("{}");
  return words?.startsWith(`it ${start}`) === true;
}

/** The words for a code of the schema's obstacles. */
export function obstacleText(code: number): string | null {
  const found = Object.values(obstacles).find((row) => row.code === code);
  return found === undefined ? null : `it ${found.text}`;
}

/** Why a process does without the library: by its program's file, or what else is loaded into it. */
function whyNotLoaded(pid: number, maps: string): string {
  const library = TAKEN_OVER.exec(maps)?.[0].slice(1);
  if (library !== undefined) return obstacle("TAKEN_OVER", library);
  return obstacleText(native.obstacle(pid)) ?? NOT_LOADED;
}

/** Programs block all signals for a moment; only one that blocks at every look is an obstacle. */
const BLOCKED_LOOKS = 8;
const BLOCKED_LOOK_MS = 10;

function blocks(status: Map<string, string>, signal: number): boolean {
  return (BigInt(`0x${status.get("SigBlk") ?? "0"}`) & 1n << BigInt(signal - 1)) !== 0n;
}

/** What is known of a process before one looks. */
export interface InspectOptions {
  /** Number of the trigger signal. */
  readonly signal: number;
  readonly guest: boolean;
  /** Several threads keep it at home only where this is false; a guest never. */
  readonly threadsMove: boolean;
  /** We have stopped it, and let it go on before it moves. */
  readonly isStoppedByUs?: boolean;
}

/**
 * Looks at a process.
 *
 * @returns null if it is gone or is another process.
 */
export async function inspect(
  pid: number,
  startTicks: bigint,
  options: InspectOptions,
): Promise<Inspection | null> {
  const [stat, first] = await Promise.all([readStat(pid), readProc(pid, "status")]);
  if (stat === null || first === null || stat.startTicks !== startTicks) return null;
  let status = parseStatus(first);
  for (let look = 1; look < BLOCKED_LOOKS && blocks(status, options.signal); look++) {
    await new Promise((resolve) => setTimeout(resolve, BLOCKED_LOOK_MS));
    const text = await readProc(pid, "status");
    if (text === null) return null;
    status = parseStatus(text);
  }
  const maps = await readProc(pid, "maps");
  const known = statusObstacle(stat, status, options);
  const own = ["RssAnon", "RssShmem", "VmSwap"].map((name) => kibibytes(status, name));
  return {
    cpuSeconds: stat.cpuSeconds,
    rssBytes: kibibytes(status, "VmRSS"),
    memoryBytes: own.reduce((sum, bytes) => sum + bytes, fileBytes(maps ?? "")),
    cantmove: known === NOT_LOADED
      ? whyNotLoaded(pid, maps ?? "")
      : known ?? await deepObstacle(pid, maps, options),
  };
}

/** Obstacles that stat and status show. */
export function statusObstacle(
  stat: ProcStat,
  status: Map<string, string>,
  options: InspectOptions,
): string | null {
  const uid = Number(status.get("Uid")?.split(/\s+/)[0]);
  if (uid !== Deno.uid()) return obstacle("USER", uid);
  if (status.get("TracerPid") !== "0") return obstacle("TRACED");
  const isStopped = stat.state === "T" && options.isStoppedByUs !== true;
  if (isStopped || stat.state === "t") return obstacle("STOPPED");
  if (stat.state === "Z") return obstacleTexts.LEADER_ENDED;
  if (stat.threads > limits.threadsMax) {
    return obstacle("THREADS_MAX", stat.threads, limits.threadsMax);
  }
  if (stat.threads > 1 && !options.guest && !options.threadsMove) {
    return obstacle("THREADS", stat.threads);
  }
  if ((status.get("Seccomp") ?? "0") !== "0") return obstacle("SECCOMP");
  const bit = 1n << BigInt(options.signal - 1);
  const mask = (name: string) => BigInt(`0x${status.get(name) ?? "0"}`);
  // A guest's library never lets the program block it; inside a forwarded call it waits by signalfd.
  if (!options.guest && blocks(status, options.signal)) {
    return obstacle("BLOCKS_SIGNAL", options.signal);
  }
  if ((mask("SigCgt") & bit) === 0n) return NOT_LOADED;
  return null;
}

/** Obstacles that need a look at children, mappings and descriptors. */
async function deepObstacle(
  pid: number,
  maps: string | null,
  { guest, signal }: { readonly signal: number; readonly guest: boolean },
): Promise<string | null> {
  const [children, timers] = await Promise.all([
    readProc(pid, `task/${pid}/children`),
    readProc(pid, "timers"),
  ]);
  // Most such parents wait for children that may move; a guest's are at home, and no obstacle.
  const count = children?.trim() ? children.trim().split(/\s+/).length : 0;
  if (count > 0) return obstacle("CHILDREN", count, count === 1 ? "child" : "children");
  const timersReason = timersObstacle(timers ?? "", guest);
  if (timersReason !== null) return timersReason;
  if (maps === null) return obstacleTexts.NO_MAPS;
  // A guest's descriptors are all at home; those it has here are ours.
  const mapsReason = mapsObstacle(maps, {
    guest,
    mayWrite: (range) => mayWrite(pid, range),
    otherOwner: (id) => otherOwner(pid, id),
  });
  return mapsReason ??
    (guest ? null : await descriptorObstacle(pid, signal));
}

/** POSIX timers move, except those that only a privileged process gets, and more than the library keeps. */
function timersObstacle(timers: string, guest: boolean): string | null {
  const [major = 0, minor = 0] = Deno.osRelease().split(".").map(Number);
  if (timers !== "" && !guest && (major < 6 || (major === 6 && minor < 16))) {
    return obstacle("OLD_TIMERS");
  }
  if (/^ClockID: [89]$/m.test(timers)) return obstacle("WAKING_TIMER");
  const count = timers.match(/^ID: /gm)?.length ?? 0;
  return count > POSIX_TIMERS_MAX ? obstacle("TIMERS", count) : null;
}

/** Whether mprotect() may make a mapping writable: the file behind it was opened for writing. */
function mayWrite(pid: number, range: string): boolean {
  try {
    return ((Deno.lstatSync(`/proc/${pid}/map_files/${range}`).mode ?? 0) & 0o200) !== 0;
  } catch {
    return false; // gone, or a kernel without these files
  }
}

/** HotSpot's UsePerfData, which jstat and jps read: the library takes it along (c/library/image/maps.c). */
const JAVA_COUNTERS = /^\/tmp\/hsperfdata_[^/]+\/\d+$/;

/**
 * Obstacles among the mappings.
 *
 * @param options `mayWrite` tells of a shared mapping that is not writable whether it may become so,
 *   `otherOwner` who else has memory that only `fork` shares.
 */
export function mapsObstacle(
  maps: string,
  options: {
    readonly guest: boolean;
    readonly mayWrite: (range: string) => boolean;
    readonly otherOwner: (id: string) => number | null;
  },
): string | null {
  let count = 0;
  for (const line of maps.split("\n")) {
    if (line === "") continue;
    count++;
    const match = /^(\S+) (....) \S+ (\S+) (\d+)\s*(.*)$/.exec(line);
    const [, range, permissions, device, inode, path] = match ?? [];
    if (range === undefined || permissions === undefined || path === undefined) continue;
    if (path.includes("[uprobes]")) return obstacle("PROBED");
    if (path.startsWith("/anon_hugepage")) return obstacle("HUGE_PAGES");
    if (path.startsWith("/SYSV")) return obstacle("SYSTEM_V");
    if (path.startsWith("anon_inode:[io_uring]")) return obstacle("IO_URING");
    if (options.guest || permissions[3] !== "s") continue;
    if (path === SHARED_ANONYMOUS) {
      const bytes = sizeOf(range);
      if (bytes > limits.sharedSizeMax) {
        return obstacle("SHARED_SIZE", bytes >> 20n);
      }
      const other = options.otherOwner(`${device} ${inode}`);
      if (other === null) continue;
      return obstacle("SHARED_WITH", other);
    }
    if (JAVA_COUNTERS.test(path)) continue;
    const name = path === "" ? `device ${device}` : path;
    if (permissions[1] === "w") return obstacle("SHARED", name);
    // The kernel writes these names without leading zeros.
    if (options.mayWrite(range.replace(/^0+(?=.)/, "").replace(/-0+(?=.)/, "-"))) {
      return obstacle("SHARED_LATER", name);
    }
  }
  return count > limits.segmentsMax ? obstacle("MAPPINGS", count) : null;
}

/** The first signal in a signalfd's /proc/PID/fdinfo that cannot wait at home; the trigger is one, too. */
function signalfdObstacle(text: string, trigger: number): string | null {
  const mask = BigInt(`0x${/^sigmask:\t([0-9a-f]+)$/m.exec(text)?.[1] ?? "0"}`);
  const refused = [...Object.entries(schema.neverHeld), [`signal ${trigger}`, trigger] as const];
  return refused.find(([, signal]) => (mask >> BigInt(signal - 1) & 1n) === 1n)?.[0] ?? null;
}

/** Where a link of /proc leads; "": it is gone. Not by promises: of some processes there are ten thousand. */
function linkTarget(path: string): string {
  try {
    return Deno.readLinkSync(path);
  } catch {
    return "";
  }
}

async function descriptorObstacle(pid: number, signal: number): Promise<string | null> {
  try {
    for await (const entry of Deno.readDir(`/proc/${pid}/fd`)) {
      const target = linkTarget(`/proc/${pid}/fd/${entry.name}`);
      if (target === "anon_inode:[io_uring]") {
        return obstacle("IO_URING_DESCRIPTOR", entry.name);
      }
      if (target === "anon_inode:[userfaultfd]") return obstacle("USERFAULTFD");
      if (target === "anon_inode:[perf_event]") return obstacle("PERF_EVENTS");
      if (target === "anon_inode:[signalfd]") {
        const text = await Deno.readTextFile(`/proc/${pid}/fdinfo/${entry.name}`).catch(() => "");
        const name = signalfdObstacle(text, signal);
        if (name !== null) return obstacle("SIGNALFD", name, entry.name);
      }
    }
    return null;
  } catch {
    return obstacleTexts.NO_DESCRIPTORS;
  }
}
