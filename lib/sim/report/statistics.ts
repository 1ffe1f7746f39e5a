/**
 * The few statistics of a simulation: means with confidence intervals, percentiles, histograms.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";

/** A mean and half the width of its 95 % interval. */
export interface Estimate {
  /** The mean. */
  readonly mean: number;
  /** Half the width of its 95 % interval. */
  readonly halfWidth: number;
}

/** Two-sided 95 % quantiles of Student's t for 1 to 30 degrees of freedom; beyond: the normal's. */
const STUDENT = [
  12.706,
  4.303,
  3.182,
  2.776,
  2.571,
  2.447,
  2.365,
  2.306,
  2.262,
  2.228,
  2.201,
  2.179,
  2.16,
  2.145,
  2.131,
  2.12,
  2.11,
  2.101,
  2.093,
  2.086,
  2.08,
  2.074,
  2.069,
  2.064,
  2.06,
  2.056,
  2.052,
  2.048,
  2.045,
  2.042,
];

/** The mean of independent values; its interval is endless if there is only one. */
export function estimate(values: ArrayLike<number>): Estimate {
  const count = values.length;
  const mean = meanOf(values);
  if (count < 2) return { mean, halfWidth: Infinity };
  let squares = 0;
  for (let i = 0; i < count; i++) squares += ((values[i] as number) - mean) ** 2;
  const student = STUDENT[count - 2] ?? 1.96;
  return { mean, halfWidth: student * Math.sqrt(squares / (count - 1) / count) };
}

/** The mean, NaN of nothing. */
export function meanOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] as number;
  return sum / values.length;
}

/** Batches of a long run; few and long ones are next to independent (Law and Kelton). */
const BATCHES = 20;

/** The mean of values in order of time that depend on each other, by the method of batch means. */
export function batchMeans(values: Float64Array): Estimate {
  const size = Math.floor(values.length / BATCHES);
  if (size === 0) return { mean: meanOf(values), halfWidth: Infinity };
  const means = Array.from(
    { length: BATCHES },
    (_, batch) => meanOf(values.subarray(batch * size, (batch + 1) * size)),
  );
  return { mean: meanOf(values), halfWidth: estimate(means).halfWidth };
}

/** The value that a share of a sorted list is not above; NaN of nothing. */
export function percentile(sorted: Float64Array, share: number): number {
  assert(share >= 0 && share <= 1, "a share is from 0 to 1");
  if (sorted.length === 0) return NaN;
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] as number;
}

/** Numbers without end in a typed array. */
export class Series {
  #values = new Float64Array(1024);
  #count = 0;

  push(value: number): void {
    if (this.#count === this.#values.length) {
      const values = this.#values;
      this.#values = new Float64Array(2 * values.length);
      this.#values.set(values);
    }
    this.#values[this.#count++] = value;
  }

  /** What there is so far; a view that further values do not change. */
  get values(): Float64Array {
    return this.#values.subarray(0, this.#count);
  }
}
