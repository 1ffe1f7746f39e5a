/**
 * Limits a host to a part of one CPU.
 *
 * By a control group, of version 1 or 2; it counts what the host uses.
 *
 * @module
 */

const VERSION_1 = "/sys/fs/cgroup/cpu";
/** The controller of version 1 that counts CPU time. */
const COUNTER_1 = "/sys/fs/cgroup/cpuacct";
const VERSION_2 = "/sys/fs/cgroup";

/** How a host's CPU is limited. */
export interface CpuLimit {
  /** Of one CPU; 0.5 is half the speed. */
  readonly fraction: number;
  /** The host gets its part of each such time, in microseconds. @default {20000} */
  readonly periodUs?: number;
  /** Puts the host before all that is not on a testbed, when CPUs are short. @default {false} */
  readonly first?: boolean;
}

/** What a host has used since its limit was set. */
export interface CpuUse {
  readonly usedMs: number;
  /** Periods in which something wanted to run, and those at whose end the part was used up. */
  readonly periods: number;
  readonly throttled: number;
}

/** The largest weights that there are; the usual ones are 1024 and 100. */
const SHARES_MAX_1 = "262144";
const WEIGHT_MAX_2 = "10000";

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

/** The control group of one host. */
export class CpuGroup {
  /** Files to which a process writes 0 to join it. */
  readonly files: readonly string[];
  readonly #statFile: string;
  readonly #useFile: string | null;

  private constructor(directories: readonly [cpu: string, counter?: string]) {
    const [cpu, counter] = directories;
    this.files = directories.map((directory) => `${directory}/cgroup.procs`);
    this.#statFile = `${cpu}/cpu.stat`;
    this.#useFile = counter === undefined ? null : `${counter}/cpuacct.usage`;
  }

  /** Makes a group; {@linkcode removeGroups} removes it. */
  static async make(name: string, limit: CpuLimit): Promise<CpuGroup> {
    const { fraction, periodUs = 20_000, first = false } = limit;
    const quotaUs = String(Math.round(periodUs * fraction));
    if (await exists(`${VERSION_1}/cpu.cfs_quota_us`)) {
      const group = `${VERSION_1}/${name}`, counter = `${COUNTER_1}/${name}`;
      await Deno.mkdir(group);
      // Both may be one directory under two names.
      if (!await exists(counter)) await Deno.mkdir(counter);
      await Deno.writeTextFile(`${group}/cpu.cfs_period_us`, String(periodUs));
      await Deno.writeTextFile(`${group}/cpu.cfs_quota_us`, quotaUs);
      if (first) await Deno.writeTextFile(`${group}/cpu.shares`, SHARES_MAX_1);
      return new CpuGroup([group, counter]);
    }
    const group = `${VERSION_2}/${name}`;
    await Deno.mkdir(group);
    if (!await exists(`${group}/cpu.max`)) {
      await Deno.remove(group);
      throw new Error(
        "Cannot limit a host's CPU: the cpu controller is not enabled for new groups",
      );
    }
    await Deno.writeTextFile(`${group}/cpu.max`, `${quotaUs} ${periodUs}`);
    if (first) await Deno.writeTextFile(`${group}/cpu.weight`, WEIGHT_MAX_2);
    return new CpuGroup([group]);
  }

  /** Reads the counters. */
  async use(): Promise<CpuUse> {
    const stat = await Deno.readTextFile(this.#statFile);
    const count = (name: string) => Number(new RegExp(`^${name} (\\d+)$`, "m").exec(stat)?.[1]);
    const usedMs = this.#useFile === null
      ? count("usage_usec") / 1000
      : Number(await Deno.readTextFile(this.#useFile)) / 1e6;
    return { usedMs, periods: count("nr_periods"), throttled: count("nr_throttled") };
  }
}

/** Removes the groups whose name starts with `prefix`; their processes must have ended. */
export async function removeGroups(prefix: string): Promise<void> {
  for (const base of [VERSION_1, COUNTER_1, VERSION_2]) {
    if (!await exists(base)) continue;
    for await (const entry of Deno.readDir(base)) {
      if (entry.isDirectory && entry.name.startsWith(`${prefix}-`)) {
        await Deno.remove(`${base}/${entry.name}`);
      }
    }
  }
}
