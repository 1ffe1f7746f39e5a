/**
 * What a moved program writes and reads without waiting.
 *
 * Nothing of it is lost or done twice, whatever happens to the program, the link and the disk, and
 * nobody can tell it from calls that wait.
 *
 * @module
 */
import assert from "node:assert/strict";
import { haveNamespaces, type Host, type Job, ORDINARY_UID, Testbed } from "../testbed/mod.ts";
import { mountDisk, noDiskReason } from "../testbed/disk.ts";
import { modelFiles } from "./_files.ts";

async function twoNodes(): Promise<Testbed> {
  const bed = await Testbed.create({ hosts: 2 });
  await bed.startDaemons();
  return bed;
}

/** Writes numbered records of 64 bytes, then does as it is told by the rest of its arguments. */
const WRITER = `
import os,sys,time,signal
print('ready',flush=True); sys.stdin.readline()
fd=os.open('out',os.O_CREAT|os.O_WRONLY|os.O_TRUNC,0o644)
def put(count):
  for i in range(count): os.write(fd,b'%063d\\n'%i)
def place(count):
  for i in reversed(range(count)): os.pwrite(fd,b'%063d\\n'%i,64*i)
`;

async function launchMoved(home: Host, away: Host, script: string): Promise<Job> {
  const job = await home.launchKnown(["python3", "-c", WRITER + script]);
  await job.output("ready\n");
  await home.migrate(job.pid, away);
  await job.write("\n");
  return job;
}

const records = (count: number): string =>
  Array.from({ length: count }, (_, index) => `${String(index).padStart(63, "0")}\n`).join("");

Deno.test("random calls on files through shared descriptors give what they give at home", async (t) => {
  await using bed = await twoNodes();
  for (const seed of ["1", "2"]) {
    await t.step(`seed ${seed}`, () => modelFiles(bed.host(0), bed.host(1), ".", seed));
  }
});

Deno.test("all that a program has written is at home when it is killed", async (t) => {
  await using bed = await twoNodes();
  const [home, away] = [bed.host(0), bed.host(1)];
  for (const signal of ["KILL", "SEGV"]) {
    await t.step(`by itself, with SIG${signal}`, async () => {
      const job = await launchMoved(
        home,
        away,
        `${signal === "KILL" ? "put" : "place"}(30000); os.kill(os.getpid(), signal.SIG${signal})`,
      );
      assert.equal((await job.ending()).signal, `SIG${signal}`);
      assert.equal(await home.readTextFile("out"), records(30000));
    });
  }
  await t.step("by another, at any moment", async () => {
    for (const delayMs of [0, 7, 40, 90]) {
      // What it has said comes after what it had written: so much at least is in the file.
      const job = await launchMoved(
        home,
        away,
        "for i in range(10**9):\n  os.write(fd,b'%063d\\n'%i)\n  if i%500==0: print(i,flush=True)",
      );
      await job.output(/\n1000\n/);
      const guest = (await away.snapshot()).processes[0];
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      await away.must(["kill", "-KILL", String(guest?.pid)]);
      assert.equal((await job.ending()).signal, "SIGKILL");
      const said = Number(job.stdout.trim().split("\n").at(-1));
      const written = await home.readTextFile("out");
      assert.ok(written.length >= 64 * (said + 1), `${said} said, ${written.length} bytes written`);
      assert.equal(written, records(written.length / 64));
    }
  });
  await t.step("by another, while it computes", async () => {
    const job = await launchMoved(home, away, "put(1000)\nwhile True: pass");
    const guest = (await away.waitForSnapshot("the guest", (it) => it.processes.length === 1))
      .processes[0];
    // It makes no call any more: what it wrote arrives by itself.
    const deadline = Date.now() + 10_000;
    while ((await home.run("wc -l < out")).stdout.trim() !== "1000") {
      assert.ok(Date.now() < deadline, "the records did not come");
    }
    await away.must(["kill", "-KILL", String(guest?.pid)]);
    assert.equal((await job.ending()).signal, "SIGKILL");
    assert.equal(await home.readTextFile("out"), records(1000));
  });
});

Deno.test({
  name: "a link that breaks under writes loses and doubles none of them",
  ignore: !haveNamespaces,
  fn: async (t) => {
    await using bed = await twoNodes();
    const [home, away] = [bed.host(0), bed.host(1)];
    const reconnects = async (): Promise<number> =>
      Number((await home.run("wc -l < out")).stdout.trim() || "0");
    await t.step("while it runs", async () => {
      const job = await launchMoved(
        home,
        away,
        "for k in range(40): time.sleep(0.05); put(5000); os.lseek(fd,0,os.SEEK_CUR)\nprint('done')",
      );
      while (await reconnects() < 10_000) { /* it has begun */ }
      await away.cut();
      await new Promise((resolve) => setTimeout(resolve, 2000));
      await away.restore();
      assert.deepEqual(await job.ending(), { code: 0, signal: null }, job.stderr);
      assert.equal(await home.readTextFile("out"), records(5000).repeat(40));
    });
    await t.step("and it ends meanwhile", async () => {
      const job = await launchMoved(
        home,
        away,
        "put(2); print('cut',flush=True); time.sleep(1); put(20000); os.kill(os.getpid(),9)",
      );
      await job.output("cut\n");
      await away.cut();
      await new Promise((resolve) => setTimeout(resolve, 3000));
      await away.restore();
      assert.equal((await job.ending()).signal, "SIGKILL");
      assert.equal(await home.readTextFile("out"), records(2) + records(20000));
    });
  },
});

/** File systems with little room at "disk", each with the error that says so. */
const small: Record<
  string,
  { ignore: boolean; error: string; mount: (home: Host) => Promise<void> }
> = {
  tmpfs: {
    ignore: !haveNamespaces,
    error: "ENOSPC",
    mount: async (home) => {
      const options = `size=16m,mode=700,uid=${ORDINARY_UID},gid=${ORDINARY_UID}`;
      const path = `${home.home}/disk`;
      await home.must(["mkdir", "disk"]);
      await home.must(["mount", "-t", "tmpfs", "-o", options, "none", path], { asRoot: true });
    },
  },
  ext4: {
    ignore: await noDiskReason("ext4") !== undefined,
    error: "ENOSPC",
    mount: (home) => mountDisk(home, "disk", "ext4", { mebibytes: 32 }),
  },
  "btrfs with a quota": {
    ignore: await noDiskReason("btrfs") !== undefined,
    error: "EDQUOT",
    mount: async (home) => {
      await mountDisk(home, "whole", "btrfs");
      await home.must(
        `btrfs -q quota enable whole && btrfs -q subvolume create whole/part &&
         btrfs -q qgroup limit 24M whole/part && chown ${ORDINARY_UID}:${ORDINARY_UID} whole/part &&
         mkdir disk && mount --bind whole/part disk`,
        { asRoot: true },
      );
    },
  },
};

for (const [name, { ignore, error, mount }] of Object.entries(small)) {
  Deno.test({
    name:
      `a disk that fills up between a write and its execution takes nothing that was accepted, ${name}`,
    ignore,
    fn: async (t) => {
      await using bed = await twoNodes();
      const [home, away] = [bed.host(0), bed.host(1)];
      await mount(home);
      const fill = async (script: string): Promise<void> => {
        const job = await launchMoved(home, away, "import errno\n" + script);
        await job.output("writing\n");
        await home.run("cat /dev/zero > disk/filler");
        await job.write("\n");
        assert.deepEqual(await job.ending(), { code: 0, signal: null }, job.stderr);
        assert.equal(job.stdout, `ready\nwriting\n${error} True\n`);
        await home.must(["rm", "disk/filler"]);
      };
      await t.step("one after the other", () =>
        fill(`
out=os.open('disk/out',os.O_CREAT|os.O_WRONLY,0o644)
written=0
for i in range(1000): written+=os.write(out,b'%063d\\n'%i)
print('writing',flush=True); sys.stdin.readline()
try:
  for i in range(1000,10**9): written+=os.write(out,b'%063d\\n'%i*16)
except OSError as e: print(errno.errorcode[e.errno], written == os.fstat(out).st_size)
os.unlink('disk/out'); os.close(out)
`));
      // Each of them needs a block of its own, and blocks that lead there.
      await t.step("here and there", () =>
        fill(`
out=os.open('disk/out',os.O_CREAT|os.O_RDWR,0o644)
written=0
def put():
  global written
  if written%2: os.pwrite(out,b'%063d\\n'%written,written<<20)
  else: os.lseek(out,written<<20,0); os.write(out,b'%063d\\n'%written)
  written+=1
for i in range(20): put()
print('writing',flush=True); sys.stdin.readline()
try:
  while True: put()
except OSError as e:
  print(errno.errorcode[e.errno], all(os.pread(out,64,i<<20)==b'%063d\\n'%i for i in range(written)))
os.unlink('disk/out'); os.close(out)
`));
    },
  });
}
