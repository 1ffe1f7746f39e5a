/**
 * The simulator: clusters of any size in virtual time.
 *
 * The balancer in it is the one that daemons run. Times are milliseconds of virtual time unless
 * their names say otherwise, sizes bytes, speeds those of one core relative to the others. `simulate()` runs a cluster, `checkSeed()` one that is drawn to
 * break what must hold; examples/simulate_my_policy.ts compares policies.
 *
 * @example Theory, which the simulator is checked against
 * ```ts
 * import assert from "node:assert/strict";
 * import { mm1, mmk } from "lb/sim";
 *
 * assert.equal(mm1(0.75), 4); // each node for itself
 * assert.ok(mmk(0.75, 16) < 1.1); // all share, at no cost
 * ```
 *
 * @module
 */
export { ConfigError, LbError, type LbErrorOptions, UsageError } from "../base/errors.ts";
export { Prng } from "../base/prng.ts";
export { type Clock } from "./engine/clocks.ts";
export { type NetworkOptions } from "./engine/network.ts";
export { type CheckResult, checkSeed } from "./invariants/check.ts";
export { callMs, type DaemonCosts, daemonCosts } from "./model/costs.ts";
export {
  boundedPareto,
  deterministic,
  type Distribution,
  exponential,
  logUniform,
  mixture,
  parseDistribution,
} from "./model/distributions.ts";
export { drawCrashes, type Fault } from "./model/faults.ts";
export {
  type Lists,
  listsOfGraph,
  makeLists,
  type Shape,
  shapes,
  shuffled,
} from "./model/lists.ts";
export { type Observer, type SimulationOptions } from "./model/options.ts";
export { type OwnerOptions } from "./model/owners.ts";
export {
  type Arrival,
  listedWorkload,
  parseTrace,
  type Pattern,
  randomStream,
  randomWorkload,
  type RandomWorkloadOptions,
  type Workload,
} from "./model/workload.ts";
export { type RunFigures } from "./report/figures.ts";
export { type Counts, type Summary } from "./report/recorder.ts";
export { type Estimate } from "./report/statistics.ts";
export { simulate } from "./simulate.ts";
export {
  choices,
  idleWhileWaiting,
  mm1,
  mmk,
  senderThreshold,
  sharedByThreads,
  stateChanges,
  stealing,
  type ThreadClass,
  threaded,
  thresholdCrossover,
} from "./theory/formulas.ts";
