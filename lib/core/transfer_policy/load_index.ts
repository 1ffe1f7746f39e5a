/**
 * The load index: what the thresholds are compared with.
 *
 * "queue-length" is the number of processes, the best single index of Kunz, "The Influence of Different
 * Workload Descriptions on a Heuristic Load Balancing Scheme", IEEE TSE 17(7), 1991, and that of the
 * thesis. "per-capacity" divides it by cores and speed. Exponential smoothing beat the instantaneous
 * queue length in Ferrari and Zhou, "An Empirical Investigation of Load Indices for Load Balancing
 * Applications", Performance 1987. "run-queue" adds what runs without lb (`others.ts`); "pressure" is
 * another thing altogether (`pressure.ts`).
 *
 * A smoothed index is late, in both directions, and that would hurt: a node that has just filled must
 * not look empty, and one that has just emptied must not send. So it only ever delays: for the letter
 * the greater of both values counts (a lull attracts nobody), for sending the smaller (a burst sends
 * nothing).
 *
 * @module
 */

import type { Thresholds } from "../contract/config.ts";
import type { Measures } from "../contract/measures.ts";
import { type Capacity, unitsOf } from "../contract/capacity.ts";
import { countWhole } from "../contract/weight.ts";
import { otherProcesses } from "./others.ts";
import type { Policy } from "../contract/policy.ts";
import { Pressure } from "./pressure.ts";

/** Nearer than this the smoothed value is the queue length: it would approach it for ever. */
const SNAP = 0.05;

/** The load index of one node over time. */
export class LoadIndex {
  readonly #perUnit: number;
  readonly #smoothingMs: number;
  readonly #pressure: Pressure | null;
  readonly #countsOthers: boolean;
  #others = 0;
  #current = 0;
  #smoothed = 0;
  #nowMs: number | null = null;

  constructor(
    { index, smoothingMs }: Pick<Policy, "index" | "smoothingMs">,
    capacity: Capacity,
    thresholds: Thresholds,
  ) {
    this.#perUnit = index === "per-capacity" ? 1 / unitsOf(capacity) : 1;
    this.#smoothingMs = smoothingMs;
    this.#pressure = index === "pressure" ? new Pressure(thresholds) : null;
    this.#countsOthers = index === "run-queue";
  }

  /** Processes that are not in the process table and count. */
  get others(): number {
    return this.#others;
  }

  /** Takes what was measured; `settled`: processes that are not leaving already. */
  measure(measures: Measures, settled: number): void {
    this.#pressure?.measure(measures.cpuStall, settled);
    if (this.#countsOthers) {
      this.#others = countWhole(this.#others, otherProcesses(measures));
    }
  }

  /** Takes the queue length as it is now. */
  note(queueLength: number, nowMs: number): void {
    this.#pressure?.note(queueLength);
    if (this.#nowMs !== null && this.#smoothingMs > 0) {
      const decay = Math.exp(-(nowMs - this.#nowMs) / this.#smoothingMs);
      const apart = (this.#smoothed - this.#current) * decay;
      this.#smoothed = Math.abs(apart) < SNAP ? this.#current : this.#current + apart;
    }
    this.#nowMs = nowMs;
    this.#current = (queueLength + this.#others) * this.#perUnit;
    if (this.#smoothingMs === 0) this.#smoothed = this.#current;
  }

  /** What the letter is told from. */
  get forLetter(): number {
    if (this.#pressure !== null) return this.#pressure.forLetter;
    return Math.max(this.#current, this.#smoothed);
  }

  /** What says that the node must send, of so many processes that are not leaving already. */
  forSending(processes: number): number {
    if (this.#pressure !== null) return this.#pressure.forSending(processes);
    const current = (processes + this.#others) * this.#perUnit;
    return this.#smoothingMs === 0 ? current : Math.min(current, this.#smoothed);
  }

  /** The load and the threshold for sending, in words; `weight`: of the processes. */
  describe(processes: number, weight: number, { thv }: Thresholds): string {
    if (this.#pressure !== null) return `${this.#pressure.describe()}, thv ${thv} %`;
    const also = this.#others === 0 ? "" : `, and ${this.#others} that lb did not launch`;
    const threads = weight === processes ? "" : `, which weigh ${weight} by their threads`;
    return `${processes} of ${thv} processes (thv)${threads}${also}`;
  }

  /** When the smoothed value reaches the first of these limits by itself, or null: it reaches none. */
  nextTimeoutMs(limits: readonly number[]): number | null {
    const nowMs = this.#nowMs;
    if (nowMs === null || this.#smoothed === this.#current) return null;
    const [from, to] = [this.#smoothed, this.#current];
    const apart = Math.abs(from - to);
    const times = limits.flatMap((limit) => {
      const left = Math.abs(limit - to);
      const isBetween = left < apart && Math.abs(limit - from) <= apart;
      if (!isBetween) return [];
      return [nowMs + this.#smoothingMs * Math.log(apart / Math.max(left, SNAP / 2))];
    });
    // Never the same instant again and again: a millisecond later it is past the limit.
    return times.length === 0 ? null : Math.max(nowMs + 1, Math.min(...times));
  }
}
