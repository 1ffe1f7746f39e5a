/** Tests of the rules of other systems. */

import assert from "node:assert/strict";
import { RivalBalancer, rivals } from "./rivals.ts";
import { Simulation } from "../simulation.ts";
import type { SimulationOptions } from "../model/options.ts";
import { type Arrival, listedWorkload } from "../model/workload.ts";

/** Jobs on the first of so many nodes, for whom nobody decides yet. */
function optionsOf(jobs: readonly Arrival[], nodes: number): SimulationOptions {
  const ones = Array.from({ length: nodes }, () => 1);
  return {
    speeds: ones,
    cores: ones,
    lists: ones.map(() => []),
    balancer: null,
    checkMs: 1000,
    workload: listedWorkload(jobs),
    network: {
      latencyMs: 1,
      jitterMs: 0,
      bytesPerMs: 125_000,
      loss: 0,
      reorders: false,
      detectMs: 3000,
    },
    freezeMs: 20,
    faults: [],
    seed: 1,
    warmupMs: 0,
    durationMs: 400_000,
  };
}

for (const rival of rivals) {
  Deno.test(`${rival} spreads six jobs over three nodes and loses none`, () => {
    const jobs = Array.from(
      { length: 6 },
      () => ({ atMs: 0, node: 0, demandMs: 60_000, bytes: 1e6 }),
    );
    const simulation = new Simulation(optionsOf(jobs, 3));
    new RivalBalancer(simulation, rival);
    simulation.advance(20_000);
    // With its factor of two the other rule takes queues of four and one for near enough.
    const wanted = rival === "least-loaded-1.30" ? [2, 2, 2] : [4, 1, 1];
    assert.deepEqual([0, 1, 2].map((node) => simulation.load(node)), wanted);
    simulation.advance(400_000);
    assert.equal(simulation.recorder.counts.ended, 6);
    const last = Math.max(...simulation.recorder.responses.values);
    assert.ok(last > 120 && last < 240, `${last}`);
  });
}

for (const rival of rivals) {
  Deno.test(`${rival} weighs jobs by their threads`, () => {
    const simulation = new Simulation(optionsOf(
      [1, 1, 4].map((threads) => ({ atMs: 0, node: 0, demandMs: 60_000, threads, bytes: 1e6 })),
      2,
    ));
    new RivalBalancer(simulation, rival);
    simulation.advance(20_000);
    // Four threads of six are too many to leave by the other rule, which wants half the cost.
    const wanted = rival === "least-loaded-1.30" ? [4, 2] : [6, 0];
    assert.deepEqual([0, 1].map((node) => simulation.stations.threads(node)), wanted);
  });
}
