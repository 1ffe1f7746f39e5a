/**
 * A program whose threads check each other, moved while they do.
 *
 * Its list is that of `torture --list`. `npm run soak -- threads RUNS` does it longer.
 *
 * @module
 */
import assert from "node:assert/strict";
import { haveNamespaces, type Host, type Job, sleep, Testbed, waitFor } from "../testbed/mod.ts";
import {
  endTorture,
  moveTorture,
  skippedFor,
  startTorture,
  threadsMove,
  threadsStay,
  tortureAround,
} from "../testbed/torture.ts";

const RUNS = 20;
const MOVES = 4;
/** SIGRTMIN + 8 as the C library counts; the program counts each that comes. */
const OUTSIDE = 42;

/** A test that is skipped while moved threads have known faults. */
function test(name: string, fn: () => Promise<void>, ignore = false): void {
  Deno.test({ name: name + skippedFor, ignore: threadsStay || ignore, fn });
}

test("threads do not notice twenty times four moves away and home", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  await bed.startDaemons({ extra: threadsMove });
  for (let seed = 1; seed <= RUNS; seed++) await tortureAround(bed, { seed }, MOVES);
});

test("threads do not notice moves round three nodes", async () => {
  await using bed = await Testbed.create({ hosts: 3 });
  await bed.startDaemons({ extra: threadsMove });
  await tortureAround(bed, { seed: 31 }, 6);
});

test("threads whose first one has ended move on without it", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  await bed.startDaemons({ extra: threadsMove });
  await tortureAround(bed, { seed: 32, args: ["--leader-ends"] }, MOVES);
});

/** What must be done at home, with threads that mind nothing of it. */
for (const [name, seed] of [["setid", 33], ["inherit", 38]] as const) {
  test(`threads come home for what only home can do (${name}), and go on there`, async () => {
    await using bed = await Testbed.create({ hosts: 2 });
    await bed.startDaemons({ extra: threadsMove });
    const args = [name, "compute", "barrier", "masks"].flatMap((one) => ["--only", one]);
    const home = bed.host(0);
    const job = await startTorture(home, { seed, args });
    await moveTorture(home, job, bed.host(1));
    await home.waitForSnapshot("its return", ({ processes, shadows }) => {
      return shadows.length === 0 && processes.some(({ pid }) => pid === job.pid);
    });
    await endTorture(job, { seed, args });
  });
}

/** Sends so many signals to a PID at home; returns how many went off. */
async function sendSignals(home: Host, job: Job, seconds: number): Promise<number> {
  const script = `n=0; end=$(($(date +%s) + ${seconds}))
while [ $(date +%s) -lt $end ] && kill -${OUTSIDE} ${job.pid}; do n=$((n + 1)); kill -URG ${job.pid}; done
echo $n`;
  return Number((await home.must(["sh", "-c", script])).trim());
}

test("threads lose none of the signals that somebody sends while they move", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  await bed.startDaemons({ extra: threadsMove });
  const [home, away] = [bed.host(0), bed.host(1)];
  const job = await startTorture(home, { seed: 34 });
  const sending = sendSignals(home, job, 4);
  for (let move = 0; move < MOVES; move++) {
    await moveTorture(home, job, move % 2 === 0 ? away : home);
  }
  const sent = await sending;
  assert.ok(sent > 20, `${sent} signals`);
  await endTorture(job, { seed: 34 }, ` signals ${sent}`);
});

test("threads that are stopped stand still, at home and away, and go on together", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  await bed.startDaemons({ extra: threadsMove });
  const [home, away] = [bed.host(0), bed.host(1)];
  const args = ["--skip", "fork", "--skip", "spawn"];
  const job = await startTorture(home, { seed: 35, args });
  for (const to of [away, home]) {
    await moveTorture(home, job, to);
    await job.kill("STOP");
    const { stdout } = await home.run(["sh", "-c", `sleep 0.5; ps -o state= -p ${job.pid}`]);
    assert.match(stdout, /T/);
    await job.kill("CONT");
    await sleep(200);
  }
  await endTorture(job, { seed: 35, args });
});

test("threads that are away go on after their link was cut", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  await bed.startDaemons({ extra: `io-timeout = 1\n${threadsMove}` });
  const [home, away] = [bed.host(0), bed.host(1)];
  const job = await startTorture(home, { seed: 36 });
  await moveTorture(home, job, away);
  // Shorter than io-timeout: the link only stalls. Longer: it is given up and made anew.
  for (const ms of [300, 2_500, 2_500]) {
    await sleep(200);
    await away.cut();
    await sleep(ms);
    await away.restore();
  }
  await moveTorture(home, job, home);
  await endTorture(job, { seed: 36 });
}, !haveNamespaces);

test("threads move with daemons that were ended and started again", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  await bed.startDaemons({ extra: threadsMove });
  const [home, away] = [bed.host(0), bed.host(1)];
  const job = await startTorture(home, { seed: 37 });
  const restart = async (host: Host, signal: string) => {
    await host.daemon.stop(signal);
    await host.daemon.start();
  };
  const knows = async (host: Host) => {
    await waitFor(`PID ${job.pid} in the list of ${host.name}`, async () => {
      const { processes, shadows } = await host.snapshot();
      return [...processes, ...shadows].some(({ pid }) => pid === job.pid) ||
        processes.some(({ shadowPid }) => shadowPid === job.pid);
    });
  };
  await restart(home, "KILL");
  await knows(home);
  await moveTorture(home, job, away);
  await restart(away, "KILL");
  await restart(home, "TERM");
  await knows(home);
  await knows(away);
  await moveTorture(home, job, home);
  await moveTorture(home, job, away);
  await endTorture(job, { seed: 37 });
});
