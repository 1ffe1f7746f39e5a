/**
 * Tests of the costs of calls, daemons and memory.
 *
 * And of standing orders.
 */

import assert from "node:assert/strict";
import type { SimulationOptions } from "./options.ts";
import { Simulation } from "../simulation.ts";
import { Stations } from "../engine/stations.ts";
import { type Arrival, listedWorkload } from "./workload.ts";

const MIB = 2 ** 20;

/** Two nodes, and jobs of ten seconds at once on the first; a fourth one, if any, must leave it. */
function run(jobs: readonly Partial<Arrival>[], more: Partial<SimulationOptions> = {}) {
  const arrivals = jobs.map((job) => ({ atMs: 0, node: 0, demandMs: 10_000, bytes: 0, ...job }));
  const simulation = new Simulation({
    speeds: [1, 1],
    cores: [1, 1],
    lists: [[1], [0]],
    balancer: { thresholds: { thu: 1, thf: 2, thv: 3 }, select: "least-memory" },
    checkMs: 1000,
    workload: listedWorkload(arrivals),
    network: {
      latencyMs: 0.2,
      jitterMs: 0,
      bytesPerMs: 125_000,
      loss: 0,
      reorders: false,
      detectMs: 3000,
    },
    freezeMs: 0,
    faults: [],
    seed: 1,
    warmupMs: 0,
    durationMs: 200_000,
    ...more,
  });
  simulation.advance(simulation.options.durationMs);
  const { responses, counts } = simulation.recorder;
  return {
    simulation,
    counts,
    last: Math.max(...responses.values),
    first: Math.min(...responses.values),
  };
}

Deno.test("a job that calls home is slower away, by its calls and what each takes", () => {
  const jobs = [{ bytes: 2 * MIB }, { bytes: 2 * MIB }, { bytes: 1, calls: 1000 }];
  const quick = run([{ ...jobs[0] }, { ...jobs[1] }, { bytes: 1 }]);
  assert.equal(quick.counts.moves, 1);
  assert.ok(quick.first > 10 && quick.first < 10.1, `${quick.first}`);
  // A thousand calls a second of 0.5 ms: half as long again, but for the moment at home.
  const slow = run(jobs, { callMs: 0.5 });
  assert.equal(slow.counts.moves, 1);
  assert.ok(slow.first > 14.9 && slow.first < 15.05, `${slow.first}`);
  // At home it costs nothing.
  const stays = run([{ calls: 1000 }], { callMs: 0.5 });
  assert.equal(stays.last, 10);
});

Deno.test("what a job has used is told in its own work, wherever it was", () => {
  const stations = new Stations([1], [1]);
  const job = stations.make(1000);
  stations.start(0, job, 0);
  stations.stop(0, job, 400);
  stations.stretch(job, 2);
  assert.equal(stations.leftStopped(job), 600);
  stations.start(0, job, 400);
  assert.equal(stations.left(0, job, 800), 400);
  assert.equal(stations.nextEndMs(0), 1600);
  stations.stop(0, job, 1000);
  stations.stretch(job, 1);
  stations.start(0, job, 1000);
  assert.equal(stations.nextEndMs(0), 1300);
});

Deno.test("a node does not take what does not fit, nor what a place is kept for", () => {
  const jobs = Array.from({ length: 6 }, () => ({ bytes: 40 * MIB }));
  const roomy = run(jobs, { memoryBytes: [1e12, 1e12] });
  const tight = run(jobs, { memoryBytes: [1e12, 60 * MIB] });
  const none = run(jobs, { memoryBytes: [1e12, 39 * MIB] });
  assert.ok(tight.counts.collisions > 0 && tight.counts.moves > 0, JSON.stringify(tight.counts));
  assert.ok(tight.last > roomy.last);
  assert.equal(none.counts.moves, 0);
  assert.ok(none.last > roomy.last);
});

Deno.test("memory is never over its limit by a move", () => {
  const jobs = Array.from({ length: 12 }, (_, n) => ({ atMs: 300 * n, bytes: (20 + n) * MIB }));
  let most = 0;
  const limit = 100 * MIB;
  let simulation: Simulation | null = null;
  const settled = () => {
    if (simulation === null) return;
    let used = 0;
    for (const job of simulation.jobs.values()) {
      if (simulation.places[job] === 1) used += simulation.bytes[job] as number;
    }
    most = Math.max(most, used);
  };
  const options = run(jobs, { memoryBytes: [1e12, limit] }).simulation.options;
  simulation = new Simulation({
    ...options,
    workload: listedWorkload(jobs.map((job) => ({ node: 0, demandMs: 10_000, ...job }))),
    observer: { stepped: () => {}, settled },
  });
  simulation.advance(options.durationMs);
  assert.ok(most > 0 && most <= limit, `${most / MIB} MiB`);
});

Deno.test("a pinned job stays, and the others leave", () => {
  const jobs = [{ isPinned: true, bytes: 0 }, { bytes: 5 }, { bytes: 9 }];
  const { simulation, counts } = run(jobs, { durationMs: 1000 });
  assert.equal(counts.moves, 1);
  assert.deepEqual(simulation.places.slice(0, 3), [0, 1, 0]);
  const all = run(jobs.map((job) => ({ ...job, isPinned: true })));
  assert.equal(all.counts.moves, 0);
});

Deno.test("a drained node empties, takes nothing, and takes again when that is over", () => {
  const drain = { kind: "drain", node: 0, startMs: 2_000, endMs: 8_000 } as const;
  const jobs = [{}, { isPinned: true }, { atMs: 9_000, node: 1 }, { atMs: 9_000, node: 1 }];
  const { simulation } = run(jobs, { faults: [drain], durationMs: 7_000 });
  assert.deepEqual(simulation.places.slice(0, 2), [1, 0]);
  assert.equal(simulation.balancers[0]?.view().announcement.letter, "F");
  const after = run(jobs, { faults: [drain], durationMs: 12_000 }).simulation;
  assert.equal(after.balancers[0]?.view().isDraining, false);
  assert.ok([...after.jobs.values()].filter((job) => after.places[job] === 0).length >= 2);
});

Deno.test("a drain and a pin outlast the daemon, not the node", () => {
  const drain = { kind: "drain", node: 0, startMs: 1_000, endMs: 90_000 } as const;
  const restart = { kind: "restart", node: 0, epoch: 5, startMs: 3_000 } as const;
  const crash = { kind: "crash", node: 0, startMs: 5_000, endMs: 6_000 } as const;
  const jobs = [{ isPinned: true, demandMs: 60_000 }, { node: 1, demandMs: 60_000 }];
  const kept = run(jobs, { faults: [drain, restart], durationMs: 4_000 }).simulation;
  assert.equal(kept.balancers[0]?.view().isDraining, true);
  assert.equal(kept.balancers[0]?.view().processes[0]?.isPinned, true);
  const gone = run(jobs, { faults: [drain, crash], durationMs: 7_000 }).simulation;
  assert.equal(gone.balancers[0]?.view().isDraining, false);
});

Deno.test("a daemon's checks and messages take processor time where no core is free", () => {
  const busy = run([{}], { daemon: { checkMs: 100, messageMs: 0 } });
  // A tenth of each second: ten seconds become eleven.
  assert.ok(busy.last > 10.9 && busy.last < 11.3, `${busy.last}`);
  const free = run([{}], { cores: [2, 2], daemon: { checkMs: 100, messageMs: 0 } });
  assert.equal(free.last, 10);
  const talking = run([{}], { daemon: { checkMs: 0, messageMs: 100 } });
  assert.ok(talking.last > 10 && talking.last < 10.5, `${talking.last}`);
});
