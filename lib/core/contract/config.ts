/**
 * What a balancer is configured with once.
 *
 * @module
 */

import type { Capacity } from "./capacity.ts";
import type { NodeName, Ticket } from "./names.ts";
import type { OwnerRule } from "./owner.ts";
import type { Policy } from "./policy.ts";

/** Which of a node's processes leaves first; the thesis's numbers 1 to 4 in this order. */
export const selections = ["least-cpu", "most-cpu", "least-memory", "most-memory"] as const;
/** One of {@linkcode selections}. */
export type Selection = (typeof selections)[number];

/** The limits between the states; integers, `0 <= thu < thf < thv`. */
export interface Thresholds {
  /** A node with at most so many processes is U. */
  readonly thu: number;
  /** A node with at least so many is F. */
  readonly thf: number;
  /** A node with at least so many is V and must send one away. */
  readonly thv: number;
  /**
   * What they count: percent of the time in which work waits for a processor, for the index
   * "pressure" alone.
   *
   * @default {processes}
   */
  readonly unit?: "percent";
}

/** What a balancer is told once. */
export interface BalancerConfig {
  /** This node's name. */
  readonly node: NodeName;
  /** Greater than in every earlier run of this node's daemon; its wall clock in ms will do. */
  readonly epoch: number;
  /** The preferred list: names of the associated nodes, the most preferred first. */
  readonly associated: readonly NodeName[];
  /** The limits between the states. */
  readonly thresholds: Thresholds;
  /** Which process leaves first, unless the policy chooses by age and cost. */
  readonly select: Selection;
  /**
   * Draws the ticket of the next offer. The daemon's are random, the simulator's come from its
   * seed; the balancer itself has no other source of chance.
   */
  readonly nextTicket: () => Ticket;
  /**
   * Which rules decide.
   *
   * @default {policies.thesis}
   */
  readonly policy?: Policy;
  /**
   * What this node can do; only policies that ask for it look.
   *
   * @default {unitCapacity}
   */
  readonly capacity?: Capacity;
  /**
   * Of the chance in the policies that use any.
   *
   * @default {made of the node's name and the epoch, so that nodes differ}
   */
  readonly seed?: number;
  /**
   * What guests do when the node's owner is at work; null: nothing.
   *
   * @default {null}
   */
  readonly owner?: OwnerRule | null;
  /**
   * How long the owner has been at work already when the balancer begins, in milliseconds.
   *
   * @default {0}
   */
  readonly ownerActiveForMs?: number;
  /**
   * How long an offer waits for its answer, in milliseconds.
   *
   * @default {5000}
   */
  readonly offerTimeoutMs?: number;
  /**
   * How long a place stays reserved before the memory starts to arrive, in milliseconds.
   *
   * @default {10000}
   */
  readonly reservationTimeoutMs?: number;
  /**
   * How long a move may take once it has started, on either side, in milliseconds. The driver ends
   * a move that makes no progress much earlier; this only frees what a lost report would hold.
   *
   * @default {900000}
   */
  readonly moveTimeoutMs?: number;
  /**
   * Silence on a stream before it counts as lost, in milliseconds, of which the limit of a move is made
   * (`moveLimitMs()`); null: moves have no limit.
   *
   * @default {null}
   */
  readonly ioTimeoutMs?: number | null;
  /**
   * How long a process sits out after a move of it was aborted, in milliseconds; doubled each time,
   * up to 64 times as long. A move asked for by hand does not wait.
   *
   * @default {10000}
   */
  readonly retryDelayMs?: number;
}
