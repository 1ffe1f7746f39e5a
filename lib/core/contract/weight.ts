/**
 * What a process weighs.
 *
 * The threads that run or wait for a processor are what shares a node's cores. Those that sleep, such as a
 * pool that a library makes when it is loaded, take nothing and count for nothing. A process weighs one
 * at least, whether it runs or waits: that is the queue length of the thesis, and of a process with one
 * thread it stays so.
 *
 * @module
 */

import type { Threads } from "./process.ts";

/** Fractions flicker: a count follows only what is nearer to another whole number by this. */
const STEP = 0.75;

/** A measured number in whole ones, which change only where it is clear. */
export function countWhole(count: number, measured: number): number {
  return Math.abs(measured - count) >= STEP ? Math.round(measured) : count;
}

/** The weight of a process that has had another weight until now. */
export function weighAgain(weight: number, { computing }: Threads): number {
  return Math.max(1, countWhole(weight, computing));
}
