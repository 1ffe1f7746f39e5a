/**
 * Costs of being away from home and of daemons.
 *
 * @module
 */

import type { Stations } from "../engine/stations.ts";
import type { Event } from "../../core/contract/event.ts";
import type { Job } from "../engine/stations.ts";

/** Processor time of a node's daemon, in milliseconds. */
export interface DaemonCosts {
  /** For each check. */
  readonly checkMs: number;
  /** For each letter, offer and answer that comes. */
  readonly messageMs: number;
}

/**
 * Measured on one core of an AMD EPYC, with three processes and one associated node: 2.7 ms for a check
 * (870 ms for 300 of them, 70 ms for 3), 0.7 ms for a letter (210 ms for 300).
 */
export const daemonCosts: DaemonCosts = { checkMs: 2.7, messageMs: 0.7 };

/** Measured: what `stat` takes more away from home, `npm run bench -- forward` (docs/PERFORMANCE.md). */
export const callMs = 0.21;

const messages: ReadonlySet<Event["type"]> = new Set([
  "peerLetter",
  "peerGreeted",
  "offerReceived",
  "offerAnswered",
  "offerWithdrawn",
]);

/** What it needs of the simulation that it is a part of. */
export interface CostsWorld {
  readonly homes: readonly number[];
  readonly stations: Stations;
  readonly nowMs: number;
  readonly options: { readonly callMs?: number; readonly daemon?: DaemonCosts };
}

/** Takes what things cost off the nodes' processors. */
export class Costs {
  readonly #simulation: CostsWorld;
  readonly #daemon: DaemonCosts | null;
  /** Forwarded calls in a second of work, of the jobs that make any. */
  readonly #calls = new Map<Job, number>();

  constructor(simulation: CostsWorld) {
    this.#simulation = simulation;
    this.#daemon = simulation.options.daemon ?? null;
  }

  /** A job makes so many forwarded calls in a second of its work; before it runs. */
  calls(job: Job, perSecond: number): void {
    if (perSecond > 0) this.#calls.set(job, perSecond);
  }

  /** A job is over. */
  forget(job: Job): void {
    this.#calls.delete(job);
  }

  /**
   * A job is about to run: away from home each of its calls waits for home. It is counted as work, which
   * is too much for the others on the node: they could use the processor meanwhile.
   */
  place(node: number, job: Job): void {
    const perSecond = this.#calls.get(job);
    if (perSecond === undefined) return;
    const { homes, stations, options } = this.#simulation;
    const waitsMs = homes[job] === node ? 0 : perSecond * (options.callMs ?? callMs);
    stations.stretch(job, 1 + waitsMs / 1000);
  }

  /** A daemon has done something about an event; whether its node's jobs are late by it. */
  handled(node: number, { type }: Event): boolean {
    if (this.#daemon === null) return false;
    const { checkMs, messageMs } = this.#daemon;
    const ms = type === "check" ? checkMs : messages.has(type) ? messageMs : 0;
    return ms > 0 && this.#simulation.stations.spend(node, ms, this.#simulation.nowMs);
  }
}
