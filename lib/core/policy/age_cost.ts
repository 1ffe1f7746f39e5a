/**
 * Whether a process is worth its move: the lifetime rule of Harchol-Balter and Downey, "Exploiting
 * Process Lifetime Distributions for Dynamic Load Balancing", ACM TOCS 15(3), 1997.
 *
 * They measured that the lifetimes of processes are Pareto, about 1/T: what has used `a` seconds of
 * CPU time uses `a` more at the median. Among n processes here (itself one of them) that takes n a;
 * away, the cost C of the move and then (m + 1) a beside the m processes there. So a process moves if
 *
 *     a > C / (n - m - 1)
 *
 * On nodes with several cores, or of different speed, n and m + 1 become the stretch here and there:
 * the seconds that a second of work takes.
 *
 * @module
 */

import { type Capacity, stretch, unitsOf } from "./capacity.ts";

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
  return stretch(processesHere / units, capacity) - stretch(loadThere + 1 / units, capacity);
}

/** What the move is expected to gain, its cost taken off, in seconds; it is worth it above 0. */
export function expectedGainSeconds(facts: MoveFacts): number {
  return facts.ageSeconds * gainPerSecond(facts) - facts.costSeconds;
}
