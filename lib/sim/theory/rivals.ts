/**
 * Rules of other systems, on the simulator's nodes.
 *
 * To compare with lb's balancer.
 *
 * They see every node's number of threads at once and exactly, which no real system does; what a
 * move costs is the same as for lb.
 *
 * @module
 */

import { randomStream } from "../model/workload.ts";
import type { Simulation } from "../simulation.ts";
import { type Job, NOWHERE } from "../engine/stations.ts";

/**
 * `least-loaded-1.30`: the node with the least load, if it has 1.30 times the job's less at least; the
 * job with the second most CPU time goes (Kerrighed's simplified MOSIX rule). `opportunity-cost`: the
 * node where the job costs least, if that is less than half of what it costs here, the cost of a load n
 * being K^(n / L) for K nodes and the greatest load L (Amir, Awerbuch, Barak and others, IEEE
 * TPDS 11(7), 2000, with processors as the only resource); the job with the most CPU time goes. A job's
 * load is its number of threads.
 */
export const rivals = ["least-loaded-1.30", "opportunity-cost"] as const;
/** One of {@linkcode rivals}. */
export type Rival = (typeof rivals)[number];

/** Kerrighed's stability factor, in loads of the job. */
const MARGIN = 1.3;

/** Lets a rival decide on a simulation whose options have no balancer. */
export class RivalBalancer {
  readonly #simulation: Simulation;
  readonly #rival: Rival;
  readonly #checkMs: number;
  /** Threads on their way to a node count there, and one job at a time leaves each. */
  readonly #expected: Float64Array;
  readonly #sends: Uint8Array;

  constructor(simulation: Simulation, rival: Rival) {
    const { names, options } = simulation;
    this.#simulation = simulation;
    this.#rival = rival;
    this.#checkMs = options.checkMs;
    this.#expected = new Float64Array(names.length);
    this.#sends = new Uint8Array(names.length);
    const phases = randomStream(options.seed, 7);
    for (let node = 0; node < names.length; node++) {
      simulation.after(phases.nextFloat() * options.checkMs, () => this.#check(node));
    }
  }

  #check(node: number): void {
    this.#simulation.after(this.#checkMs, () => this.#check(node));
    if (this.#sends[node] === 1) return;
    if (this.#simulation.stations.count(node) === 0) return;
    const job = this.#victim(node);
    const to = this.#receiver(node, this.#simulation.stations.threadsOf(job));
    if (to !== null) this.#move(node, to, job);
  }

  #length(node: number): number {
    return this.#simulation.stations.threads(node) + (this.#expected[node] as number);
  }

  /** Where a job of so many threads goes, if it leaves. */
  #receiver(node: number, threads: number): number | null {
    const count = this.#simulation.names.length;
    let best = node === 0 ? 1 : 0, longest = 1;
    for (let other = 0; other < count; other++) {
      const length = this.#length(other);
      longest = Math.max(longest, length);
      if (other !== node && length < this.#length(best)) best = other;
    }
    if (best >= count) return null;
    const here = this.#length(node), there = this.#length(best);
    if (this.#rival === "least-loaded-1.30") return there + MARGIN * threads < here ? best : null;
    const cost = (load: number) =>
      count ** (load / longest) - count ** ((load - threads) / longest);
    return cost(there + threads) < cost(here) / 2 ? best : null;
  }

  #victim(node: number): Job {
    const { stations, nowMs } = this.#simulation;
    const used = (job: Job) => (stations.demands[job] as number) - stations.left(node, job, nowMs);
    const jobs = stations.running(node).toSorted((a, b) => used(b) - used(a) || a - b);
    return jobs[this.#rival === "least-loaded-1.30" && jobs.length > 1 ? 1 : 0] as Job;
  }

  #move(from: number, to: number, job: Job): void {
    const simulation = this.#simulation;
    const { network, options, nowMs } = simulation;
    const id = simulation.ids[job] as string;
    simulation.freeze(from, job);
    this.#sends[from] = 1;
    const threads = simulation.stations.threadsOf(job);
    this.#expected[to] = (this.#expected[to] as number) + threads;
    const bytes = simulation.bytes[job] as number;
    const tookMs = network.streamedMs(from, to, bytes, nowMs) - nowMs + options.freezeMs;
    simulation.after(tookMs, () => {
      this.#sends[from] = 0;
      this.#expected[to] = (this.#expected[to] as number) - threads;
      if (simulation.jobs.get(id) !== job || simulation.places[job] === NOWHERE) return;
      simulation.leave(from, job);
      simulation.run(to, job);
      simulation.recorder.moved(simulation.nowMs);
    });
  }
}
