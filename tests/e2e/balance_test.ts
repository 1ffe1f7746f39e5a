/**
 * The main job: six matrix multiplications launched on one of two nodes.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type Host, type Job, type Snapshot, Testbed } from "../testbed/mod.ts";

const JOBS = 6;
/** Some seconds each, so that all six are there before the first ends. */
const SIZE = "400";
const REPEAT = "90";

async function launchSix(host: Host): Promise<Job[]> {
  const jobs: Job[] = [];
  for (let seed = 1; seed <= JOBS; seed++) {
    jobs.push(
      await host.launch(["matmul", SIZE, "--repeat", REPEAT, "--seed", String(seed)]),
    );
  }
  return jobs;
}

async function endRight(host: Host, jobs: readonly Job[]): Promise<void> {
  for (const [index, job] of jobs.entries()) {
    assert.deepEqual(await job.ending(), { code: 0, signal: null }, job.stderr);
    const seed = String(index + 1);
    const check = await host.must(["matmul", "--check", SIZE, "--repeat", REPEAT, "--seed", seed]);
    assert.equal(/^checksum \d+$/m.exec(job.stdout)?.[0], check.trim());
    assert.equal(/^pid (\d+)$/m.exec(job.stdout)?.[1], String(job.pid), "it saw another PID");
    assert.equal(job.stderr, "");
  }
}

function brief(snapshot: Snapshot): unknown {
  return {
    state: snapshot.state,
    queueLength: snapshot.queueLength,
    processes: snapshot.processes.length,
    shadows: snapshot.shadows.length,
  };
}

Deno.test("with thresholds 1/3/4 three of six jobs stay and three move", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  const [one, two] = [bed.host(0), bed.host(1)];
  await bed.startDaemons({ thresholds: { thu: 1, thf: 3, thv: 4 } });
  const jobs = await launchSix(one);
  const there = await two.waitForSnapshot("three guests", (s) => s.processes.length === 3);
  const here = await one.waitForSnapshot(
    "three shadows",
    (s) => s.shadows.length === 3 && s.processes.length === 3,
  );
  assert.deepEqual(brief(here), { state: "F", queueLength: 3, processes: 3, shadows: 3 });
  assert.deepEqual(brief(there), { state: "F", queueLength: 3, processes: 3, shadows: 0 });
  for (const guest of there.processes) {
    assert.equal(guest.home, one.node);
    assert.ok(jobs.some((job) => job.pid === guest.shadowPid));
    assert.equal(guest.program, "matmul");
    assert.ok(guest.id.startsWith(`${one.node}/${guest.shadowPid}/`), guest.id);
  }
  for (const shadow of here.shadows) assert.equal(shadow.runsOn, two.node);
  await endRight(one, jobs);
  for (const host of bed.hosts) {
    const after = await host.waitForSnapshot("an empty node", (s) => s.queueLength === 0);
    assert.deepEqual(brief(after), { state: "U", queueLength: 0, processes: 0, shadows: 0 });
  }
});

Deno.test("with thresholds 1/3/9 none of six jobs moves", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  const one = bed.host(0);
  await bed.startDaemons({ thresholds: { thu: 1, thf: 3, thv: 9 } });
  const jobs = await launchSix(one);
  const here = await one.waitForSnapshot("six processes", (s) => s.queueLength === JOBS);
  assert.deepEqual(brief(here), { state: "F", queueLength: 6, processes: 6, shadows: 0 });
  await endRight(one, jobs);
  assert.equal((await bed.host(1).snapshot()).queueLength, 0);
});

Deno.test("a job of an overloaded node goes to the first node of the list that is U", async () => {
  await using bed = await Testbed.create({ hosts: 3, programs: "all" });
  const [one, two, three] = [bed.host(0), bed.host(1), bed.host(2)];
  await bed.startDaemons({ thresholds: { thu: 1, thf: 2, thv: 3 } });
  // The second node fills itself up to F, so that the third is the first U of the list.
  const fillers = [
    await two.launchKnown(["sleeper", "40"]),
    await two.launchKnown(["sleeper", "40"]),
  ];
  await one.waitForSnapshot(
    "F of the second node",
    (s) => s.associated.find((other) => other.node === two.node)?.state === "F",
  );
  const jobs = [];
  for (let index = 0; index < 3; index++) jobs.push(await one.launch(["sleeper", "40"]));
  await three.waitForSnapshot("one guest", (s) => s.processes.length === 1);
  assert.equal((await two.snapshot()).processes.length, 2);
  for (const job of [...fillers, ...jobs]) await job.kill("KILL");
  for (const job of [...fillers, ...jobs]) assert.equal((await job.ending()).signal, "SIGKILL");
  await three.waitForSnapshot("the end of the guest", (s) => s.processes.length === 0);
});
