/**
 * The load index "pressure".
 *
 * The share of the time in which some work waits for a processor, in percent.
 *
 * It is the kernel's own account, Documentation/accounting/psi.rst: of all work on the machine,
 * launched through lb or not, within the limits of control groups and without anybody telling cores
 * or speed. It says whether work waits and not how much, and it is late: it is of the interval that
 * has passed. So what has come since counts at once (the node is F until it is measured again), and
 * one process leaves for each measurement. That old news about load makes nodes act twice on the
 * same cause: Mitzenmacher, "How Useful Is Old Information?", IEEE TPDS 11(1), 2000.
 *
 * @module
 */

import type { Thresholds } from "../contract/config.ts";

/** The pressure of one node, and what has happened since it was measured. */
export class Pressure {
  readonly #thresholds: Thresholds;
  /** Percent; null: it was not measured, or cannot be. */
  #measured: number | null = null;
  /** Processes and places when it was measured, and now; the same without those that leave. */
  #lengthThen = 0;
  #length = 0;
  #settledThen = 0;

  constructor(thresholds: Thresholds) {
    this.#thresholds = thresholds;
  }

  /** Takes a measurement: `cpuStall` is the share of the time since the last one. */
  measure(cpuStall: number | null, settled: number): void {
    this.#measured = cpuStall === null ? null : 100 * cpuStall;
    this.#lengthThen = this.#length;
    this.#settledThen = settled;
  }

  /** Takes the queue length as it is now. */
  note(queueLength: number): void {
    this.#length = queueLength;
    // What has ended makes room for as many.
    this.#lengthThen = Math.min(this.#lengthThen, queueLength);
  }

  /** What the letter is told from: a node that cannot tell its pressure takes nothing. */
  get forLetter(): number {
    const { thf } = this.#thresholds;
    if (this.#measured === null) return thf;
    return this.#length > this.#lengthThen ? Math.max(this.#measured, thf) : this.#measured;
  }

  /** What says that the node must send: nothing more until the last departure was measured. */
  forSending(settled: number): number {
    return settled < this.#settledThen ? 0 : this.#measured ?? 0;
  }

  /** It in words. */
  describe(): string {
    const measured = this.#measured;
    return `the pressure ${measured === null ? "is not known" : `is ${Math.round(measured)} %`}`;
  }
}
