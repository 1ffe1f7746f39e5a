/**
 * The jobs of a simulation.
 *
 * Arrivals drawn from a seed or read from a trace.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { UsageError } from "../../base/errors.ts";
import { Prng } from "../../base/prng.ts";
import type { Distribution } from "./distributions.ts";

/** A job that comes to a node. */
export interface Arrival {
  /** When it comes. */
  readonly atMs: number;
  /** Number of the node that it comes to. */
  readonly node: number;
  /** Work in milliseconds of one core of speed 1, of all its threads together. */
  readonly demandMs: number;
  /** Threads that compute at a time, or their mean; from 1 up. @default {1} */
  readonly threads?: number;
  /** Its memory. */
  readonly bytes: number;
  /** Calls in a second of its work that go home when it is away. @default {0} */
  readonly calls?: number;
  /** A person pins it as soon as it runs. @default {false} */
  readonly isPinned?: boolean;
}

/** Gives the arrivals in order of time; null: there are no more. */
export type Workload = () => Arrival | null;

/** How arrivals come: one by one, in bursts, or more to some nodes than to others. */
export type Pattern =
  | { readonly kind: "poisson" }
  /** Bursts at one node each, of geometric size with this mean. */
  | { readonly kind: "bursty"; readonly size: number }
  /** The first `fraction` of the nodes get the `share` of all arrivals. */
  | { readonly kind: "hotspot"; readonly fraction: number; readonly share: number };

/** What {@linkcode randomWorkload} draws from. */
export interface RandomWorkloadOptions {
  /** How many nodes jobs come to. */
  readonly nodes: number;
  /** Arrivals per millisecond in the whole cluster. */
  readonly ratePerMs: number;
  /** Work in milliseconds of one core of speed 1. */
  readonly service: Distribution;
  /** Threads that compute at a time, drawn independently and rounded, 1 at least; absent: one. */
  readonly threads?: Distribution;
  /** Memory in bytes. */
  readonly memory: Distribution;
  /** How they come. */
  readonly pattern: Pattern;
  /** Forwarded calls in a second of work; absent: jobs make none. */
  readonly calls?: Distribution;
  /** Share of the jobs that people pin. @default {0} */
  readonly pinned?: number;
  /** The same seed gives the same jobs. */
  readonly seed: number;
}

/**
 * Independent random numbers for each purpose, so that a change in one does not shift the others:
 * two policies with one seed see the same jobs.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * assert.equal(randomStream(1, 2).nextU32(), randomStream(1, 2).nextU32());
 * ```
 */
export function randomStream(seed: number, stream: number): Prng {
  return new Prng(Math.imul(seed, 0x85ebca6b) + Math.imul(stream + 1, 0xc2b2ae35));
}

/**
 * Makes arrivals without end.
 *
 * @throws {AssertionError} If no jobs arrive.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * import { deterministic, exponential } from "lb/sim";
 * const next = randomWorkload({
 *   nodes: 4,
 *   ratePerMs: 0.8 * 4 / 10_000,
 *   service: exponential(10_000),
 *   memory: deterministic(2 ** 20),
 *   pattern: { kind: "poisson" },
 *   seed: 7,
 * });
 * assert.equal(next()?.bytes, 2 ** 20);
 * ```
 */
export function randomWorkload(options: RandomWorkloadOptions): Workload {
  const { nodes, ratePerMs, service, memory, pattern, seed } = options;
  assert(ratePerMs > 0, "jobs arrive");
  const gaps = randomStream(seed, 1), places = randomStream(seed, 2);
  const demands = randomStream(seed, 3), sizes = randomStream(seed, 4);
  const rates = randomStream(seed, 10), pins = randomStream(seed, 11);
  const degrees = randomStream(seed, 13);
  const { calls, threads, pinned = 0 } = options;
  const burst = pattern.kind === "bursty" ? pattern.size : 1;
  const hot = pattern.kind === "hotspot" ? Math.max(1, Math.round(nodes * pattern.fraction)) : 0;
  const share = pattern.kind === "hotspot" ? pattern.share : 0;
  let atMs = 0, node = 0, left = 0;
  const drawNode = (): number => {
    if (hot === 0 || hot >= nodes) return places.nextInt(nodes);
    return places.nextFloat() < share ? places.nextInt(hot) : hot + places.nextInt(nodes - hot);
  };
  return () => {
    if (left === 0) {
      atMs += gaps.nextExponential(burst / ratePerMs);
      node = drawNode();
      left = 1;
      while (burst > 1 && gaps.nextFloat() >= 1 / burst) left++;
    }
    left--;
    return {
      atMs,
      node,
      demandMs: service.draw(demands),
      bytes: Math.round(memory.draw(sizes)),
      ...threads === undefined ? {} : { threads: Math.max(1, Math.round(threads.draw(degrees))) },
      ...calls === undefined ? {} : { calls: calls.draw(rates) },
      ...pinned === 0 ? {} : { isPinned: pins.nextFloat() < pinned },
    };
  };
}

/**
 * Gives the arrivals of a list.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * const next = listedWorkload([{ atMs: 0, node: 0, demandMs: 10_000, bytes: 0 }]);
 * assert.equal(next()?.demandMs, 10_000);
 * assert.equal(next(), null);
 * ```
 */
export function listedWorkload(arrivals: readonly Arrival[]): Workload {
  let index = 0;
  return () => arrivals[index++] ?? null;
}

/**
 * Reads a pattern: `poisson`, `bursty:SIZE`, `hotspot:FRACTION:SHARE`.
 *
 * @throws {UsageError} If it is none.
 */
export function parsePattern(text: string): Pattern {
  const [kind = "", ...words] = text.split(":");
  const [a = NaN, b = NaN] = words.map((word) => word.trim() === "" ? NaN : Number(word));
  const isShare = (value: number) => value > 0 && value < 1;
  if (kind === "poisson" && words.length === 0) return { kind };
  if (kind === "bursty" && words.length === 1 && a >= 1 && a <= 10_000) return { kind, size: a };
  if (kind === "hotspot" && words.length === 2 && isShare(a) && isShare(b)) {
    return { kind, fraction: a, share: b };
  }
  throw new UsageError(`Cannot use --arrivals as a pattern of arrivals: "${text}" is none`, {
    fix: "Write poisson, bursty:SIZE with SIZE from 1 to 10000, or hotspot:FRACTION:SHARE with " +
      "both between 0 and 1, as in hotspot:0.1:0.5",
  });
}

/** Columns of a trace; all after the first three may be left out, from the right. */
const COLUMNS = ["seconds", "node", "service", "memory", "threads"] as const;
const COLUMNS_MIN = 3;

/**
 * Reads a trace: CSV with the header `seconds,node,service,memory,threads` (the last two, memory in
 * MiB and threads that compute at a time, may be left out), a line for each job, nodes numbered from 0,
 * in order of time. `service` is the work of all threads together.
 *
 * @throws {UsageError} That names the line.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * const [job] = parseTrace("seconds,node,service,memory,threads\n0.5,1,10,64,4\n", "jobs.csv", 2);
 * assert.deepEqual([job?.atMs, job?.threads], [500, 4]);
 * ```
 */
export function parseTrace(text: string, file: string, nodes: number): Arrival[] {
  const lines = text.split(/\r?\n/);
  const cannot = (line: number, reason: string, fix: string) =>
    new UsageError(`Cannot read the trace as CSV of jobs: ${file}:${line} ${reason}`, { fix });
  const header = lines[0]?.trim() ?? "";
  const names = header.split(",");
  if (names.length < COLUMNS_MIN || names.some((name, column) => name !== COLUMNS[column])) {
    throw cannot(1, `has the header "${header}"`, `Write ${COLUMNS.join()} as the first line`);
  }
  const arrivals: Arrival[] = [];
  let lastMs = 0;
  for (const [index, line] of lines.entries()) {
    if (index === 0 || line.trim() === "") continue;
    const words = line.split(",").map((word) => word.trim());
    if (words.length !== names.length) {
      throw cannot(
        index + 1,
        `has ${words.length} fields`,
        `Write ${names.length} fields: ${header}`,
      );
    }
    const values = words.map((word, column) => {
      const value = word === "" ? NaN : Number(word);
      if (Number.isFinite(value) && value >= 0) return value;
      throw cannot(index + 1, `has ${names[column]} "${word}"`, "Write a number from 0 up");
    });
    const [seconds = 0, node = 0, service = 0, memory = 0, threads] = values;
    if (!Number.isInteger(node) || node >= nodes) {
      throw cannot(
        index + 1,
        `names node ${node}`,
        `Write a whole number from 0 to ${nodes - 1}, or give more --nodes`,
      );
    }
    if (service === 0) throw cannot(index + 1, "has service 0", "Write the job's seconds of work");
    if (threads !== undefined && threads < 1) {
      throw cannot(index + 1, `has threads ${threads}`, "Write how many compute at a time, from 1");
    }
    const atMs = seconds * 1000;
    if (atMs < lastMs) {
      throw cannot(index + 1, `is earlier than the line before`, "Sort the lines by seconds");
    }
    lastMs = atMs;
    arrivals.push({
      atMs,
      node,
      demandMs: service * 1000,
      bytes: memory * 2 ** 20,
      ...threads === undefined ? {} : { threads },
    });
  }
  if (arrivals.length === 0) throw cannot(2, "is not there", "Write a line for each job");
  return arrivals;
}
