/**
 * Files on the file systems of disks.
 *
 * Their rules are not those of memory: O_DIRECT asks for alignment, there are errors, ends,
 * quotas.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type Host, Testbed } from "../testbed/mod.ts";
import {
  type DiskKind,
  mountDisk,
  mountOverlay,
  mountReadOnly,
  noDiskReason,
} from "../testbed/disk.ts";
import { blockIo, comparePrograms, database } from "../testbed/programs.ts";
import { modelFiles } from "./_files.ts";

/** Those of the conformity program that are about files. */
const PARTS = ["files", "transfer", "direct", "disk", "names", "attributes", "locks"];

const reasons = {
  ext4: await noDiskReason("ext4"),
  xfs: await noDiskReason("xfs"),
  btrfs: await noDiskReason("btrfs"),
} as const;

async function twoNodes(): Promise<Testbed> {
  const bed = await Testbed.create({ hosts: 2 });
  await bed.startDaemons();
  return bed;
}

/** What a program that waits for the file "go" prints, in a new folder; `meanwhile` before it begins. */
async function outcome(
  host: Host,
  folder: string,
  command: string,
  meanwhile: (pid: number) => Promise<void>,
): Promise<string[]> {
  await host.must(["mkdir", folder]);
  const job = await host.spawn(["sh", "-c", `cd ${folder} && exec lb launch ${command}`]);
  await job.output("ready\n");
  await host.waitForProcess(job.pid);
  await meanwhile(job.pid);
  await host.must(["touch", `${folder}/go`, `${folder}/rest`]);
  assert.deepEqual(await job.ending(), { code: 0, signal: null }, job.stdout + job.stderr);
  return job.stdout.split("\n");
}

/** Asks that it prints away what it prints at home. */
async function compare(bed: Testbed, folder: string, command: string): Promise<void> {
  const [home, away] = [bed.host(0), bed.host(1)];
  const wanted = await outcome(home, `${folder}/home`, command, async () => {});
  const given = await outcome(
    home,
    `${folder}/away`,
    command,
    (pid) => home.migrate(pid, away),
  );
  const differences = wanted.flatMap((line, index) =>
    given[index] === line ? [] : [`at home  ${line}\nmoved    ${given[index]}`]
  );
  assert.equal(differences.length, 0, differences.slice(0, 40).join("\n"));
  assert.equal(given.length, wanted.length);
  assert.doesNotMatch(home.daemon.log, /came home/);
}

/** What a file system says that cannot be written, with its folder as argument. */
const READER = `
import errno,mmap,os,sys,time
d=sys.argv[1]
print('ready',flush=True)
while not os.path.exists('go'): time.sleep(0.02)
def call(name,f,*a):
  try: print(name,f(*a))
  except OSError as e: print(name,errno.errorcode[e.errno])
f=d+'/file'
for flags in os.O_WRONLY,os.O_RDWR,os.O_WRONLY|os.O_CREAT,os.O_WRONLY|os.O_TRUNC,os.O_TMPFILE|os.O_RDWR:
  call('open %o'%flags,os.open,d if flags&os.O_TMPFILE==os.O_TMPFILE else f,flags)
for name,a in (('mkdir',(d+'/new',)),('unlink',(f,)),('rename',(f,d+'/other')),('link',(f,d+'/other')),
  ('symlink',('x',d+'/other')),('chmod',(f,0o600)),('utime',(f,)),('truncate',(f,3)),('mkfifo',(d+'/fifo',)),
  ('rmdir',(d+'/none',)),('access',(f,os.W_OK)),('access',(f,os.R_OK)),('setxattr',(f,'user.a',b'b'))):
  call(name,getattr(os,name),*a)
fd=os.open(f,os.O_RDONLY)
for i in range(3): call('read',os.read,fd,4)
call('write',os.write,fd,b'x')
call('ftruncate',os.ftruncate,fd,1)
call('fchmod',os.fchmod,fd,0o600)
call('fsync',os.fsync,fd)
print(mmap.mmap(fd,0,prot=mmap.PROT_READ)[:4], os.statvfs(d).f_flag&os.ST_RDONLY)
`;

Deno.test({
  name: "files on a disk's file systems are away from home what they are at home",
  ignore: reasons.ext4 !== undefined,
  fn: async (t) => {
    await using bed = await twoNodes();
    const [home, away] = [bed.host(0), bed.host(1)];
    await mountDisk(home, "disk", "ext4");
    await t.step("ext4", () => compare(bed, "disk", `conformity 0 ${PARTS.join(" ")}`));
    for (const kind of ["xfs", "btrfs"] as const satisfies readonly DiskKind[]) {
      const ignore = reasons[kind] !== undefined;
      await t.step({
        name: ignore ? `${kind}: ${reasons[kind]}` : kind,
        ignore,
        fn: async () => {
          await mountDisk(home, kind, kind);
          await compare(bed, kind, "conformity 0 transfer direct disk");
        },
      });
    }
    await t.step("overlayfs", async () => {
      await mountOverlay(home, "overlay", "disk");
      await compare(bed, "overlay", `conformity 0 ${PARTS.join(" ")}`);
    });
    await t.step("a folder that cannot be written", async () => {
      await home.writeFile("disk/reader.py", READER);
      await home.must("mkdir disk/shown && echo some text > disk/shown/file");
      await mountReadOnly(home, "shown", "disk/shown");
      await home.must("mkdir disk/reader");
      await compare(bed, "disk/reader", `python3 ${home.home}/disk/reader.py ${home.home}/shown`);
    });
    await t.step("blocks that are verified", async () => {
      await comparePrograms(blockIo(1, 4, 150), { home, away, seed: 1, folder: "disk" });
    });
    for (const journal of ["delete", "truncate", "persist", "memory", "wal", "off"]) {
      await t.step(`a database with journal_mode=${journal}`, async () => {
        await comparePrograms(database(journal), { home, away, seed: 1, folder: "disk" });
      });
    }
    await t.step(
      "random calls through shared descriptors",
      () => modelFiles(home, away, "disk", "3"),
    );
  },
});

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
    await using bed = await twoNodes();
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
