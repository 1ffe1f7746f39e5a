/**
 * Small policies of the literature, for known formulas.
 *
 * On the simulator's processors and workloads, without network and cost. lb itself decides by none
 * of them.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import type { Prng } from "../../base/prng.ts";
import { Alarms } from "../engine/heap.ts";
import { Series } from "../report/statistics.ts";
import { Stations } from "../engine/stations.ts";
import { type Arrival, randomStream, type Workload } from "../model/workload.ts";

/** Who takes a job, decided by who knows the lengths of all queues that it asks for. */
export type ReferencePolicy =
  /** The node it came to. */
  | { readonly kind: "none" }
  /** The shortest of some queues drawn at random. */
  | { readonly kind: "choices"; readonly d: number }
  /** The node it came to, until an idle one asks at random: two jobs or more give one away. */
  | { readonly kind: "stealing" }
  /** The node it came to if that has less than `threshold`, else the first of `probes` that has. */
  | { readonly kind: "senderThreshold"; readonly threshold: number; readonly probes: number };

/** What a reference simulation is told. */
export interface ReferenceOptions {
  readonly nodes: number;
  readonly cores: number;
  readonly policy: ReferencePolicy;
  readonly workload: Workload;
  readonly seed: number;
  readonly warmupMs: number;
}

/** Nodes under a reference policy. */
export class ReferenceSimulation {
  readonly stations: Stations;
  /** Response times in milliseconds, of jobs that end after the warm-up. */
  readonly responses = new Series();
  /** The same, by the jobs' number of threads. */
  readonly responsesByThreads = new Map<number, Series>();
  /** How often a node went from n jobs to n + 1 or back, by n, after the warm-up. */
  readonly changes = new Float64Array(64);
  nowMs = 0;
  readonly #options: ReferenceOptions;
  readonly #ends: Alarms;
  readonly #arrivedMs: number[] = [];
  readonly #prng: Prng;
  #next: Arrival | null;

  constructor(options: ReferenceOptions) {
    assert(options.nodes >= 2 || options.policy.kind === "none", "there is another node to ask");
    const each = (value: number) => Array.from({ length: options.nodes }, () => value);
    this.#options = options;
    this.stations = new Stations(each(1), each(options.cores));
    this.#ends = new Alarms(options.nodes);
    this.#prng = randomStream(options.seed, 20);
    this.#next = options.workload();
  }

  /** Lets virtual time pass. */
  advance(untilMs: number): void {
    for (;;) {
      const arrivalMs = this.#next?.atMs ?? Infinity;
      const atMs = Math.min(arrivalMs, this.#ends.nextMs);
      if (atMs > untilMs) break;
      this.nowMs = atMs;
      if (this.#next !== null && arrivalMs === atMs) {
        this.#arrive(this.#next);
        this.#next = this.#options.workload();
      } else {
        this.#end(this.#ends.nextSlot);
      }
    }
    this.nowMs = untilMs;
  }

  #arrive({ node, demandMs, threads }: Arrival): void {
    const job = this.stations.make(demandMs, threads);
    this.#arrivedMs[job] = this.nowMs;
    this.#start(this.#place(node), job);
  }

  #end(node: number): void {
    const job = this.stations.end(node, this.nowMs);
    this.#changed(node, this.stations.count(node));
    if (this.nowMs >= this.#options.warmupMs) {
      this.#record(this.stations.threadsOf(job), this.nowMs - (this.#arrivedMs[job] as number));
    }
    this.stations.forget(job);
    if (this.#options.policy.kind === "stealing" && this.stations.count(node) === 0) {
      this.#steal(node);
    }
  }

  #record(threads: number, tookMs: number): void {
    this.responses.push(tookMs);
    const series = this.responsesByThreads.get(threads) ?? new Series();
    this.responsesByThreads.set(threads, series);
    series.push(tookMs);
  }

  /** Where a job that came to this node runs. */
  #place(node: number): number {
    const { policy } = this.#options;
    if (policy.kind === "choices") {
      let best = node;
      for (let i = 1; i < policy.d; i++) {
        const other = this.#other(node);
        if (this.stations.count(other) < this.stations.count(best)) best = other;
      }
      return best;
    }
    if (policy.kind !== "senderThreshold" || this.stations.count(node) < policy.threshold) {
      return node;
    }
    for (let i = 0; i < policy.probes; i++) {
      const other = this.#other(node);
      if (this.stations.count(other) < policy.threshold) return other;
    }
    return node;
  }

  #steal(thief: number): void {
    const victim = this.#other(thief);
    const jobs = this.stations.running(victim);
    if (jobs.length < 2) return;
    const job = jobs[this.#prng.nextInt(jobs.length)] as number;
    this.stations.stop(victim, job, this.nowMs);
    this.#changed(victim, this.stations.count(victim));
    this.#start(thief, job);
  }

  #start(node: number, job: number): void {
    this.stations.start(node, job, this.nowMs);
    this.#changed(node, this.stations.count(node) - 1);
  }

  /** Any node but this one. */
  #other(node: number): number {
    const other = this.#prng.nextInt(this.#options.nodes - 1);
    return other < node ? other : other + 1;
  }

  /** A node's number of jobs has crossed the boundary above `less`. */
  #changed(node: number, less: number): void {
    this.#ends.set(node, this.stations.nextEndMs(node));
    if (this.nowMs < this.#options.warmupMs || less >= this.changes.length) return;
    this.changes[less] = (this.changes[less] as number) + 1;
  }
}
