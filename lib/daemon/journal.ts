/**
 * The journal: the last decisions about each process, for `lb why`.
 *
 * @module
 */
import type { Effect } from "../core/contract/effect.ts";
import type { Event } from "../core/contract/event.ts";
import type { ProcessId } from "../core/contract/names.ts";

/** A decision. */
export interface JournalEntry {
  /** Wall clock, milliseconds since 1970. */
  readonly atMs: number;
  /** null: about the node, not about one process. */
  readonly id: ProcessId | null;
  readonly text: string;
  /** How often it was made since the first time. */
  readonly count: number;
  readonly sinceMs: number;
}

/** Decisions kept; older ones are in the log. */
const ENTRIES_MAX = 2_000;
/** Equal decisions among the last so many count up; of a full node there may be a hundred a second. */
const EQUALS_AMONG = 50;
/** Moves whose end may still come. */
const TICKETS_MAX = 256;

/** Keeps the last decisions; what goes in and out of the balancer is its source. */
export class Journal {
  readonly #entries: JournalEntry[] = [];
  readonly #moves = new Map<bigint, { id: ProcessId; to: string }>();

  /** Takes an event before the balancer does. */
  event(event: Event, atMs: number): void {
    const note = (id: ProcessId | null, text: string) => this.#note({ atMs, id, text });
    switch (event.type) {
      case "processArrived":
        return note(event.process.id, "it is in this node's list");
      case "arrivalConfirmed":
        return note(event.process.id, "it has moved here");
      case "cameHome":
        return note(event.process.id, `it came home${because(event.cantmove)}`);
      case "moveEnded": {
        const move = this.#moves.get(event.ticket);
        if (move === undefined) return;
        this.#moves.delete(event.ticket);
        if (event.outcome === "moved") return note(move.id, `it has moved to ${move.to}`);
        return note(move.id, `its move to ${move.to} was aborted: ${event.reason}`);
      }
      case "moveRequested":
        return note(event.id, `a person asked for its move to ${event.node ?? "any node"}`);
      case "pinned":
        return note(event.id, event.isPinned ? "a person pinned it" : "a person unpinned it");
      case "drain":
        return note(null, `the node is ${event.isDraining ? "being" : "no longer being"} drained`);
    }
  }

  /** Takes an effect of the balancer. */
  effect(effect: Effect, atMs: number): void {
    if (effect.type === "orderMove") {
      this.#moves.set(effect.ticket, { id: effect.id, to: effect.to });
      const [oldest] = this.#moves.keys();
      if (this.#moves.size > TICKETS_MAX && oldest !== undefined) this.#moves.delete(oldest);
    } else if (effect.type === "requestFailed") {
      this.#note({ atMs, id: null, text: `a move by hand did not happen: ${effect.reason}` });
    } else if (effect.type === "log") {
      const { process, ...fields } = effect.fields;
      const facts = Object.entries(fields).filter(([, value]) => value !== null)
        .map(([name, value]) => name === "reason" ? `${value}` : `${name} ${value}`);
      const text = [effect.message, ...facts].join(", ");
      this.#note({ atMs, id: typeof process === "string" ? process : null, text });
    }
  }

  /** The last decisions about a process and about the node, the oldest first. */
  last(id: ProcessId, count: number): JournalEntry[] {
    return this.#entries.filter((entry) => entry.id === id || entry.id === null).slice(-count);
  }

  #note({ atMs, id, text }: Pick<JournalEntry, "atMs" | "id" | "text">): void {
    const from = Math.max(0, this.#entries.length - EQUALS_AMONG);
    const at = this.#entries.findIndex((entry, index) =>
      index >= from && entry.id === id && entry.text === text
    );
    const [before] = at < 0 ? [] : this.#entries.splice(at, 1);
    const { count, sinceMs } = before ?? { count: 0, sinceMs: atMs };
    this.#entries.push({ atMs, id, text, count: count + 1, sinceMs });
    if (this.#entries.length > ENTRIES_MAX) this.#entries.splice(0, ENTRIES_MAX / 10);
  }
}

function because(reason: string | null): string {
  return reason === null ? "" : `, as it needed ${reason}`;
}
