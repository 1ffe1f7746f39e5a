/**
 * Distributions of service times, memory sizes and threads: `exp:10`, `det:5`, `pareto:1.1:1:1000`.
 *
 * @module
 */

import { UsageError } from "../../base/errors.ts";
import type { Prng } from "../../base/prng.ts";

/** A distribution of positive numbers. */
export interface Distribution {
  /** As it was written. */
  readonly text: string;
  /** Its expected value. */
  readonly mean: number;
  /** Draws one number. */
  readonly draw: (prng: Prng) => number;
}

/**
 * Always the same number.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * assert.equal(deterministic(5).mean, 5);
 * ```
 */
export function deterministic(value: number): Distribution {
  return { text: `det:${value}`, mean: value, draw: () => value };
}

/**
 * The exponential distribution.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * import { Prng } from "lb/sim";
 * assert.ok(exponential(10).draw(new Prng(7)) > 0);
 * ```
 */
export function exponential(mean: number): Distribution {
  return { text: `exp:${mean}`, mean, draw: (prng) => prng.nextExponential(mean) };
}

/**
 * The Pareto distribution with exponent `alpha` cut to `min` and `max`: few long jobs are most of
 * the work, as lifetimes of UNIX processes are (Harchol-Balter and Downey, SIGMETRICS 1996).
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * assert.ok(boundedPareto(1.1, 1, 1000).mean > 5);
 * ```
 */
export function boundedPareto(alpha: number, min: number, max: number): Distribution {
  const tail = 1 - (min / max) ** alpha;
  const mean = alpha === 1
    ? min * Math.log(max / min) / tail
    : alpha / (alpha - 1) * (min - min ** alpha * max ** (1 - alpha)) / tail;
  const draw = (prng: Prng) => min * (1 - prng.nextFloat() * tail) ** (-1 / alpha);
  return { text: `pareto:${alpha}:${min}:${max}`, mean, draw };
}

/**
 * The log-uniform distribution, as likely from 1 to 2 as from 4 to 8: the parallelism of jobs on parallel
 * machines (Downey, "A parallel workload model and its implications for processor allocation", 1997).
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * assert.ok(Math.abs(logUniform(1, Math.E).mean - (Math.E - 1)) < 1e-12);
 * ```
 */
export function logUniform(min: number, max: number): Distribution {
  const ratio = max / min;
  return {
    text: `loguniform:${min}:${max}`,
    mean: (max - min) / Math.log(ratio),
    draw: (prng) => min * ratio ** prng.nextFloat(),
  };
}

/**
 * One of two numbers; `share` is the second one's.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * assert.equal(mixture(1, 4, 0.25).mean, 1.75);
 * ```
 */
export function mixture(first: number, second: number, share: number): Distribution {
  return {
    text: `mix:${first}:${second}:${share}`,
    mean: first + (second - first) * share,
    draw: (prng) => prng.nextFloat() < share ? second : first,
  };
}

const FIX =
  "Write det:VALUE, exp:MEAN, pareto:ALPHA:MIN:MAX, loguniform:MIN:MAX or mix:A:B:SHARE, as in " +
  "pareto:1.1:1:1000";

/**
 * Reads a distribution; a bare number is a deterministic one.
 *
 * @param name What it is of, for messages: `--service`.
 * @throws {UsageError} If it is not one.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * assert.equal(parseDistribution("exp:10", "--service").mean, 10);
 * ```
 */
export function parseDistribution(text: string, name: string): Distribution {
  const cannot = (reason: string) =>
    new UsageError(`Cannot use ${name} as a distribution: ${reason} in "${text}"`, { fix: FIX });
  const [first = "", ...rest] = text.split(":");
  const isBare = first !== "" && Number.isFinite(Number(first));
  const kind = isBare ? "det" : first;
  const numbers = (isBare ? [first, ...rest] : rest).map((word) => {
    const value = word.trim() === "" ? NaN : Number(word);
    if (!Number.isFinite(value) || value <= 0) throw cannot(`"${word}" is not a positive number`);
    return value;
  });
  const [a = 0, b = 0, c = 0] = numbers;
  const counts: Readonly<Record<string, number>> = {
    det: 1,
    exp: 1,
    pareto: 3,
    loguniform: 2,
    mix: 3,
  };
  const count = counts[kind];
  if (count === undefined) throw cannot(`"${first}" is no kind of distribution`);
  if (numbers.length !== count) {
    throw cannot(
      `${kind} has ${count} ${count === 1 ? "number" : "numbers"}, not ${numbers.length}`,
    );
  }
  if (kind === "det") return deterministic(a);
  if (kind === "exp") return exponential(a);
  if (kind === "mix") {
    if (c < 1) return mixture(a, b, c);
    throw cannot(`the share ${c} is not below 1`);
  }
  const [min, max] = kind === "pareto" ? [b, c] : [a, b];
  if (min >= max) throw cannot(`the minimum ${min} is not below the maximum ${max}`);
  return kind === "pareto" ? boundedPareto(a, min, max) : logUniform(min, max);
}
