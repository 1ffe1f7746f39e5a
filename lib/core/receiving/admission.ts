/**
 * Whether a node takes a process that another one offers.
 *
 * @module
 */

import type { Shortage } from "../transfer_policy/memory.ts";
import type { Policy } from "../contract/policy.ts";
import { isClearlyShorter } from "../location_policy/probing.ts";
import type { PreferredList } from "../location_policy/preferred_list.ts";
import type { ProcessTable } from "../process_table.ts";
import type { Reservations } from "./reservations.ts";
import type { Thresholds } from "../contract/config.ts";
import type { Effect } from "../contract/effect.ts";
import type { Event } from "../contract/event.ts";
import type { Announcement, Letter, NodeName } from "../contract/names.ts";

/** An offer of another node. */
export type Offer = Extract<Event, { type: "offerReceived" }>;

/** What the answer depends on. */
export interface AdmissionFacts {
  readonly table: ProcessTable;
  readonly reservations: Reservations;
  readonly preferred: PreferredList;
  readonly policy: Policy;
  readonly thresholds: Thresholds;
  /** Of this node's capacity. */
  readonly units: number;
  readonly letter: Letter;
  readonly isDraining: boolean;
  readonly shortage: Shortage | null;
  readonly isOwnerActive: boolean;
  readonly queueLength: number;
  /** With what else counts, per unit of capacity. */
  readonly lengthPerUnit: number;
}

/** What an answer needs besides. */
export interface AdmissionMeans {
  readonly nowMs: number;
  readonly emit: (effect: Effect) => void;
  /** Tells the others if the letter has changed. */
  readonly announceChange: () => void;
  readonly announcement: () => Announcement;
}

/** Answers an offer; the place is reserved, and the letter changed, before the answer is made. */
export function admit(
  event: Offer,
  facts: AdmissionFacts,
  { nowMs, emit, announceChange, announcement }: AdmissionMeans,
): void {
  const { from, ticket, id, manual } = event;
  const { reservations, queueLength, thresholds } = facts;
  const reason = refuse(event, facts);
  const message = reason === null ? "offer taken" : "offer not taken";
  const why = manual
    ? "a person asked for the move"
    : `queue length ${queueLength}, thf ${thresholds.thf}`;
  emit({
    type: "log",
    level: "info",
    message,
    fields: { process: id, from, reason: reason ?? why },
  });
  if (reason === null && !reservations.has(ticket)) {
    reservations.releaseProcess(id);
    reservations.reserve({ ticket, id, from }, nowMs);
    announceChange();
  }
  const accepted = reason === null;
  emit({
    type: "answerOffer",
    to: from,
    ticket,
    accepted,
    announcement: announcement(),
    reason,
  });
}

/** Why this node does not take the offered process, or null: it does. */
function refuse(
  { from, ticket, id, manual, refusal }: Offer,
  facts: AdmissionFacts,
): string | null {
  const { table, reservations, policy, letter, isDraining, shortage } = facts;
  if (table.get(id) !== null) return "it runs here already";
  const place = reservations.find(id);
  if (place?.phase === "arriving") return "an earlier move of it is still arriving";
  if (place?.ticket === ticket) return null;
  if (isDraining) return "the node is being drained";
  if (refusal !== null) return refusal;
  // An older place that nothing has come to is from an offer that its sender has given up: the
  // process takes that place, even if just this one made the node full.
  if (manual || place !== null || letter === "U") return null;
  if (facts.isOwnerActive) return "the owner of the node is at work";
  if (shortage !== null) return `the node is short of memory: ${shortage.reason}`;
  if (policy.probes > 0 && hasClearlyFewerThan(from, facts)) return null;
  const { queueLength, thresholds: { thu, thf } } = facts;
  return `the node is full: queue length ${queueLength}, thu ${thu}, thf ${thf}`;
}

function hasClearlyFewerThan(
  node: NodeName,
  { preferred, lengthPerUnit: here, units }: AdmissionFacts,
): boolean {
  const there = preferred.loadOf(node);
  return there !== null && isClearlyShorter({ here, there, units });
}
