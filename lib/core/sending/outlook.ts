/**
 * What may leave a node, and whether anybody may take it.
 *
 * @module
 */

import type { Event } from "../contract/event.ts";
import type { NodeName, ProcessId } from "../contract/names.ts";
import type { PreferredList } from "../location_policy/preferred_list.ts";
import type { Entry, ProcessTable } from "../process_table.ts";
import { mayLeave } from "../selection_policy/victim.ts";
import type { SendCause } from "../transfer_policy/cause.ts";
import type { Round } from "./round.ts";

/** What an outlook is made of. */
export interface OutlookOptions {
  /** This node's name. */
  readonly node: NodeName;
  readonly table: ProcessTable;
  readonly preferred: PreferredList;
  readonly round: Round;
  /** Processes that a person wants to be moved; they are nobody else's to choose. */
  readonly requests: () => readonly { readonly id: ProcessId }[];
  /** Why one of the processes that are not leaving already must leave; null: none must. */
  readonly causeToSend: () => SendCause | null;
  /** Processes that are not in the process table and count as if they were. */
  readonly countOthers: () => number;
  /** Nodes that are not U to ask between two checks, of an over node with so much weight. */
  readonly probesOf: (weight: number) => number;
}

/** Of one node, as it is now. */
export class Outlook {
  readonly #options: OutlookOptions;
  #isDraining = false;
  #guestsOnly = false;

  constructor(options: OutlookOptions) {
    this.#options = options;
  }

  /** Empties the node, of all or of its guests, or no longer. */
  drain({ isDraining, guestsOnly = false }: Extract<Event, { type: "drain" }>): void {
    this.#isDraining = isDraining;
    this.#guestsOnly = guestsOnly;
  }

  /** A person wants the node empty. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Processes that are not leaving already, and what counts as if it were one. */
  get processes(): number {
    return this.#options.table.settledCount + this.#options.countOthers();
  }

  /** What these weigh. */
  get weight(): number {
    return this.#options.table.settledWeight + this.#options.countOthers();
  }

  /** Why the node sends just now; null: it need not. */
  get cause(): SendCause | null {
    if (this.#isDraining) return { kind: "drained" };
    return this.#options.causeToSend();
  }

  /** Processes that may be automatic victims, as far as is known without a fresh look. */
  movable(nowMs: number): Entry[] {
    const kind = this.cause?.kind ?? "over";
    const isUrgent = kind !== "over";
    const { node, requests, table } = this.#options;
    const asked = new Set(requests().map(({ id }) => id));
    return table.list().filter((entry) =>
      mayLeave(entry, nowMs, isUrgent) && !asked.has(entry.process.id) &&
      (kind !== "owner" || entry.process.homeNode !== node) &&
      !(this.#guestsOnly && entry.process.homeNode === node)
    );
  }

  /** Whether some process may be offered to some node. */
  hasReceiver(cause: SendCause, nowMs: number): boolean {
    const { preferred, node, round } = this.#options;
    const movable = this.movable(nowMs);
    const isOpen = (other: NodeName) =>
      movable.some(({ process: { id } }) => round.mayOffer(id, other));
    if (preferred.first(isOpen) !== null) return true;
    if (this.mayProbe(cause) && preferred.full(isOpen).length > 0) return true;
    return (this.#isDraining || cause.kind === "owner") &&
      movable.some(({ process: { id, homeNode } }) =>
        homeNode !== node && round.mayOffer(id, homeNode)
      );
  }

  /** Whether one more node that is not U may be asked in this round. */
  mayProbe({ kind }: SendCause): boolean {
    const { round, probesOf } = this.#options;
    return kind === "over" && round.probes < probesOf(this.weight);
  }
}
