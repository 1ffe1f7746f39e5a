/**
 * Why a process stays where it is, for people.
 *
 * @module
 */

import type { Chooser } from "./chooser.ts";
import type { PreferredList } from "./preferred_list.ts";
import { cantmoveOf, type Entry, type ProcessTable } from "./process_table.ts";
import type { ProcessId, Thresholds } from "./types.ts";

/** What an explanation is made of. */
export interface ExplainOptions {
  readonly table: ProcessTable;
  readonly preferred: PreferredList;
  readonly chooser: Chooser;
  readonly thresholds: Thresholds;
  readonly isDraining: boolean;
  readonly isOver: (processes: number) => boolean;
}

/** Reasons why a process stays, the strongest first; null: there is no such process. */
export function explain(id: ProcessId, nowMs: number, options: ExplainOptions): string[] | null {
  const entry = options.table.get(id);
  if (entry === null) return null;
  return [...own(entry, nowMs, options.isDraining), ...around(entry, nowMs, options)];
}

/** Reasons in the process itself. */
function own(entry: Entry, nowMs: number, isDraining: boolean): string[] {
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
  if (entry.staysUntilMs > nowMs && !isDraining) {
    reasons.push(`it has just come: it stays for ${seconds(entry.staysUntilMs)}`);
  }
  return reasons;
}

/** Reasons in the node and in what it knows of others. */
function around(
  { process: { id } }: Entry,
  nowMs: number,
  { table, preferred, chooser, thresholds, isDraining, isOver }: ExplainOptions,
): string[] {
  const processes = table.settledCount;
  if (!isDraining && !isOver(processes)) {
    return [`the node is not over: ${processes} of ${thresholds.thv} processes (thv)`];
  }
  const receivers = preferred.receivers(() => true);
  if (receivers.length === 0) return ["no associated node is U"];
  const context = { processes, isDraining, mayOffer: () => true, mayProbe: false };
  const free = table.list().filter((entry) =>
    entry.transit === null && entry.held === null && !entry.isPinned &&
    entry.restsUntilMs <= nowMs && (isDraining || entry.staysUntilMs <= nowMs)
  );
  const victims = chooser.order(free, context);
  const place = victims.findIndex((victim) => victim.id === id);
  const victim = victims[place];
  if (victim === undefined) return [];
  const obstacles = receivers.map((receiver) => chooser.worth(victim, receiver, context).obstacle);
  const [obstacle] = obstacles;
  if (obstacle !== undefined && obstacle !== null && !obstacles.includes(null)) {
    return [`its move is not worth it: ${obstacle}`];
  }
  return place === 0 ? [] : [`others leave before it: ${place} of ${victims.length} that can move`];
}
