/** Tests of formulas and of the policies that they are of. */

import assert from "node:assert/strict";
import { deterministic, type Distribution, exponential, mixture } from "../model/distributions.ts";
import * as formulas from "./formulas.ts";
import { type ReferencePolicy, ReferenceSimulation } from "./reference.ts";
import { meanOf } from "../report/statistics.ts";
import { randomWorkload } from "../model/workload.ts";

/** Values at a load: M/M/1, M/M/10, M/M/20, d = 2, d = 3, stealing, T/L = 2/3, 2/5, 1/3. */
const table: readonly (readonly number[])[] = [
  [0.5, 2.000, 1.007, 1.000, 1.266, 1.125, 1.618, 1.384, 1.382, 1.067],
  [0.7, 3.333, 1.074, 1.016, 1.614, 1.357, 2.107, 1.551, 1.529, 1.316],
  [0.8, 5.000, 1.205, 1.064, 1.947, 1.581, 2.562, 1.694, 1.627, 1.694],
  [0.9, 10.00, 1.669, 1.275, 2.614, 2.028, 3.541, 2.051, 1.823, 2.908],
  [0.95, 20.00, 2.651, 1.755, 3.383, 2.535, 4.887, 2.705, 2.140, 5.391],
];

for (const [load = 0, ...wanted] of table) {
  Deno.test(`the formulas give the known values at load ${load}`, () => {
    const { mm1, mmk, choices, stealing, senderThreshold } = formulas;
    const values = [
      mm1(load),
      mmk(load, 10),
      mmk(load, 20),
      choices(load, 2),
      choices(load, 3),
      stealing(load),
      senderThreshold(load, 2, 3),
      senderThreshold(load, 2, 5),
      senderThreshold(load, 1, 3),
    ];
    for (const [index, value] of values.entries()) {
      assert.ok(Math.abs(value - (wanted[index] ?? 0)) < 0.0011, `${index}: ${value}`);
    }
  });
}

Deno.test("thresholdCrossover() is near 0.8, idleWhileWaiting() and stateChanges() are as known", () => {
  assert.ok(Math.abs(formulas.thresholdCrossover(3) - 0.8) < 0.01);
  assert.ok(Math.abs(formulas.idleWhileWaiting(0.5, 5) - 0.732) < 0.001);
  assert.ok(Math.abs(formulas.idleWhileWaiting(0.8, 10) - 0.893) < 0.001);
  assert.ok(Math.abs(formulas.stateChanges(0.7, 1) - 0.294) < 0.001);
});

const policies: readonly [policy: ReferencePolicy, wanted: number][] = [
  [{ kind: "none" }, formulas.mm1(0.7)],
  [{ kind: "choices", d: 2 }, formulas.choices(0.7, 2)],
  [{ kind: "stealing" }, formulas.stealing(0.7)],
  [{ kind: "senderThreshold", threshold: 2, probes: 3 }, formulas.senderThreshold(0.7, 2, 3)],
];
for (const [policy, wanted] of policies) {
  Deno.test(`${policy.kind} on 400 nodes comes near its formula at load 0.7`, () => {
    const nodes = 400;
    const workload = randomWorkload({
      nodes,
      ratePerMs: 0.7 * nodes,
      service: exponential(1),
      memory: deterministic(1),
      pattern: { kind: "poisson" },
      seed: 1,
    });
    const options = { nodes, cores: 1, policy, workload, seed: 1, warmupMs: 80 };
    const simulation = new ReferenceSimulation(options);
    simulation.advance(240);
    const mean = meanOf(simulation.responses.values);
    assert.ok(Math.abs(mean / wanted - 1) < 0.06, `${mean} is near ${wanted}`);
  });
}

/** Mean response, by number of threads, of exponential work on nodes that each decide for themselves. */
function responsesByThreads(threads: Distribution, cores: number, load: number) {
  const nodes = 300;
  const workload = randomWorkload({
    nodes,
    ratePerMs: load * nodes * cores,
    service: exponential(1),
    memory: deterministic(1),
    threads,
    pattern: { kind: "poisson" },
    seed: 1,
  });
  const policy = { kind: "none" } as const;
  const simulation = new ReferenceSimulation({
    nodes,
    cores,
    policy,
    workload,
    seed: 1,
    warmupMs: 150,
  });
  simulation.advance(600);
  return new Map(
    [...simulation.responsesByThreads].map(([count, { values }]) => [count, meanOf(values)]),
  );
}

for (const [threads, cores] of [[1, 4], [2, 4], [4, 4], [8, 4]] as const) {
  Deno.test(`jobs of ${threads} threads on ${cores} cores come near their formula`, () => {
    const [mean = NaN] = responsesByThreads(deterministic(threads), cores, 0.7).values();
    const wanted = formulas.threaded(0.7, cores, threads);
    assert.ok(Math.abs(mean / wanted - 1) < 0.03, `${mean} is near ${wanted}`);
  });
}

Deno.test("jobs of one and of four threads share a core as the formula says", () => {
  const means = responsesByThreads(mixture(1, 4, 0.5), 1, 0.7);
  const wanted = formulas.sharedByThreads({ load: 0.35, threads: 1 }, { load: 0.35, threads: 4 });
  for (const [index, threads] of [1, 4].entries()) {
    const [mean = NaN, theory = NaN] = [means.get(threads), wanted[index]];
    assert.ok(Math.abs(mean / theory - 1) < 0.03, `${threads}: ${mean} is near ${theory}`);
  }
});

Deno.test("threads change nothing for all jobs of a full core together", () => {
  const [few, many] = formulas.sharedByThreads({ load: 0.2, threads: 1 }, {
    load: 0.6,
    threads: 3,
  });
  assert.ok(Math.abs((0.2 * few + 0.6 * many) / 0.8 - formulas.mm1(0.8)) < 1e-12);
});
