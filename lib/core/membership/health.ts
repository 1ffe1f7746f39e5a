/**
 * How far a node may trust its own judgement.
 *
 * The local health multiplier of Lifeguard (Dadgar, Phillips and Currey, 2018). A node whose own
 * timers are late, or that nobody answers, waits longer before it suspects others.
 *
 * @module
 */

/** The largest score, as in the paper: time-outs grow ninefold at most. */
export const healthMax = 8;

/** A score from 0, good, to {@linkcode healthMax}. */
export class Health {
  #score = 0;

  get score(): number {
    return this.#score;
  }

  /** By how much time-outs grow. */
  get multiplier(): number {
    return this.#score + 1;
  }

  /** Something has gone as it should. */
  improve(): void {
    this.#score = Math.max(0, this.#score - 1);
  }

  /** Something has not, and this node may be the cause. */
  worsen(): void {
    this.#score = Math.min(healthMax, this.#score + 1);
  }
}
