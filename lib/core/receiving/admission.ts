/**
 * Whether a node takes a process that another one offers.
 *
 * @module
 */

import { type Capacity, unitsOf } from "../contract/capacity.ts";
import { describeNoRoom, hasRoom } from "../selection_policy/room.ts";
import type { Shortage } from "../transfer_policy/memory.ts";
import type { Policy } from "../contract/policy.ts";
import { isClearlyShorter } from "../location_policy/probing.ts";
import type { PreferredList } from "../location_policy/preferred_list.ts";
import type { ProcessTable } from "../process_table.ts";
import type { Reservations } from "./reservations.ts";
import type { Thresholds } from "../contract/config.ts";
import type { Effect } from "../contract/effect.ts";
import type { Event } from "../contract/event.ts";
import type { Announcement, Letter } from "../contract/names.ts";

/** An offer of another node. */
export type Offer = Extract<Event, { type: "offerReceived" }>;

/** What the answer depends on. */
export interface AdmissionFacts {
  readonly table: ProcessTable;
  readonly reservations: Reservations;
  readonly preferred: PreferredList;
  readonly policy: Policy;
  readonly thresholds: Thresholds;
  readonly capacity: Capacity;
  readonly letter: Letter;
  readonly isDraining: boolean;
  readonly shortage: Shortage | null;
  readonly isOwnerActive: boolean;
  readonly queueLength: number;
  /** What the processes and the places weigh. */
  readonly weight: number;
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
  const { from, ticket, id, manual, weight = 1 } = event;
  const { reservations, thresholds } = facts;
  const reason = refuse(event, facts);
  const message = reason === null ? "offer taken" : "offer not taken";
  const why = manual
    ? "a person asked for the move"
    : `${describeLength(facts)}, thf ${thresholds.thf}`;
  emit({
    type: "log",
    level: "info",
    message,
    fields: { process: id, from, reason: reason ?? why },
  });
  if (reason === null && !reservations.has(ticket)) {
    reservations.releaseProcess(id);
    reservations.reserve({ ticket, id, from, weight: countedWeight(weight, facts) }, nowMs);
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
function refuse(event: Offer, facts: AdmissionFacts): string | null {
  const { ticket, id, manual, refusal } = event;
  const { table, reservations, policy, letter, isDraining, shortage } = facts;
  if (table.get(id) !== null) return "it runs here already";
  const place = reservations.find(id);
  if (place?.phase === "arriving") return "an earlier move of it is still arriving";
  if (place?.ticket === ticket) return null;
  if (isDraining) return "the node is being drained";
  if (refusal !== null) return refusal;
  // An older place that nothing has come to is from an offer that its sender has given up: the
  // process takes that place, even if just this one made the node full.
  if (manual || place !== null) return null;
  if (letter === "U") return noRoom(event, facts);
  if (facts.isOwnerActive) return "the owner of the node is at work";
  if (shortage !== null) return `the node is short of memory: ${shortage.reason}`;
  if (policy.probes > 0 && hasClearlyFewer(event, facts)) return null;
  const { thresholds: { thu, thf } } = facts;
  return `the node is full: ${describeLength(facts)}, thu ${thu}, thf ${thf}`;
}

/** What a process counts as here, where processes may be counted only. */
function countedWeight(weight: number, { policy }: AdmissionFacts): number {
  return policy.counts === "threads" ? Math.max(1, weight) : 1;
}

function describeLength({ queueLength, weight }: AdmissionFacts): string {
  const threads = weight === queueLength ? "" : `, which weighs ${weight} by its threads`;
  return `queue length ${queueLength}${threads}`;
}

/** Why the threads of an offered process have no room here, or null. */
function noRoom({ from, weight = 1, load = null }: Offer, facts: AdmissionFacts): string | null {
  if (load === null) return null;
  const { capacity, lengthPerUnit, preferred } = facts;
  const room = {
    weight: countedWeight(weight, facts),
    loadHere: load,
    capacityHere: preferred.capacityOf(from) ?? capacity,
    loadThere: lengthPerUnit,
    capacityThere: capacity,
  };
  return hasRoom(room) ? null : `the node has ${describeNoRoom(room, "it")}`;
}

function hasClearlyFewer({ from, weight = 1 }: Offer, facts: AdmissionFacts): boolean {
  const there = facts.preferred.loadOf(from);
  return there !== null && isClearlyShorter({
    here: facts.lengthPerUnit,
    there,
    units: unitsOf(facts.capacity),
    weight: countedWeight(weight, facts),
  });
}
