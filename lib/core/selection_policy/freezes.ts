/**
 * Foresees how long a move freezes a process.
 *
 * From what earlier moves to a node have shown of the way there: one that would be given up in its
 * middle is not begun.
 *
 * @module
 */

import type { PreferredList } from "../location_policy/preferred_list.ts";
import type { ProcessTable } from "../process_table.ts";
import { moveLimitMs } from "../contract/timeouts.ts";
import type { BalancerConfig } from "../contract/config.ts";
import type { Event } from "../contract/event.ts";
import type { NodeName, ProcessId } from "../contract/names.ts";

/** Moves of less tell of the steps of a move, not of the link. */
const TELLING_BYTES_MIN = 1 << 20;
/** Weight of a new measurement, as the load of a link changes. */
const WEIGHT = 0.5;
/** After so long a link may be another one, or free: the next move shows it. */
const KNOWN_FOR_MS = 600_000;
/** All steps of a move but the memory, at most 4096 mappings with some 20 us each among them. */
const STEPS_MS = 200;

/** Estimates freezes. */
export class Freezes {
  readonly #ioTimeoutMs: number | null;
  readonly #table: ProcessTable;
  readonly #preferred: PreferredList;
  readonly #nowMs: () => number;
  readonly #links = new Map<NodeName, { bytesPerMs: number; atMs: number }>();

  constructor(
    { ioTimeoutMs = null }: Pick<BalancerConfig, "ioTimeoutMs">,
    table: ProcessTable,
    preferred: PreferredList,
    nowMs: () => number,
  ) {
    this.#ioTimeoutMs = ioTimeoutMs;
    this.#table = table;
    this.#preferred = preferred;
    this.#nowMs = nowMs;
  }

  /** Takes the end of a move, before the process leaves the table. */
  ended({ ticket, carried }: Extract<Event, { type: "moveEnded" }>): void {
    const to = this.#table.findTicket(ticket)?.transit?.to;
    if (to === undefined || carried === undefined) return;
    if (carried.bytes < TELLING_BYTES_MIN || carried.ms <= 0) return;
    const measured = carried.bytes / carried.ms;
    const before = this.#rate(to) ?? measured;
    const bytesPerMs = before + WEIGHT * (measured - before);
    this.#links.set(to, { bytesPerMs, atMs: this.#nowMs() });
  }

  /** Why a process would not arrive at this node in time, or null. */
  obstacle(id: ProcessId, to: NodeName | null): string | null {
    const ioTimeoutMs = this.#ioTimeoutMs;
    const sample = this.#table.get(id)?.sample ?? null;
    const rate = to === null ? null : this.#rate(to);
    if (sample === null || ioTimeoutMs === null || rate === null) return null;
    const bytes = sample.memoryBytes ?? sample.rssBytes;
    const limitMs = moveLimitMs(ioTimeoutMs, bytes);
    const ms = STEPS_MS + bytes / rate;
    if (ms <= limitMs) return null;
    return `it would stand still for ${seconds(ms)} s, more than the ${
      seconds(limitMs)
    } s that a move ` +
      `may take: ${Math.ceil(bytes / (1 << 20))} MiB to ${to} at ${
        (rate / 1000).toFixed(1)
      } MB/s, as ` +
      "measured in moves before";
  }

  /** The first associated node that is U and has not refused; if there is one, one that it reaches in time. */
  receiver(
    { id, tried }: { readonly id: ProcessId; readonly tried: ReadonlyMap<NodeName, string> },
  ) {
    const mayTry = (node: NodeName) => !tried.has(node);
    const isNear = (node: NodeName) => mayTry(node) && this.obstacle(id, node) === null;
    return this.#preferred.first(isNear) ?? this.#preferred.first(mayTry);
  }

  #rate(to: NodeName): number | null {
    const link = this.#links.get(to);
    const isKnown = link !== undefined && this.#nowMs() - link.atMs <= KNOWN_FOR_MS;
    return isKnown ? link.bytesPerMs : null;
  }
}

function seconds(ms: number): number {
  return Math.ceil(ms / 1000);
}
