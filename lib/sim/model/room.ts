/**
 * The nodes' memory, and whether a process fits into what is left.
 *
 * @module
 */

import type { Job } from "../engine/stations.ts";
import type { Balancer } from "../../core/balancer.ts";
import type { ProcessId } from "../../core/contract/names.ts";

/** What it needs of the simulation that it is a part of. */
export interface RoomWorld {
  readonly options: { readonly memoryBytes?: readonly number[] };
  readonly jobs: ReadonlyMap<ProcessId, Job>;
  readonly places: readonly number[];
  readonly bytes: readonly number[];
  readonly balancers: readonly (Balancer | null)[];
}

/** Room for the processes of each node. */
export class Room {
  readonly #simulation: RoomWorld;

  constructor(simulation: RoomWorld) {
    this.#simulation = simulation;
  }

  /** A node's memory in bytes; null: it is never short. */
  total(node: number): number | null {
    return this.#simulation.options.memoryBytes?.[node] ?? null;
  }

  /** What the processes of a node leave, and those for which it keeps a place. */
  available(node: number): number {
    const { jobs, places, bytes, balancers } = this.#simulation;
    let left = this.total(node) ?? Infinity;
    for (const job of jobs.values()) if (places[job] === node) left -= bytes[job] as number;
    for (const { id } of balancers[node]?.view().reservations ?? []) left -= this.#sizeOf(id);
    return left;
  }

  /** Why a node does not take a process, or null. */
  refusal(node: number, id: ProcessId): string | null {
    if (this.total(node) === null) return null;
    const available = this.available(node), wanted = this.#sizeOf(id);
    return wanted <= available ? null : `it has ${available} bytes, the process needs ${wanted}`;
  }

  #sizeOf(id: ProcessId): number {
    const job = this.#simulation.jobs.get(id);
    return job === undefined ? 0 : this.#simulation.bytes[job] as number;
  }
}
