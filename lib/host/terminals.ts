/**
 * When somebody last typed at a terminal of this machine.
 *
 * The kernel sets a terminal's access time when a program reads from it, to some eight seconds
 * (tty_update_time(), drivers/tty/tty_io.c): that is the idle time of w(1).
 *
 * @module
 */

/** Virtual consoles and serial lines; /dev/tty itself stands for whatever terminal a process has. */
const LINE = /^tty(S|USB|ACM)?\d+$/;
const PSEUDO = /^\d+$/;

function* terminals(): Generator<Deno.FileInfo> {
  for (const [directory, pattern] of [["/dev/pts", PSEUDO], ["/dev", LINE]] as const) {
    let entries: Deno.DirEntry[];
    try {
      entries = [...Deno.readDirSync(directory)];
    } catch {
      continue; // a container without
    }
    for (const { name } of entries) {
      if (!pattern.test(name)) continue;
      try {
        const info = Deno.statSync(`${directory}/${name}`);
        if (info.isCharDevice === true) yield info;
      } catch {
        // It was closed just now.
      }
    }
  }
}

/**
 * Milliseconds since somebody typed at a terminal; null: there is none. A hundred terminals take a
 * millisecond.
 *
 * @param excluded Device numbers of terminals at which programs type, as in /proc/PID/stat.
 */
export function terminalIdleMs(nowMs: number, excluded: ReadonlySet<number>): number | null {
  let lastMs: number | null = null;
  for (const { atime, rdev } of terminals()) {
    if (rdev === null || atime === null || excluded.has(rdev)) continue;
    lastMs = Math.max(lastMs ?? -Infinity, atime.getTime());
  }
  return lastMs === null ? null : Math.max(0, nowMs - lastMs);
}
