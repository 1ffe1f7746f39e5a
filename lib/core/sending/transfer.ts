/**
 * What one transfer is, and what the sending side works with.
 *
 * @module
 */

import type { SendCause } from "../transfer_policy/cause.ts";
import type { Chooser } from "./chooser.ts";
import type { Freezes } from "../selection_policy/freezes.ts";
import type { MoveCost } from "../selection_policy/move_cost.ts";
import type { PreferredList } from "../location_policy/preferred_list.ts";
import type { ProcessTable } from "../process_table.ts";
import type { Effect } from "../contract/effect.ts";
import type { NodeName, ProcessId, Ticket } from "../contract/names.ts";

/** A move asked for by a person. */
export interface Request {
  readonly requestId: number;
  readonly id: ProcessId;
  readonly node: NodeName | null;
  /** Nodes that have refused, with their reasons, when the node is free to choose. */
  readonly tried: Map<NodeName, string>;
}

/** A node that has asked for a process, with its load. */
export type Asker = Extract<SendCause, { kind: "asked" }>;

/** A transfer under way; `request` is null if the balancer began it. */
export type Transfer =
  | {
    readonly phase: "inspecting";
    readonly request: Request | null;
    /** The node that has asked for a process, if that is why. */
    readonly asker: Asker | null;
  }
  | {
    readonly phase: "offering" | "moving";
    readonly request: Request | null;
    readonly isAsked: boolean;
    readonly ticket: Ticket;
    readonly id: ProcessId;
    readonly to: NodeName;
    readonly beganMs: number;
    readonly deadlineMs: number;
  };

/** Why no node takes a process that may go to any. */
export function whyNobody({ tried }: Request): string {
  if (tried.size === 0) return "no associated node is U";
  const reasons = [...tried].map(([node, reason]) => `${node}: ${reason}`).join("; ");
  return `no associated node takes it: ${[...tried.keys()].join(", ")} refused (${reasons})`;
}

/** Requests that wait for their turn; a person seldom has more than a few. */
export const REQUESTS_MAX = 64;

/** So many transfers share a network: with a tenth of it each ends in time (lib/daemon/moves.ts). */
export const TRANSFERS_MAX = 8;

/** The transfer under this ticket, which is past its inspection. */
export function findTransfer(
  transfers: Iterable<Transfer>,
  ticket: Ticket,
): Exclude<Transfer, { phase: "inspecting" }> | null {
  for (const transfer of transfers) {
    if (transfer.phase !== "inspecting" && transfer.ticket === ticket) return transfer;
  }
  return null;
}

/** Whether a transfer is of this process; of the balancer's own that is known once it has chosen. */
export function isOf(transfer: Transfer, id: ProcessId): boolean {
  return (transfer.phase === "inspecting" ? transfer.request?.id : transfer.id) === id;
}

/** What the sending side works with. */
export interface TransfersOptions {
  readonly node: NodeName;
  /** Why one of so many processes that are not leaving already must leave; null: none must. */
  readonly causeToSend: (processes: number) => SendCause | null;
  /** Processes that are not in the process table and count as if they were. */
  readonly countOthers: () => number;
  readonly movesPerMinute: number | null;
  /** Nodes that are not U to ask between two checks, of an over node with so many processes. */
  readonly probesOf: (processes: number) => number;
  readonly chooser: Chooser;
  /** Tells a node our load, before it is asked whether it has clearly fewer processes. */
  readonly tellLoad: (node: NodeName) => void;
  readonly freezes: Freezes;
  /** Learns from each move. */
  readonly cost: MoveCost;
  readonly nextTicket: () => Ticket;
  readonly offerTimeoutMs: number;
  readonly moveTimeoutMs: number;
  readonly retryDelayMs: number;
  readonly table: ProcessTable;
  readonly preferred: PreferredList;
  readonly emit: (effect: Effect) => void;
  /** Tells a node that has asked that there is nothing for it. */
  readonly refuseAsk: (node: NodeName) => void;
}
