/**
 * Limits a host to a part of one CPU by a control group, of version 1 or 2.
 *
 * @module
 */

const PERIOD_US = 20_000;
const VERSION_1 = "/sys/fs/cgroup/cpu";
const VERSION_2 = "/sys/fs/cgroup";

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

/**
 * Makes a control group and returns the file to which a process writes 0 to join it.
 *
 * @param fraction Of one CPU; 0.5 is half the speed.
 */
export async function groupFile(name: string, fraction: number): Promise<string> {
  const quotaUs = String(Math.round(PERIOD_US * fraction));
  if (await exists(`${VERSION_1}/cpu.cfs_quota_us`)) {
    const group = `${VERSION_1}/${name}`;
    await Deno.mkdir(group);
    await Deno.writeTextFile(`${group}/cpu.cfs_period_us`, String(PERIOD_US));
    await Deno.writeTextFile(`${group}/cpu.cfs_quota_us`, quotaUs);
    return `${group}/cgroup.procs`;
  }
  const group = `${VERSION_2}/${name}`;
  await Deno.mkdir(group);
  if (!await exists(`${group}/cpu.max`)) {
    await Deno.remove(group);
    throw new Error("Cannot limit a host's CPU: the cpu controller is not enabled for new groups");
  }
  await Deno.writeTextFile(`${group}/cpu.max`, `${quotaUs} ${PERIOD_US}`);
  return `${group}/cgroup.procs`;
}

/** Removes the groups whose name starts with `prefix`; their processes must have ended. */
export async function removeGroups(prefix: string): Promise<void> {
  for (const base of [VERSION_1, VERSION_2]) {
    if (!await exists(base)) continue;
    for await (const entry of Deno.readDir(base)) {
      if (entry.isDirectory && entry.name.startsWith(`${prefix}-`)) {
        await Deno.remove(`${base}/${entry.name}`);
      }
    }
  }
}
