/**
 * Time limits of waiting calls, across a move.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type Host, type Job, sleep, Testbed } from "../testbed/mod.ts";

const LIMIT_MS = 6_000;
/** When the moves begin. */
const BEGIN_MS = 1_000;

/** Calls whose limit the library keeps, one a way of keeping it. */
const AWAY = ["nanosleep", "until", "poll", "epoll2", "sigtimedwait", "futex", "timer", "receive"];
/** At home nothing is seen of a call: what is left is told by the kernel, or by when the process last ran. */
const AT_HOME = [
  "sleep",
  "select",
  "timer",
  "nanosleep",
  "poll",
  "epoll2",
  "sigtimedwait",
  "futex",
  "semaphore",
];
/** One a way in which a limit is told and made again. */
const TO_AND_FRO = [
  "nanosleep",
  "sleep",
  "poll",
  "ppoll",
  "select",
  "epoll",
  "futex",
  "semaphore",
  "receive",
];

async function start(home: Host, kinds: readonly string[]): Promise<Map<string, Job>> {
  const jobs = new Map<string, Job>();
  for (const kind of kinds) jobs.set(kind, await home.launch(["waiter", kind, String(LIMIT_MS)]));
  for (const job of jobs.values()) await job.output("ready\n");
  const pids = [...jobs.values()].map(({ pid }) => pid);
  await home.waitForSnapshot(
    "all of them",
    ({ processes }) => pids.every((pid) => processes.some((process) => process.pid === pid)),
  );
  return jobs;
}

/** Moves a job in the middle of its wait, and tells what is wrong with how long it waited. */
async function judge(job: Job, begunMs: number, move: () => Promise<void>): Promise<string | null> {
  const movedMs = performance.now() - begunMs;
  // Where all is slow it may end before it is moved: then it has waited as long as it should.
  await move().catch((error) => {
    if (job.running) throw error;
  });
  const { code } = await job.ending();
  const waited = Number(/^ready\nwaited (\d+)\n$/.exec(job.stdout)?.[1]);
  // One that began again would last until a whole limit after the move.
  if (code === 0 && waited >= LIMIT_MS && waited < movedMs + LIMIT_MS) return null;
  return `moved after ${Math.round(movedMs)} ms: ${code}: ${job.stdout}${job.stderr}`;
}

Deno.test("a wait that began away ends in time at home, and one that began at home ends in time away", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  await bed.startDaemons();
  const [home, away] = [bed.host(0), bed.host(1)];
  const guests = await start(home, AWAY);
  const others = await start(home, AT_HOME);
  for (const job of guests.values()) await home.migrate(job.pid, away);
  await home.must(["touch", "go"]);
  const begunMs = performance.now();
  await sleep(BEGIN_MS);
  const judgements: Promise<string | null>[] = [];
  const begin = async (job: Job, move: () => Promise<void>): Promise<void> => {
    const moved = Promise.withResolvers<void>();
    judgements.push(judge(job, begunMs, () => move().finally(moved.resolve)));
    await moved.promise;
  };
  for (const job of guests.values()) await begin(job, () => home.bringHome(job.pid));
  for (const job of others.values()) await begin(job, () => home.migrate(job.pid, away));
  const names = [...AWAY, ...AT_HOME];
  const findings = (await Promise.all(judgements)).map((finding, index) =>
    `${names[index]} ${finding}`
  );
  assert.deepEqual(findings, names.map((name) => `${name} null`));
});

Deno.test("a wait ends in time however often the process moves to and fro meanwhile", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  await bed.startDaemons();
  const [home, away] = [bed.host(0), bed.host(1)];
  const jobs = await start(home, TO_AND_FRO);
  await home.must(["touch", "go"]);
  const begunMs = performance.now();
  const findings = await Promise.all([...jobs].map(async ([kind, job]) => {
    let moves = 0;
    let slowestMs = 0;
    while (job.running && performance.now() < begunMs + 4 * LIMIT_MS) {
      const fromMs = performance.now();
      const order = moves % 2 === 0
        ? ["migrate", String(job.pid), away.node]
        : ["home", String(job.pid)];
      if ((await home.lb(...order)).code === 0) moves++;
      slowestMs = Math.max(slowestMs, performance.now() - fromMs);
    }
    const { code } = await job.ending();
    const waited = Number(/^ready\nwaited (\d+)\n$/.exec(job.stdout)?.[1]);
    // It cannot end while it is frozen, and a busy machine may let it wait for a processor.
    const isInTime = waited >= LIMIT_MS && waited < LIMIT_MS + slowestMs + 1_000;
    return code === 0 && isInTime
      ? `${kind} in time`
      : `${kind} after ${moves} moves, of ${slowestMs} ms at most: ${job.stdout}${job.stderr}`;
  }));
  assert.deepEqual(findings, TO_AND_FRO.map((kind) => `${kind} in time`));
});
