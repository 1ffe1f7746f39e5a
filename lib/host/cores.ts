/**
 * How many cores this node's processes may use.
 *
 * @module
 */

/** Parses `cpu.max` of a control group: cores, or null without a limit. */
export function parseCpuMax(text: string): number | null {
  const [quota, period] = text.trim().split(/\s+/).map(Number);
  if (quota === undefined || period === undefined) return null;
  return quota > 0 && period > 0 ? quota / period : null; // "max" is NaN
}

/** The limits of the control groups that this process is in, and of those around it. */
function* groupLimits(): Generator<number> {
  let path: string | undefined;
  try {
    path = /^0::(\/.*)$/m.exec(Deno.readTextFileSync("/proc/self/cgroup"))?.[1];
  } catch {
    return; // a kernel without control groups
  }
  for (; path !== undefined; path = path === "/" ? undefined : parentOf(path)) {
    try {
      const limit = parseCpuMax(Deno.readTextFileSync(`/sys/fs/cgroup${path}/cpu.max`));
      if (limit !== null) yield limit;
    } catch {
      // The root has no such file, nor has a group whose CPU is not controlled.
    }
  }
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}

/** Cores by affinity (sched_setaffinity(2)) or, if that is less, by control group. */
export function measureCores(): number {
  return Math.min(navigator.hardwareConcurrency, ...groupLimits());
}
