/**
 * Many threads, and threads that make a move hard.
 *
 * The process moves whole, or goes on where it was and says why; never half of it.
 *
 * @module
 */
import assert from "node:assert/strict";
import { haveNamespaces, type Host, Testbed, waitFor } from "../testbed/mod.ts";
import { type Kind, Throng } from "../testbed/throng.ts";
import { skippedFor, threadsStay } from "../testbed/torture.ts";

/** The most threads that a process may move with, its first one counted. */
const THREADS_MAX = 128;
const SMALL_STACK = 16_384;

function test(name: string, fn: (t: Deno.TestContext) => Promise<void>): void {
  Deno.test({ name: name + skippedFor, ignore: threadsStay, fn });
}

async function twoNodes(): Promise<Testbed> {
  const bed = await Testbed.create({ hosts: 2 });
  await bed.startDaemons({ extra: 'threads = "move"' });
  return bed;
}

/** Moves it to and fro, and asks all threads after each move. */
async function toAndFro(home: Host, away: Host, throng: Throng, moves: number): Promise<void> {
  for (let move = 0; move < moves; move++) {
    if (move % 2 === 0) await home.migrate(throng.job.pid, away);
    else await home.bringHome(throng.job.pid);
    await throng.answers();
  }
}

/** Orders a move that must be refused; the process is where it was. */
async function refused(home: Host, away: Host, throng: Throng, reason: RegExp): Promise<string> {
  const { code, stderr } = await home.lb("migrate", String(throng.job.pid), away.node);
  assert.equal(code, 4, `the move was not refused: ${stderr}`);
  assert.match(stderr, reason);
  assert.match(stderr, /\n +fix: /);
  const here = (await home.snapshot()).processes.some(({ pid }) => pid === throng.job.pid);
  assert.ok(here && throng.job.running, throng.job.stdout + throng.job.stderr);
  // A copy of which a part was made goes as well.
  await away.waitForSnapshot("an empty node", (snapshot) => snapshot.queueLength === 0);
  assert.deepEqual(await away.pidsOf("throng"), haveNamespaces ? [] : await away.pidsOf("throng"));
  return stderr;
}

const throngs: readonly (readonly [kind: Kind, threads: number, moves: number, stack?: number])[] =
  [
    ["sleeping", 1, 4],
    ["sleeping", 16, 4],
    ["sleeping", THREADS_MAX - 1, 4],
    ["sleeping", THREADS_MAX - 1, 2, SMALL_STACK],
    ["computing", 4, 4],
    ["computing", 16, 2, SMALL_STACK],
    ["churning", 4, 12],
    ["raw", 8, 6],
    ["raw", 8, 2, SMALL_STACK],
  ];

test("throngs of threads move to and fro, and all of them live", async (t) => {
  await using bed = await twoNodes();
  const [home, away] = [bed.host(0), bed.host(1)];
  for (const [kind, threads, moves, stackBytes] of throngs) {
    const stack = stackBytes === undefined ? "" : ` with stacks of ${stackBytes} bytes`;
    await t.step(`${threads} threads, ${kind}${stack}`, async () => {
      const options = stackBytes === undefined ? {} : { stackBytes };
      const throng = await Throng.start(home, kind, threads, options);
      await toAndFro(home, away, throng, moves);
      await throng.end();
    });
  }
});

test("a process with more threads than may move stays, and says how many it has", async () => {
  await using bed = await twoNodes();
  const [home, away] = [bed.host(0), bed.host(1)];
  const throng = await Throng.start(home, "sleeping", THREADS_MAX);
  await refused(
    home,
    away,
    throng,
    new RegExp(`it has ${THREADS_MAX + 1} threads, at most ${THREADS_MAX} move`),
  );
  await throng.end();
});

test("a thread that blocks each signal is named, and the process moves when it does no more", async () => {
  await using bed = await twoNodes();
  const [home, away] = [bed.host(0), bed.host(1)];
  const throng = await Throng.start(home, "blocking", 4);
  const reason = await refused(home, away, throng, /thread \d+ \(throng\) does not stop/);
  const tid = /thread (\d+)/.exec(reason)?.[1];
  const tasks = await home.must(["ls", `/proc/${throng.job.pid}/task`]);
  assert.ok(tasks.split("\n").indexOf(tid ?? "none") > 0, `${tid} is a thread, not the first`);
  await throng.answers("o");
  await toAndFro(home, away, throng, 2);
  await throng.end();
});

test("a process that has a thread in a child of vfork stays until the child has ended", async () => {
  await using bed = await twoNodes();
  const [home, away] = [bed.host(0), bed.host(1)];
  const throng = await Throng.start(home, "forking", 3);
  await refused(home, away, throng, /it has 1 child|does not stop/);
  await throng.answers("o");
  await toAndFro(home, away, throng, 2);
  await throng.end();
});

test("a thread that a debugger stops keeps its process at home until it is let go", async () => {
  await using bed = await twoNodes();
  const [home, away] = [bed.host(0), bed.host(1)];
  const throng = await Throng.start(home, "sleeping", 3);
  const tasks = (await home.must(["ls", `/proc/${throng.job.pid}/task`])).trim().split("\n");
  const other = tasks.find((tid) => Number(tid) !== throng.job.pid);
  const tracer = await home.spawn(["tracer", String(other)]);
  await tracer.output("stopped\n");
  await refused(home, away, throng, /being traced|thread \d+ \(throng\) does not stop: t/);
  await tracer.closeInput();
  assert.deepEqual(await tracer.ending(), { code: 0, signal: null }, tracer.stderr);
  await throng.answers();
  await toAndFro(home, away, throng, 2);
  await throng.end();
});

test("a process whose thread closes all descriptors goes on, wherever it is", async () => {
  await using bed = await twoNodes();
  const [home, away] = [bed.host(0), bed.host(1)];
  const throng = await Throng.start(home, "closing", 3);
  await throng.answers();
  for (let round = 0; round < 3; round++) {
    // What lb has open in the process may be closed in the middle of an order: then the order fails, no more.
    for (
      const order of [["migrate", String(throng.job.pid), away.node], [
        "home",
        String(throng.job.pid),
      ]]
    ) {
      const { code, stderr } = await home.lb(...order);
      if (code !== 0) assert.match(stderr, /\n +fix: /);
      await throng.answers();
    }
  }
  await throng.end();
});

/** Where a group can be made that has so many tasks at most; null where none can. */
async function taskGroups(): Promise<string | null> {
  for (const path of ["/sys/fs/cgroup/pids", "/sys/fs/cgroup"]) {
    const probe = `${path}/lb-probe-${crypto.randomUUID().slice(0, 8)}`;
    try {
      await Deno.mkdir(probe);
      const good = await Deno.stat(`${probe}/pids.max`).then(() => true, () => false);
      await Deno.remove(probe);
      if (good) return path;
    } catch {
      // Nobody may make one here.
    }
  }
  return null;
}

const THREADS = 60;
/** Room for what restores a process, and for some of its threads. */
const ROOM = 20;

const groups = haveNamespaces ? await taskGroups() : null;

Deno.test({
  name: "a process that a limit of tasks lets be restored in part only goes on at home" +
    (groups === null ? " (no group of tasks can be made)" : skippedFor),
  ignore: threadsStay || groups === null,
  fn: async () => {
    const group = `${groups}/lb-throng-${crypto.randomUUID().slice(0, 8)}`;
    await Deno.mkdir(group);
    try {
      await using bed = await twoNodes();
      const [home, away] = [bed.host(0), bed.host(1)];
      const throng = await Throng.start(home, "sleeping", THREADS);
      const join = `echo ${away.daemon.pid} > ${group}/cgroup.procs`;
      await away.must(["sh", "-c", join], { asRoot: true });
      const tasks = Number(await Deno.readTextFile(`${group}/pids.current`));
      await Deno.writeTextFile(`${group}/pids.max`, String(tasks + ROOM));
      await refused(home, away, throng, /thread|Resource temporarily unavailable|EAGAIN|limit/);
      await throng.answers();
      await Deno.writeTextFile(`${group}/pids.max`, "max");
      await toAndFro(home, away, throng, 2);
      await throng.end();
    } finally {
      await waitFor("an empty group of tasks", async () => {
        return await Deno.remove(group).then(() => true, () => false);
      });
    }
  },
});

test("a process that its user's limit there lets be restored in part only goes on at home", async () => {
  await using bed = await twoNodes();
  const [home, away] = [bed.host(0), bed.host(1)];
  const throng = await Throng.start(home, "sleeping", 2 * THREADS);
  const limit = async (tasks: string) => {
    await away.must(["prlimit", "--pid", String(away.daemon.pid), `--nproc=${tasks}:`]);
  };
  const user = (await home.must(["id", "-u"])).trim();
  // Of all processes of the user on this machine, whatever host they are on.
  const all = new TextDecoder().decode(
    (await new Deno.Command("ps", { args: ["-L", "-o", "lwp=", "-u", user] }).output()).stdout,
  );
  const before = (await away.must(["bash", "-c", "ulimit -u"])).trim();
  await limit(String(all.trim().split("\n").length + ROOM));
  await refused(home, away, throng, /thread|Resource temporarily unavailable|EAGAIN|limit/);
  await throng.answers();
  await limit(before);
  await toAndFro(home, away, throng, 2);
  await throng.end();
});
