/** Tests of the simulated cluster. */

import assert from "node:assert/strict";
import type { OwnerRule } from "../core/contract/owner.ts";
import { policies, type Policy } from "../core/contract/policy.ts";
import type { Thresholds } from "../core/contract/config.ts";
import { deterministic, exponential } from "./model/distributions.ts";
import type { Event } from "../core/contract/event.ts";
import { makeLists } from "./model/lists.ts";
import type { SimulationOptions } from "./model/options.ts";
import { Simulation } from "./simulation.ts";
import { type Arrival, listedWorkload, randomStream, randomWorkload } from "./model/workload.ts";
import { drawCrashes } from "./model/faults.ts";
import { summarize } from "./report/recorder.ts";

const steady = {
  latencyMs: 0.2,
  jitterMs: 0,
  bytesPerMs: 125_000,
  loss: 0,
  reorders: false,
  detectMs: 3000,
};

/** Options of a cluster at 80 % load for some minutes. */
function optionsOf(
  nodes: number,
  seed: number,
  { load = 0.8, bytes = 1e6, ...more }: Partial<SimulationOptions> & {
    load?: number;
    bytes?: number;
  } = {},
) {
  const options: SimulationOptions = {
    speeds: Array.from({ length: nodes }, () => 1),
    cores: Array.from({ length: nodes }, () => 1),
    lists: makeLists("chord", nodes, 10),
    balancer: { thresholds: { thu: 1, thf: 2, thv: 3 }, select: "most-cpu" },
    checkMs: 5000,
    workload: randomWorkload({
      nodes,
      ratePerMs: load * nodes / 10_000,
      service: exponential(10_000),
      memory: deterministic(bytes),
      pattern: { kind: "poisson" },
      seed,
    }),
    network: steady,
    freezeMs: 20,
    faults: [],
    seed,
    warmupMs: 60_000,
    durationMs: 600_000,
    ...more,
  };
  return options;
}

function run(options: SimulationOptions): Simulation {
  const simulation = new Simulation(options);
  simulation.advance(options.durationMs);
  return simulation;
}

/** Six jobs of ten seconds at once on the first of two nodes, as in the thesis. */
const six: readonly Arrival[] = Array.from({ length: 6 }, () => ({
  atMs: 0,
  node: 0,
  demandMs: 10_000,
  bytes: 0,
}));

function runSix(balanced: boolean): Simulation {
  return run(optionsOf(2, 1, {
    workload: listedWorkload(six),
    ...(balanced
      ? { balancer: { thresholds: { thu: 1, thf: 3, thv: 4 }, select: "most-cpu" } }
      : { balancer: null }),
    warmupMs: 0,
  }));
}

Deno.test("six jobs at once take half the time with a second node", () => {
  const alone = runSix(false), balanced = runSix(true);
  assert.equal(Math.max(...alone.recorder.responses.values), 60);
  assert.equal(balanced.recorder.counts.moves, 3);
  const last = Math.max(...balanced.recorder.responses.values);
  assert.ok(last > 30 && last < 30.3, `${last}`);
});

Deno.test("launches take their node's processor, and their jobs are known when they are over", () => {
  const launchMs = 1_000, decideMs = 500;
  const alone = run(optionsOf(2, 1, {
    workload: listedWorkload(six),
    balancer: null,
    launchMs,
    warmupMs: 0,
  }));
  assert.deepEqual([...alone.recorder.responses.values], six.map(() => 66));
  const arrivals: number[] = [];
  const observer = {
    stepped(_node: number, { type }: Event) {
      if (type === "processArrived") arrivals.push(simulation.nowMs);
    },
    settled() {},
  };
  const simulation = new Simulation(optionsOf(2, 1, {
    workload: listedWorkload(six),
    balancer: { thresholds: { thu: 1, thf: 3, thv: 4 }, select: "most-cpu" },
    launchMs,
    decideMs,
    warmupMs: 0,
    observer,
  }));
  simulation.advance(6_000 + decideMs - 1);
  assert.deepEqual(arrivals, six.map(() => 6_000));
  assert.equal(simulation.recorder.counts.offers, 0);
  simulation.advance(6_000 + decideMs + 1);
  assert.equal(simulation.recorder.counts.offers, 1);
});

Deno.test("the same seed gives the same run, to the last bit", () => {
  const network = { ...steady, jitterMs: 1, loss: 0.01, reorders: true };
  const [a, b, c] = [7, 7, 8].map((seed) => run(optionsOf(16, seed, { network })));
  assert.deepEqual(a?.recorder, b?.recorder);
  assert.notDeepEqual(a?.recorder.counts, c?.recorder.counts);
});

Deno.test("a run in slices is the same as in one piece", () => {
  const whole = run(optionsOf(8, 3));
  const sliced = new Simulation(optionsOf(8, 3));
  for (let ms = 0; ms <= 600_000; ms += 777) sliced.advance(ms);
  sliced.advance(600_000);
  assert.deepEqual(sliced.recorder, whole.recorder);
});

Deno.test("without a balancer each node is M/M/1", () => {
  const warmupMs = 300_000, durationMs = 3_000_000;
  const simulation = run(optionsOf(200, 1, { balancer: null, load: 0.5, warmupMs, durationMs }));
  const { mean, halfWidth } = summarize(simulation.recorder.responses.values);
  assert.ok(Math.abs(mean - 20) < Math.max(0.6, halfWidth), `${mean} +- ${halfWidth}`);
});

Deno.test("balancing more than halves the mean response at 80 % load", () => {
  const meanOf = (more: Partial<SimulationOptions>) =>
    summarize(run(optionsOf(64, 2, more)).recorder.responses.values).mean;
  assert.ok(meanOf({}) < 0.5 * meanOf({ balancer: null }));
});

for (const reorders of [false, true]) {
  Deno.test(`no job vanishes: crashes, a partition, loss, ${reorders ? "re" : ""}ordering`, () => {
    const faults = [
      ...drawCrashes(
        { nodes: 16, meanMs: 120_000, downMs: 20_000, durationMs: 600_000 },
        randomStream(4, 9),
      ),
      { kind: "partition", size: 5, startMs: 100_000, endMs: 160_000 },
      // So short that nobody notices.
      { kind: "partition", size: 9, startMs: 300_000, endMs: 301_000 },
    ] as const;
    const network = { ...steady, jitterMs: 2, loss: 0.02, reorders };
    const simulation = run(optionsOf(16, 4, { faults, network, bytes: 5e8, launchMs: 50 }));
    const { arrived, ended, lost, moves, aborted } = simulation.recorder.counts;
    assert.equal(arrived, ended + lost + simulation.jobs.size + simulation.launches.size);
    assert.ok(lost > 0 && moves > 0 && aborted > 0, JSON.stringify(simulation.recorder.counts));
    for (const [node, balancer] of simulation.balancers.entries()) {
      if (balancer === null) continue;
      const places = [...simulation.jobs.values()].filter((job) => simulation.places[job] === node);
      const { processes } = balancer.view();
      // A report of a move that is done may still be on its way.
      assert.ok(Math.abs(processes.length - places.length) <= 1, `node ${node}`);
    }
  });
}

Deno.test("where people compute without lb, by run-queue and by pressure jobs keep away from them", () => {
  const nodes = 12, seed = 5;
  const slowdown = (change: Partial<Policy>, thresholds: Thresholds): number => {
    const others = randomWorkload({
      nodes: 4,
      ratePerMs: 0.9 * 4 / 10_000,
      service: exponential(10_000),
      memory: deterministic(0),
      pattern: { kind: "poisson" },
      seed: 77,
    });
    const policy = { ...policies.thesis, ...change };
    const balancer = { thresholds, select: "most-cpu", policy } as const;
    const options = optionsOf(nodes, seed, { load: 0.5, others, balancer });
    return summarize(run(options).recorder.slowdowns.values).mean;
  };
  const blind = slowdown({}, { thu: 0, thf: 1, thv: 2 });
  const seeing = slowdown({ index: "run-queue" }, { thu: 0, thf: 1, thv: 2 });
  const pressed = slowdown({ index: "pressure" }, { thu: 5, thf: 30, thv: 60, unit: "percent" });
  assert.ok(seeing < 0.75 * blind, `${seeing} beside ${blind}`);
  assert.ok(pressed < 0.9 * blind, `${pressed} beside ${blind}`);
});

Deno.test("guests give way to owners at work, and no job is lost or forgotten", () => {
  const disturbed = (owner: OwnerRule | null) => {
    const thresholds = { thu: 0, thf: 1, thv: 2 };
    const { recorder } = run(optionsOf(8, 3, {
      load: 0.5,
      balancer: { thresholds, select: "most-cpu", policy: policies.thesis, owner },
      owners: { nodes: 4, activeMs: 60_000, awayMs: 90_000 },
      durationMs: 1_800_000,
    }));
    const { arrived, ended, lost, disturbedSeconds } = recorder.counts;
    assert.equal(lost, 0);
    assert.ok(arrived - ended < 60, `${arrived - ended} have not ended`);
    return disturbedSeconds;
  };
  const steps = { terminals: true, cpuLimit: null, idleAfterMs: 15_000, niceAfterMs: null };
  const free = disturbed(null);
  const stopped = disturbed({ ...steps, stopAfterMs: 0, leaveAfterMs: null });
  const sent = disturbed({ ...steps, stopAfterMs: 10_000, leaveAfterMs: 10_000 });
  assert.ok(stopped < 0.2 * free, `${stopped} beside ${free}`);
  assert.ok(sent < 0.6 * free, `${sent} beside ${free}`);
});
