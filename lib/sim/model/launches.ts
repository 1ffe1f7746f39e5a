/**
 * Launches under way.
 *
 * `lb launch` needs the processor of its node before there is a process to know of.
 *
 * @module
 */

import type { Stations } from "../engine/stations.ts";
import type { Recorder } from "../report/recorder.ts";
import type { Job } from "../engine/stations.ts";
import type { Arrival } from "./workload.ts";

/** What it needs of the simulation that it is a part of. */
export interface LaunchesWorld {
  readonly options: { readonly launchMs?: number };
  readonly stations: Stations;
  readonly recorder: Recorder;
  run(node: number, job: Job): void;
  drop(node: number, job: Job): void;
}

/** Launches, which are jobs of the stations alone. */
export class Launches {
  readonly #simulation: LaunchesWorld;
  /** What comes of each, by its number among the jobs. */
  readonly #arrivals = new Map<Job, Arrival>();

  constructor(simulation: LaunchesWorld) {
    this.#simulation = simulation;
  }

  /** Number of launches under way. */
  get size(): number {
    return this.#arrivals.size;
  }

  /** Begins one; false: launches take no time. */
  begin(arrival: Arrival): boolean {
    const { stations, options: { launchMs = 0 } } = this.#simulation;
    if (launchMs === 0) return false;
    const job = stations.make(launchMs);
    this.#arrivals.set(job, arrival);
    this.#simulation.run(arrival.node, job);
    return true;
  }

  /** Whether a job that is done was a launch: what comes of it now, else null. */
  end(job: Job): Arrival | null {
    const arrival = this.#arrivals.get(job);
    if (arrival === undefined) return null;
    this.#arrivals.delete(job);
    this.#simulation.stations.forget(job);
    return arrival;
  }

  /** A node is down: what was being launched there will never be. */
  crashed(node: number): void {
    for (const [job, arrival] of this.#arrivals) {
      if (arrival.node !== node) continue;
      this.#arrivals.delete(job);
      this.#simulation.drop(node, job);
      this.#simulation.recorder.counts.lost++;
    }
  }
}
