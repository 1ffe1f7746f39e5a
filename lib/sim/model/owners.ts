/**
 * Owners of simulated nodes, who come and go.
 *
 * And what becomes of the guests there.
 *
 * @module
 */

import type { Stations } from "../engine/stations.ts";
import type { Treatment } from "../../core/contract/owner.ts";
import type { Job } from "../engine/stations.ts";
import { randomStream } from "./workload.ts";

/** Which nodes have an owner, and how long they are there and away on average, in milliseconds. */
export interface OwnerOptions {
  /** The first so many. */
  readonly nodes: number;
  /** Mean time at work. */
  readonly activeMs: number;
  /** Mean time away. */
  readonly awayMs: number;
}

/** What it needs of the simulation that it is a part of. */
export interface OwnersWorld {
  readonly options: { readonly seed: number };
  readonly nowMs: number;
  readonly stations: Stations;
  readonly homes: readonly number[];
  readonly places: readonly number[];
  after(ms: number, call: () => void): void;
  freeze(node: number, job: Job): void;
  leave(node: number, job: Job): void;
  run(node: number, job: Job): void;
}

/** All owners, and the guests that are stopped for them. */
export class Owners {
  readonly #simulation: OwnersWorld;
  /** By node: since when the owner is away; null: at work. */
  readonly #awaySinceMs = new Map<number, number | null>();
  readonly #stopped = new Set<Job>();

  constructor(simulation: OwnersWorld) {
    this.#simulation = simulation;
  }

  /** Lets the owners come and go; null: there are none. */
  schedule(options: OwnerOptions | null): void {
    if (options === null) return;
    const { nodes, activeMs, awayMs } = options;
    const simulation = this.#simulation;
    const prng = randomStream(simulation.options.seed, 10);
    const leave = (node: number): void => {
      this.#awaySinceMs.set(node, simulation.nowMs);
      simulation.after(prng.nextExponential(awayMs), () => come(node));
    };
    const come = (node: number): void => {
      this.#awaySinceMs.set(node, null);
      simulation.after(prng.nextExponential(activeMs), () => leave(node));
    };
    for (let node = 0; node < nodes; node++) leave(node);
  }

  /** How long ago somebody typed at a node; null: it has no owner. */
  terminalIdleMs(node: number): number | null {
    const sinceMs = this.#awaySinceMs.get(node);
    if (sinceMs === undefined) return null;
    return sinceMs === null ? 0 : this.#simulation.nowMs - sinceMs;
  }

  /** Whether a job is stopped for an owner, and would run else. */
  isStopped(job: Job): boolean {
    return this.#stopped.has(job);
  }

  /** Guests that run on a node beside its owner. */
  disturbing(node: number): number {
    return this.#awaySinceMs.get(node) === null ? this.#guests(node).length : 0;
  }

  /** Stops the guests of a node, or lets them go on. A low priority costs nothing here. */
  treat(node: number, treatment: Treatment): void {
    const simulation = this.#simulation;
    if (treatment === "stop" || treatment === "leave") {
      for (const job of this.#guests(node)) {
        simulation.freeze(node, job);
        this.#stopped.add(job);
      }
    } else {
      for (const job of this.#stopped) if (simulation.places[job] === node) this.resume(job);
    }
  }

  /** Lets a job go on, before it moves. */
  resume(job: Job): void {
    if (!this.#stopped.delete(job)) return;
    const simulation = this.#simulation;
    const node = simulation.places[job] as number;
    simulation.leave(node, job);
    simulation.run(node, job);
  }

  /** A job is no more. */
  forget(job: Job): void {
    this.#stopped.delete(job);
  }

  #guests(node: number): Job[] {
    const { stations, homes } = this.#simulation;
    return stations.running(node).filter((job) => !stations.isStranger(job) && homes[job] !== node);
  }
}
