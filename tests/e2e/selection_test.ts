/**
 * Which process an over node sends away.
 *
 * Each selection on real processes, and the next best one where the best cannot move.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type Host, type Job, Testbed } from "../testbed/mod.ts";

/** A node that is over with three processes, and one that takes what it sends. */
async function twoNodes(select: string): Promise<Testbed> {
  const bed = await Testbed.create({ hosts: 2 });
  await bed.startDaemons({ select, thresholds: { thu: 1, thf: 2, thv: 3 } });
  return bed;
}

/** Starts a process that has used the most time and memory by far before the other two come. */
async function startBig(host: Host): Promise<Job> {
  const big = await host.launchKnown(["matmul", "700", "--repeat", "100000"]);
  await host.waitForSnapshot(
    "a second of CPU time",
    ({ processes }) => processes.some(({ pid, cpuSeconds }) => pid === big.pid && cpuSeconds > 1),
  );
  return big;
}

/** Starts two small processes, which makes the node over; returns the home PID of what left. */
async function startSmall(host: Host): Promise<number> {
  // When the last one comes there is a small one to choose: what just starts cannot move yet.
  const first = await host.launch(["counter", "6000"]);
  await host.waitForSnapshot(
    "a small one that can move",
    ({ processes }) =>
      processes.some(({ pid, cantmove }) => pid === first.pid && cantmove === null),
  );
  await host.launch(["counter", "6000"]);
  const { shadows } = await host.waitForSnapshot(
    "one of three away",
    (snapshot) => snapshot.shadows.length === 1 && snapshot.processes.length === 2,
  );
  return shadows[0]?.pid ?? 0;
}

for (
  const [select, isBig] of [
    ["most-cpu", true],
    ["least-cpu", false],
    ["most-memory", true],
    ["least-memory", false],
  ] as const
) {
  Deno.test(`${select} sends ${isBig ? "the biggest process" : "a small process"} away`, async () => {
    await using bed = await twoNodes(select);
    const home = bed.host(0);
    const big = await startBig(home);
    assert.equal(await startSmall(home) === big.pid, isBig, home.daemon.log);
  });
}

Deno.test("where the best victim cannot move the next best one does", async () => {
  await using bed = await twoNodes("most-cpu");
  const home = bed.host(0);
  const big = await startBig(home);
  await big.kill("STOP");
  try {
    assert.notEqual(await startSmall(home), big.pid);
    const { processes } = await home.snapshot();
    assert.match(processes.find(({ pid }) => pid === big.pid)?.cantmove ?? "", /stopped/);
  } finally {
    await big.kill("CONT"); // what runs it from outside has stopped with it, and could not end
  }
});

Deno.test("a process keeps its age: its CPU time counts on the next node, on a third and at home again", async () => {
  await using bed = await Testbed.create({ hosts: 3 });
  await bed.startDaemons();
  const [home, first, second] = [bed.host(0), bed.host(1), bed.host(2)];
  const job = await home.launchKnown(["burn", "1000"]);
  await home.waitForSnapshot(
    "two seconds of CPU time",
    ({ processes }) => (processes[0]?.cpuSeconds ?? 0) > 2,
  );
  let lastSeconds = 0;
  const check = async (host: Host) => {
    const { processes } = await host.snapshot();
    const { cpuSeconds = NaN } = processes[0] ?? {};
    assert.ok(cpuSeconds >= lastSeconds && cpuSeconds < 60, `${lastSeconds}, then ${cpuSeconds}`);
    lastSeconds = cpuSeconds;
  };
  await check(home);
  await home.migrate(job.pid, first);
  await check(first);
  await home.migrate(job.pid, second);
  await check(second);
  await home.bringHome(job.pid);
  await check(home);
  await home.migrate(job.pid, first);
  await check(first);
  await job.kill("TERM");
  await job.ending();
});
