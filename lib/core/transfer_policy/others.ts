/**
 * The load of processes that lb did not launch.
 *
 * What somebody runs on the machine besides.
 *
 * A queue length that counts only what a balancer placed takes a machine whose owner computes by hand
 * for an idle one. The length of the kernel's whole run queue is the index of Ferrari and Zhou, "An
 * Empirical Investigation of Load Indices for Load Balancing Applications", Performance 1987. Reading
 * it gives one moment; CPU time over an interval tells the mean: where processors are idle, what
 * others used is what they wanted; where none is, each process gets the same share, ours and theirs.
 *
 * @module
 */

import type { Measures } from "../contract/measures.ts";

/** Processors may idle so much and be busy all the same: a switch, an interrupt, a rounded tick. */
const IDLE_SHARE = 0.05;
/** Less is not the share of a process that wants a processor, but of one that sleeps. */
const SHARE_MIN = 0.02;

/** How many processes besides those of the process table want a processor, on average. */
export function otherProcesses(
  { idleCores, ownCores, otherCores, ownRunning }: Pick<
    Measures,
    "idleCores" | "ownCores" | "otherCores" | "ownRunning"
  >,
): number {
  const cores = idleCores + ownCores + otherCores;
  const isBusy = idleCores < IDLE_SHARE * cores;
  if (!isBusy || ownRunning === 0) return otherCores;
  const share = Math.min(1, Math.max(SHARE_MIN, ownCores / ownRunning));
  return otherCores / share;
}
