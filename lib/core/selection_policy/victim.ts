/**
 * Which process leaves first.
 *
 * The four selections of the thesis as one ordering.
 *
 * @module
 */

import type { Selection } from "../contract/config.ts";
import type { Entry } from "../process_table.ts";

/**
 * Whether a process may be chosen without anybody asking for it, as far as is known without a fresh look.
 *
 * @param isUrgent It has to leave for another reason than the balance: that it has just come is none to stay.
 */
export function mayLeave(entry: Entry, nowMs: number, isUrgent: boolean): boolean {
  return entry.transit === null && entry.held === null && !entry.isPinned &&
    entry.restsUntilMs <= nowMs && (isUrgent || entry.staysUntilMs <= nowMs);
}

/** What the choice of a victim looks at. */
export interface Candidate {
  /** Ties go to the smallest. */
  readonly pid: number;
  /** User and system time it has used so far. */
  readonly cpuSeconds: number;
  /** Its resident memory. */
  readonly rssBytes: number;
}

/** Rank of a candidate for each selection: the smallest leaves first. */
const ranks: Readonly<Record<Selection, (candidate: Candidate) => number>> = {
  "least-cpu": (candidate) => candidate.cpuSeconds,
  "most-cpu": (candidate) => -candidate.cpuSeconds,
  "least-memory": (candidate) => candidate.rssBytes,
  "most-memory": (candidate) => -candidate.rssBytes,
};

/**
 * Orders candidates from the best victim to the worst.
 *
 * @returns A new array; ties go to the smallest PID, so that the order is always the same.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * const young = { pid: 7, cpuSeconds: 1, rssBytes: 9 };
 * const old = { pid: 8, cpuSeconds: 5, rssBytes: 1 };
 * assert.equal(orderVictims([young, old], "most-cpu")[0], old);
 * ```
 */
export function orderVictims<T extends Candidate>(
  candidates: readonly T[],
  selection: Selection,
): T[] {
  const rank = ranks[selection];
  return candidates.toSorted((a, b) => rank(a) - rank(b) || a.pid - b.pid);
}
