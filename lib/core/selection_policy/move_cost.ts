/**
 * Learns what a move takes from earlier moves.
 *
 * A fixed part, and the memory over the link.
 *
 * That C must be measured for each process, by its size, and not be one tuned number for all, is from
 * Harchol-Balter and Downey, ACM TOCS 15(3), 1997.
 *
 * @module
 */

import type { Policy } from "../contract/policy.ts";

/** Moves of less tell of the fixed part, moves of more of the link. */
const SMALL_BYTES = 4 << 20;
/** Weight of a new measurement: the last four or so count, as load and routes change. */
const WEIGHT = 0.25;

/** Estimates what moves of this node take. */
export class MoveCost {
  #fixedMs: number;
  #msPerByte: number;

  constructor(
    { moveFixedMs, linkBytesPerSecond }: Pick<Policy, "moveFixedMs" | "linkBytesPerSecond">,
  ) {
    this.#fixedMs = moveFixedMs;
    this.#msPerByte = 1000 / linkBytesPerSecond;
  }

  /** What a move of so much memory is expected to take, in seconds. */
  estimateSeconds(bytes: number): number {
    return (this.#fixedMs + bytes * this.#msPerByte) / 1000;
  }

  /** Takes a move that was made, from its order to its end. */
  note(bytes: number, durationMs: number): void {
    if (bytes < SMALL_BYTES) {
      const fixedMs = Math.max(0, durationMs - bytes * this.#msPerByte);
      this.#fixedMs += WEIGHT * (fixedMs - this.#fixedMs);
    } else {
      const msPerByte = Math.max(0, durationMs - this.#fixedMs) / bytes;
      this.#msPerByte += WEIGHT * (msPerByte - this.#msPerByte);
    }
  }
}
