/**
 * Files on the file systems of disks, whose rules are not those of memory: O_DIRECT asks for alignment, there are
 * errors, ends, quotas.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type Host, Testbed } from "../testbed/mod.ts";
import { type DiskKind, mountDisk, noDiskReason } from "../testbed/disk.ts";

/** Those of the conformity program that are about files. */
const PARTS = ["files", "transfer", "direct", "names", "attributes", "locks"];

const reasons = {
  ext4: await noDiskReason("ext4"),
  xfs: await noDiskReason("xfs"),
  btrfs: await noDiskReason("btrfs"),
} as const;

/** What the checks print, in a new folder; `meanwhile` before they begin. */
async function check(
  host: Host,
  folder: string,
  parts: readonly string[],
  meanwhile: (pid: number) => Promise<void>,
): Promise<string[]> {
  await host.must(["mkdir", folder]);
  const line = `cd ${folder} && exec lb launch conformity 0 ${parts.join(" ")}`;
  const job = await host.spawn(["sh", "-c", line]);
  await job.output("ready\n");
  await host.waitForProcess(job.pid);
  await meanwhile(job.pid);
  await host.must(["touch", `${folder}/go`, `${folder}/rest`]);
  assert.deepEqual(await job.ending(), { code: 0, signal: null }, job.stdout + job.stderr);
  return job.stdout.split("\n");
}

for (const kind of ["ext4", "xfs", "btrfs"] as const satisfies readonly DiskKind[]) {
  Deno.test({
    name: `calls on files give away from home what they give at home, on ${kind}`,
    ignore: reasons[kind] !== undefined,
    fn: async () => {
      await using bed = await Testbed.create({ hosts: 2 });
      await bed.startDaemons();
      const [home, away] = [bed.host(0), bed.host(1)];
      await mountDisk(home, "disk", kind);
      const parts = kind === "ext4" ? PARTS : ["transfer", "direct"];
      const wanted = await check(home, "disk/home", parts, async () => {});
      const given = await check(home, "disk/away", parts, (pid) => home.migrate(pid, away));
      const differences = wanted.flatMap((line, index) =>
        given[index] === line ? [] : [`at home  ${line}\nmoved    ${given[index]}`]
      );
      assert.equal(differences.length, 0, differences.slice(0, 40).join("\n"));
      assert.equal(given.length, wanted.length);
      assert.doesNotMatch(home.daemon.log, /came home/);
    },
  });
}
