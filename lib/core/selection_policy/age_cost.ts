/**
 * Whether a process is worth its move.
 *
 * The lifetime rule of Harchol-Balter and Downey, "Exploiting Process Lifetime Distributions for
 * Dynamic Load Balancing", ACM TOCS 15(3), 1997.
 *
 * They measured that the lifetimes of processes are Pareto, about 1/T: what has used `a` seconds of
 * CPU time uses `a` more at the median. Among n processes here (itself one of them) that takes n a;
 * away, the cost C of the move and then (m + 1) a beside the m processes there. So a process moves if
 *
 *     a > C / (n - m - 1)
 *
 * On nodes with several cores, or of different speed, n and m + 1 become the stretch here and there: the
 * seconds that a second of work takes. Where more processes than cores are here and a core is free
 * there, one core more works: that is gained at least, by whichever process. Their law begins at a
 * second of age, so none is taken to be younger.
 *
 * Which one leaves is another question. A move holds up the one that moves, for C of the 2 a or so that
 * it takes altogether: that asks for the least C / a. And it keeps a place free there, and idle, for C:
 * that asks for the least C. The least C / sqrt(a), midway, was better than either, and than the largest
 * gain, for nearly all kinds of jobs that we tried (docs/POLICY.md).
 *
 * @module
 */

import { type Capacity, stretch, unitsOf } from "../contract/capacity.ts";

/** Youngest age that the law holds for, in seconds. */
const AGE_SECONDS_MIN = 1;

/** What the rule looks at. */
export interface MoveFacts {
  /** CPU time that the process has used, in seconds. */
  readonly ageSeconds: number;
  /** What the move would take, in seconds. */
  readonly costSeconds: number;
  /** Processes here, the one that would move among them. */
  readonly processesHere: number;
  /** Processes per unit of capacity there. */
  readonly loadThere: number;
  /** Of this node; the other is taken to be alike. */
  readonly capacity: Capacity;
}

/** What a move would gain for each second of the process's age; 0 or less: it would not gain. */
export function gainPerSecond(
  { processesHere, loadThere, capacity }: Omit<MoveFacts, "ageSeconds" | "costSeconds">,
): number {
  const units = unitsOf(capacity);
  const gain = stretch(processesHere / units, capacity) - stretch(loadThere + 1 / units, capacity);
  // A core is free there: fewer processes than cores.
  const putsCoreToWork = processesHere > capacity.cores && loadThere * capacity.speed < 1;
  return putsCoreToWork ? Math.max(gain, capacity.speed) : gain;
}

/** What the move is expected to gain, its cost taken off, in seconds; it is worth it above 0. */
export function expectedGainSeconds(facts: MoveFacts): number {
  const ageSeconds = Math.max(facts.ageSeconds, AGE_SECONDS_MIN);
  return ageSeconds * gainPerSecond(facts) - facts.costSeconds;
}

/** How much harm the move would do to it and to others; the one with the least leaves first. */
export function harmOf(
  { ageSeconds, costSeconds }: Pick<MoveFacts, "ageSeconds" | "costSeconds">,
): number {
  return costSeconds / Math.sqrt(ageSeconds + AGE_SECONDS_MIN);
}
