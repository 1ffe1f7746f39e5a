/**
 * Guests that have just left this node.
 *
 * The news of it is on its way from their keepers, while they may be offered from elsewhere
 * already.
 *
 * @module
 */
import type { ProcessId } from "../core/contract/names.ts";
import type { Records } from "./records.ts";

/** Well within what the offering node waits for its answer. */
const DEPARTURE_MS_MAX = 2_000;

/** What waits for guests to have left. */
export class Departures {
  readonly #records: Records;
  readonly #waiting = new Map<ProcessId, () => void>();

  constructor(records: Records) {
    this.#records = records;
  }

  /** Goes on once a process does not run here, or is found to stay. */
  after(id: ProcessId, then: () => void): void {
    if (this.#records.guests.get(id)?.running !== true) return then();
    const timer = setTimeout(() => this.left(id), DEPARTURE_MS_MAX);
    const before = this.#waiting.get(id);
    this.#waiting.set(id, () => {
      clearTimeout(timer);
      before?.();
      then();
    });
  }

  /** A guest is no longer here. */
  left(id: ProcessId): void {
    const then = this.#waiting.get(id);
    this.#waiting.delete(id);
    then?.();
  }
}
