/**
 * How many cores this node's processes may use.
 *
 * @module
 */

/** Parses `cpu.max` of a control group, quota and period: cores, or null without a limit. */
export function parseCpuMax(text: string): number | null {
  const [quota, period] = text.trim().split(/\s+/).map(Number);
  if (quota === undefined || period === undefined) return null;
  return quota > 0 && period > 0 ? quota / period : null; // "max" is NaN
}

/**
 * The limits of the control groups that this process is in, and of those around it: version 2, and
 * version 1, where each controller may have a hierarchy of its own (cgroups(7)).
 *
 * @param root Where the file system begins, for tests.
 */
export function* groupLimits(root = ""): Generator<number> {
  let groups: string;
  try {
    groups = Deno.readTextFileSync(`${root}/proc/self/cgroup`);
  } catch {
    return; // a kernel without control groups
  }
  for (const [, controllers = "", own = ""] of groups.matchAll(/^\d+:([^:]*):(\/.*)$/gm)) {
    if (controllers !== "" && !controllers.split(",").includes("cpu")) continue;
    for (
      let path: string | null = own;
      path !== null;
      path = path === "/" ? null : parentOf(path)
    ) {
      const limit = limitOf(`${root}/sys/fs/cgroup/${controllers}${path}`, controllers === "");
      if (limit !== null) yield limit;
    }
  }
}

function limitOf(group: string, isVersion2: boolean): number | null {
  const read = (file: string) => Deno.readTextFileSync(`${group}/${file}`).trim();
  try {
    if (isVersion2) return parseCpuMax(read("cpu.max"));
    return parseCpuMax(`${read("cpu.cfs_quota_us")} ${read("cpu.cfs_period_us")}`); // -1: no limit
  } catch {
    return null; // the root has no such file, nor has a group whose CPU is not controlled
  }
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}

/** Cores by affinity (sched_setaffinity(2)) or, if that is less, by control group. */
export function measureCores(): number {
  return Math.min(navigator.hardwareConcurrency, ...groupLimits());
}
