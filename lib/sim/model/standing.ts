/**
 * Standing orders in a simulation.
 *
 * Processes that are to stay, nodes that are to be empty. Both last over a restart of the daemon,
 * not of the node.
 *
 * @module
 */

import type { Event } from "../../core/contract/event.ts";
import type { ProcessId } from "../../core/contract/names.ts";

/** What it needs of the simulation that it is a part of. */
export interface StandingWorld {
  step(node: number, event: Event): void;
}

/** Pins and drains in force. */
export class Standing {
  readonly #simulation: StandingWorld;
  /** The node of each pin: a move by hand ends it. */
  readonly #pins = new Map<ProcessId, number>();
  readonly #drained = new Set<number>();

  constructor(simulation: StandingWorld) {
    this.#simulation = simulation;
  }

  /** Whether a process is pinned where it runs. */
  isPinned(id: ProcessId, node: number): boolean {
    return this.#pins.get(id) === node;
  }

  isDrained(node: number): boolean {
    return this.#drained.has(node);
  }

  /** Pins a process that a node lists, or frees it. */
  pin(node: number, id: ProcessId, isPinned: boolean): void {
    if (isPinned) this.#pins.set(id, node);
    else this.#pins.delete(id);
    this.#simulation.step(node, { type: "pinned", id, isPinned });
  }

  /** Has a node be emptied, or no longer. */
  drain(node: number, isDraining: boolean): void {
    if (isDraining) this.#drained.add(node);
    else this.#drained.delete(node);
    this.#simulation.step(node, { type: "drain", isDraining });
  }

  /** A daemon has started, and reads what stands. */
  restarted(node: number): void {
    if (this.#drained.has(node)) this.#simulation.step(node, { type: "drain", isDraining: true });
    for (const [id, where] of this.#pins) {
      if (where === node) this.#simulation.step(node, { type: "pinned", id, isPinned: true });
    }
  }

  /** A process has left a node, or is over. */
  left(node: number, id: ProcessId): void {
    if (this.#pins.get(id) === node) this.#pins.delete(id);
  }

  /** A node is down: nobody will remember. */
  crashed(node: number): void {
    this.#drained.delete(node);
    for (const [id, where] of [...this.#pins]) if (where === node) this.#pins.delete(id);
  }
}
