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

/** Writes by and by, or as fast as it can, until it hears of an error; the disk has one since the second line of input. */
const WRITER = `
import errno,os,sys,time
sys.stdin.readline()
f=os.open('disk/file',os.O_CREAT|os.O_WRONLY|os.O_TRUNC,0o644)
g=os.open('disk/other',os.O_CREAT|os.O_WRONLY|os.O_TRUNC,0o644)
for fd in f,g:
  for i in range(10): os.write(fd,b'abc')
  os.fsync(fd)
print('ready',flush=True); sys.stdin.readline()
for fd,count,pause in (f,300,0.03),(g,10**7,0):
  done=0
  try:
    while done<count:
      os.write(fd,b'line\\n'); done+=1
      if pause: time.sleep(pause)
  except OSError as e: print(errno.errorcode[e.errno],done,flush=True)
  try: os.close(fd)
  except OSError as e: print(e)
`;

Deno.test({
  name: "a disk that takes nothing any more is heard of by the next write, not by close alone",
  ignore: reasons.ext4 !== undefined,
  fn: async () => {
    await using bed = await Testbed.create({ hosts: 2 });
    await bed.startDaemons();
    const [home, away] = [bed.host(0), bed.host(1)];
    await mountDisk(home, "disk", "ext4", { options: "errors=remount-ro" });
    const device = (await home.must("findmnt -n -o SOURCE disk")).trim().replace("/dev/", "");
    const job = await home.spawn(["sh", "-c", 'exec lb launch python3 -c "$0"', WRITER]);
    await home.waitForProcess(job.pid);
    await home.migrate(job.pid, away);
    await job.write("\n");
    await job.output("ready\n");
    await Deno.writeTextFile(`/sys/fs/ext4/${device}/trigger_fs_error`, "1");
    await job.write("\n");
    assert.deepEqual(await job.ending(), { code: 0, signal: null }, job.stderr);
    const [, slow, fast] = /^ready\nEROFS (\d+)\nEROFS (\d+)\n$/.exec(job.stdout) ?? [];
    // At home it is the first one; here those that were on their way, and a second for a busy machine.
    assert.ok(Number(slow) < 35, job.stdout);
    assert.ok(Number(fast) < 10 ** 7, job.stdout);
  },
});
