/**
 * Processes that cannot move, now or ever.
 *
 * The reason is reported, the process is not touched, and when the obstacle is gone it moves.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type Host, type Job, Testbed } from "../testbed/mod.ts";

async function twoNodes(): Promise<Testbed> {
  const bed = await Testbed.create({ hosts: 2 });
  await bed.startDaemons();
  return bed;
}

/** Orders a move that must be refused, and checks that reason and process are as they should be. */
async function refused(home: Host, away: Host, job: Job, reason: RegExp): Promise<void> {
  const result = await home.lb("migrate", String(job.pid), away.node);
  assert.notEqual(result.code, 0, "the move was not refused");
  assert.match(result.stderr, reason);
  assert.match(result.stderr, /fix:/);
  assert.match(await home.must(["lb", "ps"]), reason);
  const found = (await home.snapshot()).processes.find((process) => process.pid === job.pid);
  assert.match(found?.cantmove ?? "", reason);
  assert.ok(job.running);
  assert.equal((await away.snapshot()).queueLength, 0);
}

Deno.test("a process with two threads does not move, and moves when one is left", async () => {
  await using bed = await twoNodes();
  const [home, away] = [bed.host(0), bed.host(1)];
  const job = await home.launchKnown(["threader", "0.2", "6", "4"]);
  await job.output("two\n");
  await refused(home, away, job, /threads/);
  await job.output("joined 42\n");
  await home.migrate(job.pid, away);
  assert.deepEqual(await job.ending(), { code: 6, signal: null });
  assert.equal(job.stdout, "one\ntwo\njoined 42\ndone\n");
});

Deno.test("a process with a child does not move, and moves when it has ended", async () => {
  await using bed = await twoNodes();
  const [home, away] = [bed.host(0), bed.host(1)];
  const script =
    "exec 3<&0; (read x <&3; exit 5) & echo forked $!; wait $!; echo reaped $?; read y; exit 6";
  const job = await home.launchKnown(["bash", "-c", script]);
  await job.output(/forked \d+\n/);
  await refused(home, away, job, /child/);
  const order = ["checkpoint", String(job.pid), "--output", "image", "--leave-running"];
  const copied = await home.lb(...order);
  assert.notEqual(copied.code, 0, "an image of it would have no children");
  assert.match(copied.stderr, /child/);
  await job.write("\n");
  await job.output("reaped 5\n");
  await home.migrate(job.pid, away);
  await job.write("\n");
  assert.deepEqual(await job.ending(), { code: 6, signal: null });
});

Deno.test("a process whose child uses its memory does not move", async () => {
  await using bed = await twoNodes();
  const [home, away] = [bed.host(0), bed.host(1)];
  const job = await home.launchKnown(["obstacle", "child"]);
  await job.output("ready\n");
  const result = await home.lb("migrate", String(job.pid), away.node);
  assert.notEqual(result.code, 0, "the move was not refused");
  assert.match(result.stderr, /child|memory is shared/);
  assert.ok(job.running);
});

Deno.test("a process with shared writable memory does not move", async () => {
  await using bed = await twoNodes();
  const [home, away] = [bed.host(0), bed.host(1)];
  const script = `import mmap, os, sys
m = mmap.mmap(-1, 4096)
read, write = os.pipe()
if os.fork() == 0:
    if os.fork() == 0: os.close(write); os.read(read, 1)
    os._exit(0)
os.wait()
print('ready', flush=True); sys.stdin.readline(); m.close()
print('closed', flush=True); sys.stdin.readline(); print('end')`;
  const job = await home.launchKnown(["python3", "-c", script]);
  await job.output("ready\n");
  await refused(home, away, job, /shared writable memory, and process \d+ has it too/);
  await job.write("\n");
  await job.output("closed\n");
  await home.migrate(job.pid, away);
  await job.write("\n");
  assert.deepEqual(await job.ending(), { code: 0, signal: null });
  assert.equal(job.stdout, "ready\nclosed\nend\n");
});

Deno.test("shared memory that nobody else has any more moves, and children share it again", async () => {
  await using bed = await twoNodes();
  const [home, away] = [bed.host(0), bed.host(1)];
  const script = `import mmap, os, sys
m = mmap.mmap(-1, 65536); m[:4] = b'main'
child = os.fork()
if child == 0: m[4:9] = b'child'; os._exit(0)
os.waitpid(child, 0)
print('ready', flush=True); sys.stdin.readline()
print(m[:9], flush=True); sys.stdin.readline()
m[60000:60003] = b'end'; print('written', flush=True); sys.stdin.readline()
print(m[:9], m[60000:60003], flush=True)
child = os.fork()
if child == 0: m[:5] = b'other'; os._exit(0)
os.waitpid(child, 0); print(m[:9], flush=True)`;
  const job = await home.launchKnown(["python3", "-c", script]);
  await job.output("ready\n");
  await home.migrate(job.pid, away);
  await job.write("\n");
  await job.output("b'mainchild'\n");
  await job.write("\n");
  await job.output("written\n");
  await home.bringHome(job.pid);
  await home.migrate(job.pid, away);
  await home.bringHome(job.pid);
  await job.write("\n");
  assert.deepEqual(await job.ending(), { code: 0, signal: null }, job.stderr);
  assert.equal(
    job.stdout,
    "ready\nb'mainchild'\nwritten\nb'mainchild' b'end'\nb'otherhild'\n",
  );
});

Deno.test("shared memory that is made away moves on, and comes home with the fork that shares it", async () => {
  await using bed = await Testbed.create({ hosts: 3 });
  await bed.startDaemons();
  const [home, first, second] = [bed.host(0), bed.host(1), bed.host(2)];
  const script = `import mmap, os, sys
print('ready', flush=True); sys.stdin.readline()
m = mmap.mmap(-1, 65536); m[:5] = b'hello'; m[60000:60003] = b'end'
print('made', flush=True); sys.stdin.readline()
print(m[:5], m[60000:60003], flush=True)
child = os.fork()
if child == 0: m[:5] = b'child'; os._exit(0)
os.waitpid(child, 0); print(m[:5], flush=True)`;
  const job = await home.launchKnown(["python3", "-c", script]);
  await job.output("ready\n");
  await home.migrate(job.pid, first);
  await job.write("\n");
  await job.output("made\n");
  await first.migrate((await first.snapshot()).processes[0]?.pid ?? 0, second);
  assert.equal((await second.snapshot()).processes[0]?.shadowPid, job.pid);
  await job.write("\n");
  assert.deepEqual(await job.ending(), { code: 0, signal: null }, job.stderr);
  assert.equal(job.stdout, "ready\nmade\nb'hello' b'end'\nb'child'\n");
});

Deno.test("what only the kernel knows of a process keeps it where it is, and is told", async (t) => {
  await using bed = await twoNodes();
  const [home, away] = [bed.host(0), bed.host(1)];
  const kinds: [string, RegExp][] = [
    ["may-write", /shared memory that may become writable: .*obstacle\.bin/],
    ["shared-none", /shared writable memory, and process \d+ has it too/],
    ["sysv", /System V shared memory/],
    ["timers", /257 POSIX timers/],
    ["io-uring", /io_uring/],
    ["signalfd", /signalfd for SIGIO: descriptor 3/],
    ["seccomp", /seccomp/],
    ["huge-pages", /huge pages/],
  ];
  for (const [kind, reason] of kinds) {
    await t.step(kind, async (step) => {
      const job = await home.launchKnown(["obstacle", kind]);
      const [said] = await job.output(/ready\n|not here\n/);
      if (said === "ready\n") await refused(home, away, job, reason);
      else await step.step({ name: "this kernel has none", ignore: true, fn: () => {} });
      await job.kill("KILL");
      await job.ending();
    });
  }
});

Deno.test("a state that lb could not run in keeps a process where it is, and is told", async (t) => {
  await using bed = await twoNodes();
  const [home, away] = [bed.host(0), bed.host(1)];
  for (const kind of ["tsc", "mdwe"]) {
    await t.step(kind, async (step) => {
      const job = await home.launchKnown(["obstacle", kind]);
      const [said] = await job.output(/ready\n|not here\n/);
      if (said === "ready\n") {
        const { code, stderr } = await home.lb("migrate", String(job.pid), away.node);
        assert.notEqual(code, 0, "the move was not refused");
        assert.match(stderr, /rdtsc or cpuid, or refuses executable memory/);
        await job.write("\n");
        assert.deepEqual(await job.ending(), { code: 0, signal: null });
        return;
      }
      await step.step({ name: "this kernel has none", ignore: true, fn: () => {} });
      await job.kill("KILL");
      await job.ending();
    });
  }
});

Deno.test("a stopped process does not move, and moves when it goes on", async () => {
  await using bed = await twoNodes();
  const [home, away] = [bed.host(0), bed.host(1)];
  const job = await home.launchKnown(["counter", "60"]);
  await job.output("line 3\n");
  await job.kill("STOP");
  await refused(home, away, job, /stopped/);
  await job.kill("CONT");
  await job.output("line 10\n");
  await home.migrate(job.pid, away);
  assert.deepEqual(await job.ending(), { code: 0, signal: null });
  assert.ok(job.stdout.endsWith("line 59\nline 60\n"));
});

Deno.test("a process that blocks the trigger is left alone, and moves when it unblocks", async () => {
  await using bed = await twoNodes();
  const [home, away] = [bed.host(0), bed.host(1)];
  const script = "import signal,sys; a=set(range(1,65))-{9,19}; " +
    "signal.pthread_sigmask(signal.SIG_BLOCK,a); print('ready',flush=True); sys.stdin.readline(); " +
    "signal.pthread_sigmask(signal.SIG_UNBLOCK,a); print('open',flush=True); sys.stdin.readline()";
  const job = await home.launchKnown(["python3", "-c", script]);
  await job.output("ready\n");
  await refused(home, away, job, /block/);
  await job.write("\n");
  await job.output("open\n");
  await home.migrate(job.pid, away);
  await job.closeInput();
  assert.deepEqual(await job.ending(), { code: 0, signal: null });
});

Deno.test("a moved process that starts a thread comes home for it and goes on", async () => {
  await using bed = await twoNodes();
  const [home, away] = [bed.host(0), bed.host(1)];
  const job = await home.launchKnown(["threader", "2", "0.5", "0.5"]);
  await home.migrate(job.pid, away);
  assert.deepEqual(await job.ending(), { code: 6, signal: null }, job.stderr);
  assert.match(job.stdout, /joined 42\ndone\n$/);
  assert.equal(job.stderr, "");
  await away.waitForSnapshot("no guest", (s) => s.queueLength === 0);
});

Deno.test("a process that is not known, and a node that is not there, are told apart", async () => {
  await using bed = await twoNodes();
  const [home, away] = [bed.host(0), bed.host(1)];
  const unknown = await home.lb("migrate", "999999", away.node);
  assert.notEqual(unknown.code, 0);
  assert.match(unknown.stderr, /999999/);
  const job = await home.launchKnown(["counter", "50"]);
  const nobody = away.address.replace(/\d+$/, "99");
  const nowhere = await home.lb("migrate", String(job.pid), `${nobody}:9734`);
  assert.notEqual(nowhere.code, 0);
  assert.ok(nowhere.stderr.includes(nobody), nowhere.stderr);
  assert.deepEqual(await job.ending(), { code: 0, signal: null });
});
