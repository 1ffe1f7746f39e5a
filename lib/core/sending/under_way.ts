/**
 * The transfers under way, each in its phase.
 *
 * No transfer changes but by {@linkcode transferTransitions}.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import {
  nextPhase,
  type TransferInput,
  type TransferPhase,
  transferTransitions,
} from "../contract/transitions.ts";
import type { NodeName, ProcessId, Ticket } from "../contract/names.ts";
import type { SendCause } from "../transfer_policy/cause.ts";
import type { Request } from "./requests.ts";

/** A node that has asked for a process, with its load. */
export type Asker = Extract<SendCause, { kind: "asked" }>;

/** A process that is offered to a node, or moves there. */
export interface Offer {
  readonly ticket: Ticket;
  readonly id: ProcessId;
  readonly to: NodeName;
  /** When the offer was made, or its move ordered. */
  readonly beganMs: number;
  readonly deadlineMs: number;
}

/** A transfer under way. */
export interface Transfer {
  readonly phase: TransferPhase;
  /** Of the person who asks for it; null: the balancer itself has begun it. */
  readonly request: Request | null;
  /** The node that has asked for a process, if that is why. */
  readonly asker: Asker | null;
  /** null before a process and a node are chosen. */
  readonly offer: Offer | null;
}

/** A transfer that is offering or moving. */
export type Offered = Transfer & { readonly offer: Offer };

/** Whether process and node of a transfer are chosen. */
export function isOffered(transfer: Transfer): transfer is Offered {
  return transfer.offer !== null;
}

/** By their requests, and one of the balancer's own at most. */
export class UnderWay {
  readonly #transfers = new Map<Request | null, Transfer>();

  get size(): number {
    return this.#transfers.size;
  }

  /** Those that a person has asked for. */
  get requestedCount(): number {
    return this.#transfers.size - (this.#transfers.has(null) ? 1 : 0);
  }

  /** Lists them in order of their beginning; changes meanwhile do not show in it. */
  list(): Transfer[] {
    return [...this.#transfers.values()];
  }

  /** The requests of those that a person has asked for. */
  requests(): Request[] {
    return [...this.#transfers.keys()].filter((request) => request !== null);
  }

  /** Whether one is of this process; of the balancer's own that is known once it has chosen. */
  hasOf(id: ProcessId): boolean {
    return this.list().some((transfer) => isOf(transfer, id));
  }

  /** Lists those of this process. */
  listOf(id: ProcessId): Transfer[] {
    return this.list().filter((transfer) => isOf(transfer, id));
  }

  /** The transfer under this ticket if it takes this input; null: that has come too late. */
  find(ticket: Ticket, input: TransferInput): Offered | null {
    for (const transfer of this.#transfers.values()) {
      if (!isOffered(transfer) || transfer.offer.ticket !== ticket) continue;
      return nextPhase(transferTransitions, transfer.phase, input) === null ? null : transfer;
    }
    return null;
  }

  /**
   * Begins one, by an inspection.
   *
   * @throws {AssertionError} If there is one of this request.
   */
  begin(request: Request | null, asker: Asker | null): void {
    assert(!this.#transfers.has(request), "a request has one transfer");
    this.#transfers.set(request, { phase: "inspecting", request, asker, offer: null });
  }

  /**
   * Gives a transfer an input; one that ends is forgotten.
   *
   * @param offer What is offered, or moves, in the phase that follows.
   * @returns The transfer in that phase.
   * @throws {AssertionError} If the input is not legal in its phase, or the transfer is another by now.
   */
  take(transfer: Transfer, input: TransferInput, offer: Offer | null = null): Transfer {
    const { phase: before, request } = transfer;
    assert(this.#transfers.get(request) === transfer, "the transfer is the present one");
    const phase = nextPhase(transferTransitions, before, input);
    assert(phase !== null, `a transfer that is ${before} can be ${input}`);
    const after = { ...transfer, phase, offer };
    if (phase === "ended") this.#transfers.delete(request);
    else this.#transfers.set(request, after);
    return after;
  }

  /** The first deadline, or null. */
  nextTimeoutMs(): number | null {
    let next: number | null = null;
    for (const { offer } of this.#transfers.values()) {
      if (offer !== null && (next === null || offer.deadlineMs < next)) next = offer.deadlineMs;
    }
    return next;
  }
}

function isOf({ offer, request }: Transfer, id: ProcessId): boolean {
  return (offer ?? request)?.id === id;
}
