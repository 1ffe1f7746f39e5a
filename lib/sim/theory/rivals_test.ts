/** Tests of the rules of other systems. */

import assert from "node:assert/strict";
import { RivalBalancer, rivals } from "./rivals.ts";
import { Simulation } from "../simulation.ts";
import { listedWorkload } from "../model/workload.ts";

for (const rival of rivals) {
  Deno.test(`${rival} spreads six jobs over three nodes and loses none`, () => {
    const simulation = new Simulation({
      speeds: [1, 1, 1],
      cores: [1, 1, 1],
      lists: [[], [], []],
      balancer: null,
      checkMs: 1000,
      workload: listedWorkload(
        Array.from({ length: 6 }, () => ({ atMs: 0, node: 0, demandMs: 60_000, bytes: 1e6 })),
      ),
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
    });
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
