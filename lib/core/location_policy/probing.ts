/**
 * Probes nodes by chance where nobody is U.
 *
 * An over node asks a few nodes of its list whether one has clearly fewer processes than it has.
 *
 * At high load no node is U for long, and thresholds that are low enough for low load leave long and
 * short queues side by side. Asking up to L nodes at random is the Threshold policy of Eager, Lazowska
 * and Zahorjan, IEEE TSE 12(5), 1986, which found small L sufficient; theirs compares with a fixed
 * threshold, this one with the asking node's own queue, so that it need not be tuned to the load.
 * Each move makes the longer of two queues shorter: they cannot go on for ever.
 *
 * @module
 */

/** By how much two queues must differ: with one less the move of so much would only swap them. */
export function differenceMin(weight: number): number {
  return weight + 1;
}

/** Whether a node that is not U takes a process of another. */
export function isClearlyShorter(
  { here, there, units, weight = 1 }: {
    /** Processes per unit of capacity at the node that is asked. */
    readonly here: number;
    /** Processes per unit of capacity at the node that asks, as it has just told. */
    readonly there: number;
    /** Of the node that is asked. */
    readonly units: number;
    /** Of the process. @default {1} */
    readonly weight?: number;
  },
): boolean {
  return there - here >= differenceMin(weight) / units;
}

/** Whether asking can have an answer: a node that is not U has more than thu processes. */
export function isWorthAsking(processes: number, thu: number, weight = 1): boolean {
  return processes >= thu + 1 + differenceMin(weight);
}
