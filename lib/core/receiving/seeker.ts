/**
 * Asks nodes that are F for a process.
 *
 * The receiving side's own initiative, of a node that is U; its sources are in
 * `transfer_policy/initiation.ts`.
 *
 * @module
 */

import type { Prng } from "../../base/prng.ts";
import { backOff } from "../transfer_policy/initiation.ts";
import type { PreferredList } from "../location_policy/preferred_list.ts";
import type { NodeName } from "../contract/names.ts";

/** What a seeker works with. */
export interface SeekerOptions {
  /** Nodes to ask between two checks; 0: this node does not ask. */
  readonly asksMax: number;
  readonly preferred: PreferredList;
  readonly prng: Prng;
  /** Whether the node has room that nobody has filled. */
  readonly isIdle: () => boolean;
  /** Asks a node. */
  readonly ask: (node: NodeName) => void;
}

/** Asks one node after the other, so many in a round, and rests for longer each time in vain. */
export class Seeker {
  readonly #options: SeekerOptions;
  /** Who has not answered yet. */
  #asked: NodeName | null = null;
  readonly #tried = new Set<NodeName>();
  #left: number;
  /** Rounds in a row in which nobody had a process, and checks to wait until the next one. */
  #roundsInVain = 0;
  #wait = 0;

  constructor(options: SeekerOptions) {
    this.#options = options;
    this.#left = options.asksMax;
  }

  /** A check: a new round, if it is time. Who has not answered until now will not. */
  check(): void {
    this.#asked = null;
    if (this.#tried.size > 0) {
      // An offer that came has ended the row.
      this.#roundsInVain++;
      this.#wait = backOff(this.#roundsInVain);
      this.#tried.clear();
    }
    if (this.#wait > 0) this.#wait--;
    this.#left = this.#wait > 0 ? 0 : this.#options.asksMax;
  }

  /** Somebody may have a process now: the next round need not wait. */
  noticed(): void {
    this.#wait = Math.min(this.#wait, 1);
  }

  /** There is room again: no reason to wait. */
  wake(): void {
    this.#wait = 0;
    this.#roundsInVain = 0;
    this.#tried.clear();
    this.#left = this.#options.asksMax;
  }

  /** A node has no process for us, or cannot be reached. */
  refused(node: NodeName): void {
    if (this.#asked === node) this.#asked = null;
  }

  /** An offer has come. */
  offered(node: NodeName): void {
    this.refused(node);
    this.#roundsInVain = 0;
    this.#tried.clear();
  }

  /** Asks the next node, if there is reason to and none is being asked. */
  advance(): void {
    const { asksMax, preferred, prng, isIdle, ask } = this.#options;
    if (asksMax === 0 || this.#asked !== null || this.#left === 0 || !isIdle()) return;
    const nodes = preferred.full((node) => !this.#tried.has(node));
    if (nodes.length === 0) return;
    const node = prng.pick(nodes);
    this.#asked = node;
    this.#tried.add(node);
    this.#left--;
    ask(node);
  }
}
