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
 * A process with w computing threads is done with a second of work in 1 / w of the time, as long as each has
 * a core: so its age counts as a / w for the gain. That a move holds up w threads for C does not count for the
 * harm, as it relieves this node of as many: counted, it kept wide processes on small nodes, where they queued.
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
  /** What the process weighs. @default {1} */
  readonly weight?: number;
  /** What the processes here weigh, the one that would move among them. */
  readonly processesHere: number;
  /** What those there weigh, per unit of capacity. */
  readonly loadThere: number;
  /** Of this node. */
  readonly capacity: Capacity;
  /** Of the other node. @default {that of this one} */
  readonly capacityThere?: Capacity;
}

/** Units of capacity that work under so much. */
function busyUnits(weight: number, { cores, speed }: Capacity): number {
  return speed * Math.min(weight, cores);
}

/** What a move would gain for each second of the process's age; 0 or less: it would not gain. */
export function gainPerSecond(
  { weight = 1, processesHere, loadThere, capacity, capacityThere = capacity }: Omit<
    MoveFacts,
    "ageSeconds" | "costSeconds"
  >,
): number {
  const units = unitsOf(capacityThere);
  const processesThere = loadThere * units;
  const gain = stretch(processesHere / unitsOf(capacity), capacity) -
    stretch((processesThere + weight) / units, capacityThere);
  // Where cores are free here none begins to work.
  if (processesHere <= capacity.cores) return gain;
  const moreUnits = busyUnits(processesHere - weight, capacity) -
    busyUnits(processesHere, capacity) +
    busyUnits(processesThere + weight, capacityThere) -
    busyUnits(processesThere, capacityThere);
  return Math.max(gain, moreUnits / weight);
}

/** What the move is expected to gain, its cost taken off, in seconds; it is worth it above 0. */
export function expectedGainSeconds(facts: MoveFacts): number {
  const { ageSeconds, costSeconds, weight = 1 } = facts;
  return Math.max(ageSeconds, AGE_SECONDS_MIN) / weight * gainPerSecond(facts) - costSeconds;
}

/** How much harm the move would do to it and to others; the one with the least leaves first. */
export function harmOf(
  { ageSeconds, costSeconds }: Pick<MoveFacts, "ageSeconds" | "costSeconds">,
): number {
  return costSeconds / Math.sqrt(ageSeconds + AGE_SECONDS_MIN);
}
