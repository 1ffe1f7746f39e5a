/**
 * Memory after a move is what it was.
 *
 * Of the same kind, with the same attributes, from the same files.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type Host, type Job, Testbed } from "../testbed/mod.ts";

/** What the program tells of itself when it is asked for the first, second, ... time. */
async function told(job: Job, time: number): Promise<string[]> {
  await job.write(`${time}\n`);
  const [, text = ""] = await job.output(new RegExp(`begin ${time}\n([^]*?)end ${time}\n`));
  return text.split("\n");
}

Deno.test("each page, and the process, has the same attributes after each move", async () => {
  await using bed = await Testbed.create({ hosts: 3 });
  await bed.startDaemons();
  const [home, near, far] = [bed.host(0), bed.host(1), bed.host(2)];
  const job = await home.launchKnown(["mapflags"]);
  await job.output("ready\n");
  const wanted = await told(job, 1);
  await home.migrate(job.pid, near);
  assert.deepEqual(await told(job, 2), wanted, "on the first node");
  const guest = (await near.snapshot()).processes[0]?.pid;
  const path = `/proc/${guest}/`;
  assert.equal(await near.readTextFile(`${path}oom_score_adj`), "200\n");
  assert.equal(await near.readTextFile(`${path}coredump_filter`), "0000003f\n");
  await near.migrate((await near.snapshot()).processes[0]?.pid ?? 0, far);
  assert.deepEqual(await told(job, 3), wanted, "on the second node");
  await home.bringHome(job.pid);
  assert.deepEqual(await told(job, 4), wanted, "at home again");
  await job.closeInput();
  assert.deepEqual(await job.ending(), { code: 0, signal: null });
});

/** Its mappings of files, the library's own left out. */
async function mappedFiles(host: Host, pid: number): Promise<string[]> {
  const maps = await host.readTextFile(`/proc/${pid}/maps`);
  return maps.split("\n").filter((line) => / \/(?!.*lb-preload)/.test(line));
}

Deno.test("at home again memory is mapped from its files, where they are what they were", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  await bed.startDaemons();
  const [home, away] = [bed.host(0), bed.host(1)];
  const script = `import mmap, os, sys
for name in "same", "gone", "other":
    open(name, "w").write(name * 5000)
files = [open(name, "rb") for name in ("same", "gone", "other")]
maps = [mmap.mmap(f.fileno(), 0, flags=mmap.MAP_PRIVATE, prot=3) for f in files]
for m in maps: m[5000:5004] = b"mine"
for f in files: f.close()
print("ready", flush=True)
for line in sys.stdin:
    print(line.strip(), *[(m[:5], m[5000:5004]) for m in maps], flush=True)`;
  const job = await home.launchKnown(["python3", "-c", script]);
  await job.output("ready\n");
  const wanted = await mappedFiles(home, job.pid);
  await home.migrate(job.pid, away);
  await home.must(["sh", "-c", "printf NEWER | dd of=same conv=notrunc 2>&1"]);
  await home.must(["sh", "-c", "rm gone; echo another > made; mv made other"]);
  await job.write("away\n");
  await job.output("away (b'sames', b'mine') (b'goneg', b'mine') (b'other', b'mine')\n");
  await home.bringHome(job.pid);
  await job.write("home\n");
  await job.output("home (b'NEWER', b'mine') (b'goneg', b'mine') (b'other', b'mine')\n");
  const isThere = (line: string) => !/\/(gone|other)$/.test(line);
  assert.deepEqual(await mappedFiles(home, job.pid), wanted.filter(isThere));
  await job.closeInput();
  assert.deepEqual(await job.ending(), { code: 0, signal: null });
});

Deno.test("a process does not move where it may not lock its memory, and hears why", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  await bed.startDaemons();
  const [home, away] = [bed.host(0), bed.host(1)];
  await away.must(["prlimit", "--memlock=4096:4096", "--pid", String(away.daemon.pid)]);
  const job = await home.launchKnown(["mapflags"]);
  await job.output("ready\n");
  const wanted = await told(job, 1);
  const { code, stderr } = await home.lb("migrate", String(job.pid), away.node);
  assert.notEqual(code, 0);
  assert.match(stderr, /more memory is locked than the limit there allows/);
  assert.deepEqual(await told(job, 2), wanted);
  await job.closeInput();
  assert.deepEqual(await job.ending(), { code: 0, signal: null });
});
