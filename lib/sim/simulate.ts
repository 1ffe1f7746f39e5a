/**
 * Runs a simulated cluster from beginning to end.
 *
 * @module
 */

import type { SimulationOptions } from "./model/options.ts";
import { figuresOf, type RunFigures } from "./report/figures.ts";
import { Simulation } from "./simulation.ts";

/**
 * Runs a cluster in virtual time, to the end of `durationMs`.
 *
 * The options decide everything: the same ones give the same figures on every machine. A workload
 * is used up by a run, so that each run wants one of its own.
 *
 * @returns The figures of the time after the warm-up.
 * @throws {ConfigError} If the policy is none, or does not go with the thresholds.
 *
 * @example Two nodes, and jobs for one of them alone
 * ```ts
 * import assert from "node:assert/strict";
 * import { listedWorkload, type SimulationOptions } from "lb/sim";
 *
 * const jobs = Array.from({ length: 6 }, () => ({ atMs: 0, node: 0, demandMs: 10_000, bytes: 0 }));
 * const run = (balancer: SimulationOptions["balancer"]) =>
 *   simulate({
 *     speeds: [1, 1],
 *     cores: [1, 1],
 *     lists: [[1], [0]],
 *     balancer,
 *     checkMs: 5000,
 *     workload: listedWorkload(jobs),
 *     network: {
 *       latencyMs: 0.2,
 *       jitterMs: 0,
 *       bytesPerMs: 125_000,
 *       loss: 0,
 *       reorders: false,
 *       detectMs: 3000,
 *     },
 *     freezeMs: 20,
 *     faults: [],
 *     seed: 1,
 *     warmupMs: 0,
 *     durationMs: 600_000,
 *   });
 * assert.equal(run(null).response.max, 60);
 * const thresholds = { thu: 1, thf: 3, thv: 4 };
 * assert.ok(run({ thresholds, select: "most-cpu" }).response.max < 30.3);
 * ```
 */
export function simulate(options: SimulationOptions): RunFigures {
  const simulation = new Simulation(options);
  simulation.advance(options.durationMs);
  return figuresOf(simulation.recorder, options.seed);
}
