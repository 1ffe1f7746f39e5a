/**
 * Formulas of theory that the simulator is checked against.
 *
 * Times in mean service times, `load` from 0 to below 1.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";

/**
 * Mean response time of M/M/1, with first come, first served as with shared processors.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * assert.equal(mm1(0.75), 4);
 * ```
 */
export function mm1(load: number): number {
  return 1 / (1 - load);
}

/**
 * Mean response time of M/M/K by Erlang's C formula: sharing that is perfect and costs nothing.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * assert.ok(mmk(0.75, 16) < mmk(0.75, 2));
 * ```
 */
export function mmk(load: number, servers: number): number {
  const offered = load * servers;
  // Erlang's B by its recursion, which neither overflows nor cancels.
  let blocked = 1;
  for (let k = 1; k <= servers; k++) blocked = offered * blocked / (k + offered * blocked);
  const waiting = blocked / (1 - load * (1 - blocked));
  return 1 + waiting / (servers * (1 - load));
}

/**
 * Mean response time where each job goes to the shortest of `d` queues drawn at random, for endless
 * nodes: Mitzenmacher, IEEE TPDS 12(10), 2001; Vvedenskaya, Dobrushin and Karpelevich 1996.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * assert.ok(choices(0.9, 2) < choices(0.9, 1));
 * ```
 */
export function choices(load: number, d: number): number {
  let sum = 0;
  for (let i = 1; i <= 60; i++) {
    const exponent = d === 1 ? i - 1 : (d ** i - d) / (d - 1);
    sum += load ** exponent;
  }
  return d === 1 ? mm1(load) : sum;
}

/**
 * Mean response time where a node that has become idle asks one other, drawn at random, and takes a
 * job from it if it has two or more, for endless nodes: the fixed point of the mean-field equations.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * assert.ok(stealing(0.9) < 10);
 * ```
 */
export function stealing(load: number): number {
  // s1 = load nodes are busy; s2 from the balance of idle nodes; from there on geometric.
  const s2 = (1 + load - Math.sqrt(1 + 2 * load - 3 * load * load)) / 2;
  const ratio = load / (1 + load - s2);
  return (load + s2 / (1 - ratio)) / load;
}

/** Share of nodes with `threshold` jobs or more under {@linkcode senderThreshold}. */
function fullShare(load: number, threshold: number, probes: number): number {
  let low = 0, high = 1 - 1e-12;
  for (let i = 0; i < 200; i++) {
    const full = (low + high) / 2;
    const { weights, above } = chain(load, threshold, probes, full);
    if (above / (weights.reduce((sum, weight) => sum + weight, 0) + above) > full) low = full;
    else high = full;
  }
  return (low + high) / 2;
}

/** Unnormalised shares of nodes with 0 to threshold - 1 jobs, and with more together. */
function chain(load: number, threshold: number, probes: number, full: number) {
  const below = load * (1 + full * (1 - full ** probes) / (1 - full));
  const atOrAbove = load * full ** probes;
  const weights = Array.from({ length: threshold }, (_, n) => below ** n);
  return { below, atOrAbove, weights, above: below ** threshold / (1 - atOrAbove) };
}

/**
 * Mean response time of the sender-initiated threshold policy of Eager, Lazowska and Zahorjan, IEEE
 * TSE 12(5), 1986, for endless nodes: a job that comes to a node with `threshold` jobs or more goes
 * to the first of at most `probes` others, drawn at random, that has less.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * assert.ok(senderThreshold(0.9, 2, 3) < 10);
 * ```
 */
export function senderThreshold(load: number, threshold: number, probes: number): number {
  const full = fullShare(load, threshold, probes);
  const { below, atOrAbove, weights, above } = chain(load, threshold, probes, full);
  const total = weights.reduce((sum, weight) => sum + weight, 0) + above;
  // Jobs of a node: those below the threshold, and threshold + a geometric number above it.
  const jobs = weights.reduce((sum, weight, n) => sum + n * weight, 0) +
    below ** threshold * (threshold / (1 - atOrAbove) + atOrAbove / (1 - atOrAbove) ** 2);
  return jobs / total / load;
}

/**
 * The load above which a threshold of 2 is better than one of 1.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * assert.ok(thresholdCrossover(3) < 0.99);
 * ```
 */
export function thresholdCrossover(probes: number): number {
  let low = 0.3, high = 0.99;
  for (let i = 0; i < 60; i++) {
    const load = (low + high) / 2;
    if (senderThreshold(load, 1, probes) < senderThreshold(load, 2, probes)) low = load;
    else high = load;
  }
  return (low + high) / 2;
}

/**
 * How often, in a mean service time, an isolated M/M/1 node goes from `boundary` jobs to one more
 * or back: the announcements that a single limit there would cost.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * assert.equal(stateChanges(0.5, 1), 0.25);
 * ```
 */
export function stateChanges(load: number, boundary: number): number {
  return 2 * load * (1 - load) * load ** boundary;
}

/**
 * Probability that of `nodes` isolated M/M/1 nodes one is idle while at another a job waits: Livny
 * and Melman, "Load balancing in homogeneous broadcast distributed systems", 1982.
 *
 * @throws {AssertionError} If there are no nodes.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * assert.ok(idleWhileWaiting(0.8, 16) > 0.9);
 * ```
 */
export function idleWhileWaiting(load: number, nodes: number): number {
  assert(nodes >= 1, "there are nodes");
  return 1 - load ** nodes - (1 - load * load) ** nodes + (load * (1 - load)) ** nodes;
}

/** Jobs of one class: their part of the load, and how many threads each has. */
export interface ThreadClass {
  /** Load of these jobs alone. */
  readonly load: number;
  /** Threads that compute at a time. */
  readonly threads: number;
}

/**
 * Mean response times, by class, of jobs of two kinds that share one core, each in proportion to its threads:
 * discriminatory processor sharing, in mean service times, which are the same for both (Fayolle, Mitrani and
 * Iasnogorodski, "Sharing a processor among many job classes", JACM 27(3), 1980).
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * const [few, many] = sharedByThreads({ load: 0.4, threads: 1 }, { load: 0.4, threads: 4 });
 * assert.ok(many < mm1(0.8) && mm1(0.8) < few);
 * ```
 */
export function sharedByThreads(
  a: ThreadClass,
  b: ThreadClass,
): readonly [a: number, b: number] {
  const weighed = a.threads * (1 - a.load) + b.threads * (1 - b.load);
  const of = (own: ThreadClass, other: ThreadClass) =>
    mm1(a.load + b.load) * (1 + other.load * (other.threads - own.threads) / weighed);
  return [of(a, b), of(b, a)];
}

/**
 * Mean response time of jobs that all have so many threads, on a node with so many cores that they fill
 * it in whole numbers: a job is served as by one fast server, and there are `cores / threads` of them.
 *
 * @throws {AssertionError} If a number of jobs does not fill the cores.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * assert.equal(threaded(0.75, 4, 4), mm1(0.75) / 4);
 * assert.equal(threaded(0.75, 4, 1), mmk(0.75, 4));
 * ```
 */
export function threaded(load: number, cores: number, threads: number): number {
  const servers = Math.max(1, cores / threads);
  assert(Number.isInteger(servers), "jobs fill the cores");
  return mmk(load, servers) * servers / cores;
}
