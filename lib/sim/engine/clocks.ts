/**
 * The nodes' own clocks, which may be wrong.
 *
 * @module
 */

/** How fast a clock runs and what it shows at the start. */
export interface Clock {
  /** Milliseconds that it counts in one. */
  readonly rate: number;
  /** What it shows at the start. */
  readonly startMs: number;
}

/** All clocks; without any each shows the time of the simulation. */
export class Clocks {
  readonly #clocks: readonly Clock[] | undefined;

  constructor(clocks: readonly Clock[] | undefined) {
    this.#clocks = clocks;
  }

  /** Milliseconds that a node's clock counts in one. */
  rate(node: number): number {
    return this.#clocks?.[node]?.rate ?? 1;
  }

  /** What a node's monotonic clock shows. */
  local(node: number, nowMs: number): number {
    const clock = this.#clocks?.[node];
    return clock === undefined ? nowMs : clock.startMs + clock.rate * nowMs;
  }

  /** When a node's clock shows this time. */
  global(node: number, localMs: number): number {
    const clock = this.#clocks?.[node];
    return clock === undefined ? localMs : (localMs - clock.startMs) / clock.rate;
  }
}
