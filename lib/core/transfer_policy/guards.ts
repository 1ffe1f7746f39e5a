/**
 * Guards against ping-pong.
 *
 * What has come stays for a while, a move must leave a difference, and a node begins only so many
 * moves.
 *
 * That unlimited migration can thrash ("processor thrashing") and that a limit to the number of moves
 * cures it: Eager, Lazowska and Zahorjan, "Adaptive Load Sharing in Homogeneous Distributed Systems",
 * IEEE TSE 12(5), 1986. That a move must be clearly better and not just better, here by the margin: Amir,
 * Awerbuch, Barak, Borgstrom and Keren, "An Opportunity Cost Approach for Job Assignment in a Scalable
 * Computing Cluster", IEEE TPDS 11(7), 2000.
 *
 * @module
 */

/** A minute, in which the moves are counted. */
const WINDOW_MS = 60_000;

/** Counts the automatic moves of the last minute. */
export class MoveBudget {
  readonly #movesPerMinute: number | null;
  #begunMs: number[] = [];

  /** @param movesPerMinute null: any number. */
  constructor(movesPerMinute: number | null) {
    this.#movesPerMinute = movesPerMinute;
  }

  /** Whether one more may begin. */
  mayBegin(nowMs: number): boolean {
    if (this.#movesPerMinute === null) return true;
    this.#begunMs = this.#begunMs.filter((begunMs) => nowMs - begunMs < WINDOW_MS);
    return this.#begunMs.length < this.#movesPerMinute;
  }

  /** Counts one that has begun. */
  begun(nowMs: number): void {
    if (this.#movesPerMinute !== null) this.#begunMs.push(nowMs);
  }
}

/** Whether a move would leave the queue here longer than the one there by the margin. */
export function leavesMargin(
  { hereAfter, thereAfter, margin }: {
    /** Processes per unit of capacity, without the one that moves. */
    readonly hereAfter: number;
    /** Processes per unit of capacity, with it. */
    readonly thereAfter: number;
    readonly margin: number;
  },
): boolean {
  return margin === 0 || hereAfter - thereAfter >= margin;
}
