/**
 * The attempts since the last check.
 *
 * So that one round of attempts comes to an end.
 *
 * @module
 */

import type { NodeName, ProcessId } from "../contract/names.ts";

/**
 * Offers in one round. A refusal costs one message and no freeze; 32 lets every node of a
 * preferred list of 15 refuse two victims, and bounds what a cluster without room costs a check.
 */
const ATTEMPTS_MAX = 32;

/** Whether something else keeps this process from this node. */
export type IsBarred = (id: ProcessId, node: NodeName) => boolean;

/** One round: from a check, or from news that opens it again, to its exhaustion. */
export class Round {
  readonly #isBarred: IsBarred;
  readonly #refused = new Map<NodeName, Set<ProcessId>>();
  readonly #failed = new Set<NodeName>();
  #attempts = 0;
  #probes = 0;
  #exhausted = false;

  constructor(isBarred: IsBarred) {
    this.#isBarred = isBarred;
  }

  /** Nodes that are not U which have been asked. */
  get probes(): number {
    return this.#probes;
  }

  /** Counts one more of them; it is asked once, for whatever process. */
  probed(node: NodeName): void {
    this.#probes++;
    this.#failed.add(node);
  }

  /** Nothing is left to try until the round opens again. */
  get isExhausted(): boolean {
    return this.#exhausted || this.#attempts >= ATTEMPTS_MAX;
  }

  /** Tells whether this process may still be offered to this node. */
  mayOffer(id: ProcessId, node: NodeName): boolean {
    if (this.#isBarred(id, node)) return false;
    return !this.#failed.has(node) && this.#refused.get(node)?.has(id) !== true;
  }

  /** Counts an offer. */
  offered(): void {
    this.#attempts++;
  }

  /** The node has refused this process (another one may fit). */
  refused(id: ProcessId, node: NodeName): void {
    const ids = this.#refused.get(node) ?? new Set();
    this.#refused.set(node, ids.add(id));
  }

  /** The node did not answer, or a move to it was aborted: leave it alone for this round. */
  failed(node: NodeName): void {
    this.#failed.add(node);
  }

  /** No process and node fit together. */
  exhaust(): void {
    this.#exhausted = true;
  }

  /** A check: everything may be tried again. */
  restart(): void {
    // Clearing makes a new table even of an empty one: a simulation has millions of checks.
    if (this.#refused.size > 0) this.#refused.clear();
    if (this.#failed.size > 0) this.#failed.clear();
    this.#attempts = 0;
    this.#probes = 0;
    this.#exhausted = false;
  }

  /** This node is U again: it may be tried again, whatever it did before. */
  welcome(node: NodeName): void {
    this.#refused.delete(node);
    this.#failed.delete(node);
    this.#exhausted = false;
  }

  /** There is another process: it may move where the others could not. */
  reopen(): void {
    this.#exhausted = false;
  }
}
