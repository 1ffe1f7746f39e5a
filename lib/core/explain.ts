/**
 * Why a process stays where it is, for people.
 *
 * @module
 */

import type { Chooser } from "./sending/chooser.ts";
import type { SendCause } from "./transfer_policy/cause.ts";
import type { Freezes } from "./selection_policy/freezes.ts";
import { mayLeave } from "./selection_policy/victim.ts";
import type { PreferredList } from "./location_policy/preferred_list.ts";
import { cantmoveOf, type Entry, type ProcessTable } from "./process_table.ts";
import type { Treatment } from "./contract/owner.ts";
import type { NodeName, ProcessId } from "./contract/names.ts";

/** What becomes of a guest while the owner of its node is at work. */
const TREATED: Readonly<Record<Treatment, readonly string[]>> = {
  none: [],
  nice: ["the owner of the node is at work: it has a low priority"],
  stop: ["the owner of the node is at work: it is stopped"],
  leave: ["the owner of the node is at work: it is stopped until some node takes it"],
};

/** What an explanation is made of. */
export interface ExplainOptions {
  readonly table: ProcessTable;
  readonly preferred: PreferredList;
  readonly chooser: Chooser;
  readonly freezes: Freezes;
  /** Why the node sends; null: it does not. */
  readonly cause: SendCause | null;
  /** What the thresholds are compared with, in words. */
  readonly load: string;
  /** It sends to nobody who does not ask. */
  readonly isAsked: boolean;
  /** The node's owner is at work, and what that means; null: not so. */
  readonly treatment: Treatment | null;
  /** This node's name. */
  readonly node: NodeName;
  /** Processes that are not in the process table and count as if they were. */
  readonly others: number;
}

/** Reasons why a process stays, the strongest first; null: there is no such process. */
export function explain(id: ProcessId, nowMs: number, options: ExplainOptions): string[] | null {
  const entry = options.table.get(id);
  if (entry === null) return null;
  const isUrgent = options.cause !== null && options.cause.kind !== "over";
  const isGuest = entry.process.homeNode !== options.node;
  const treated = isGuest && options.treatment !== null ? TREATED[options.treatment] : [];
  return [...own(entry, nowMs, isUrgent), ...treated, ...around(entry, nowMs, options)];
}

/** Reasons in the process itself. */
function own(entry: Entry, nowMs: number, isUrgent: boolean): string[] {
  const reasons: string[] = [];
  const seconds = (untilMs: number) => `${Math.ceil((untilMs - nowMs) / 1000)} s more`;
  if (entry.transit !== null) reasons.push(`it is moving to ${entry.transit.to}`);
  const cantmove = cantmoveOf(entry);
  if (cantmove !== null) reasons.push(`it cannot move: ${cantmove}`);
  if (entry.isPinned) reasons.push("it is pinned: `lb unpin` frees it");
  if (entry.restsUntilMs > nowMs) {
    const times = entry.failures === 1 ? "its last move" : `its last ${entry.failures} moves`;
    reasons.push(`${times} failed: it rests for ${seconds(entry.restsUntilMs)}`);
  }
  if (entry.staysUntilMs > nowMs && !isUrgent) {
    reasons.push(`it has just come: it stays for ${seconds(entry.staysUntilMs)}`);
  }
  return reasons;
}

/** Reasons in the node and in what it knows of others. */
function around(
  { process: { id } }: Entry,
  nowMs: number,
  { table, preferred, chooser, freezes, cause, load, others, isAsked }: ExplainOptions,
): string[] {
  const processes = table.settledCount + others;
  const weight = table.settledWeight + others;
  if (cause === null) {
    return [
      isAsked ? `it waits until a node that is U asks: ${load}` : `the node is not over: ${load}`,
    ];
  }
  const receivers = preferred.receivers(() => true);
  if (receivers.length === 0) return ["no associated node is U"];
  const freezing = receivers.map(({ node }) => freezes.obstacle(id, node));
  const [slow = null] = freezing;
  if (slow !== null && !freezing.includes(null)) return [slow];
  const context = { processes, weight, cause, mayOffer: () => true, mayProbe: false };
  const free = table.list().filter((entry) => mayLeave(entry, nowMs, cause.kind !== "over"));
  const victims = chooser.order(free, context);
  const place = victims.findIndex((victim) => victim.id === id);
  const victim = victims[place];
  if (victim === undefined) {
    return cause.kind === "memory" ? ["its memory is too little to help"] : [];
  }
  const obstacles = receivers.map((receiver) => chooser.worth(victim, receiver, context).obstacle);
  const [obstacle] = obstacles;
  if (obstacle !== undefined && obstacle !== null && !obstacles.includes(null)) {
    return [`its move is not worth it: ${obstacle}`];
  }
  return place === 0 ? [] : [`others leave before it: ${place} of ${victims.length} that can move`];
}
