/**
 * Pins and drain, the standing orders of a person; and `lb why`.
 *
 * They are kept over a restart of the daemon, but not of the machine.
 *
 * @module
 */
import type { Event } from "../core/contract/event.ts";
import type { ProcessId } from "../core/contract/names.ts";
import type { Context } from "./context.ts";
import { obstacle as words } from "../host/obstacles.ts";

/** Decisions that `lb why` tells. */
const DECISIONS_MAX = 20;

/** Carries out pin, unpin, drain, undrain and why. */
export class PinsAndDrain {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  /** What a new balancer must be told. */
  events(): Event[] {
    const { pins, isDraining, drainsGuestsOnly: guestsOnly } = this.#context.records;
    return [
      ...[...pins].map((id): Event => ({ type: "pinned", id, isPinned: true })),
      ...(isDraining ? [{ type: "drain", isDraining, guestsOnly } as const] : []),
    ];
  }

  /** Forgets the pins of processes that have ended or were moved by hand. */
  check(): void {
    const { records, balance } = this.#context;
    if (records.pins.size === 0) return;
    const pinned = new Set(
      balance.view.processes.filter(({ isPinned }) => isPinned).map(({ id }) => id),
    );
    for (const id of records.pins) {
      if (pinned.has(id)) continue;
      records.pins.delete(id);
      records.save();
    }
  }

  /** Pins or unpins a process that runs here. */
  pin(id: ProcessId, isPinned: boolean): string {
    const { records, node, dispatch } = this.#context;
    dispatch({ type: "pinned", id, isPinned });
    if (isPinned) records.pins.add(id);
    else records.pins.delete(id);
    records.save();
    return isPinned
      ? `${id} stays on ${node} until it is unpinned or moved by hand`
      : `${id} may be moved from ${node}`;
  }

  /** Drains the node, of all or of its guests, or lets it take processes again; tells what will stay. */
  drain(isDraining: boolean, guestsOnly: boolean): string {
    const { records, node, dispatch, balance } = this.#context;
    records.isDraining = isDraining;
    records.drainsGuestsOnly = guestsOnly;
    records.save();
    dispatch({ type: "drain", isDraining, guestsOnly });
    if (!isDraining) return `${node} takes processes again`;
    const processes = balance.view.processes.filter(({ homeNode }) =>
      !guestsOnly || homeNode !== node
    );
    const staying = processes.flatMap(({ pid, program, cantmove, isPinned }) => {
      const obstacle = cantmove ?? (isPinned ? words("PINNED") : null);
      return obstacle === null ? [] : [`${pid} ${program} stays: ${obstacle}`];
    });
    const leaving = processes.length - staying.length;
    return [`${node} takes no process; to be moved away: ${leaving}`, ...staying].join("\n");
  }

  /** What keeps a process that runs here, and the last decisions about it. */
  why(id: ProcessId): string {
    const { node, balance } = this.#context;
    const reasons = balance.explain(id) ?? [];
    const process = balance.view.processes.find((one) => one.id === id);
    const what = process === undefined ? id : `${process.program}, PID ${process.pid}, ${id}`;
    return [
      `${what} runs on ${node}`,
      reasons.length === 0
        ? "Nothing keeps it here: it is the next to leave"
        : "What keeps it here:",
      ...reasons.map((reason) => `  ${reason}`),
      ...this.history(id),
    ].join("\n");
  }

  /** The last decisions of this node about a process. */
  history(id: ProcessId): string[] {
    const { node, balance } = this.#context;
    const entries = balance.journal.last(id, DECISIONS_MAX);
    if (entries.length === 0) return [];
    const time = (ms: number) => new Date(ms).toISOString();
    const lines = entries.map(({ atMs, text, count, sinceMs }) =>
      `  ${time(atMs)} ${text}${count === 1 ? "" : ` (${count} times since ${time(sinceMs)})`}`
    );
    return [`Last decisions on ${node}:`, ...lines];
  }
}
