/**
 * Jobs that people run without lb.
 *
 * They take processors, and no balancer knows of them.
 *
 * @module
 */

import type { Stations } from "../engine/stations.ts";
import type { Job } from "../engine/stations.ts";
import type { Network } from "../engine/network.ts";
import type { Arrival, Workload } from "./workload.ts";

/** What it needs of the simulation that it is a part of. */
export interface StrangersWorld {
  readonly stations: Stations;
  readonly network: Network;
  run(node: number, job: Job): void;
  drop(node: number, job: Job): void;
}

/** All of them. */
export class Strangers {
  readonly #simulation: StrangersWorld;
  readonly #workload: Workload | null;
  #next: Arrival | null;

  /** @param workload null: there are none. */
  constructor(simulation: StrangersWorld, workload: Workload | null) {
    this.#simulation = simulation;
    this.#workload = workload;
    this.#next = workload?.() ?? null;
  }

  /** When the next one comes, or Infinity. */
  get nextMs(): number {
    return this.#next?.atMs ?? Infinity;
  }

  /** The next one comes. */
  arrive(): void {
    const arrival = this.#next;
    this.#next = this.#workload?.() ?? null;
    const { stations, network } = this.#simulation;
    if (arrival === null || !network.isUp(arrival.node)) return;
    const job = stations.make(arrival.demandMs, arrival.threads);
    stations.estrange(job);
    this.#simulation.run(arrival.node, job);
  }

  /** A node is down, and they with it. */
  crashed(node: number): void {
    const { stations } = this.#simulation;
    for (const job of stations.running(node).filter((one) => stations.isStranger(one))) {
      this.#simulation.drop(node, job);
    }
  }
}
