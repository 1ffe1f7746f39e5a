/**
 * The processes that run on a node.
 *
 * With what is known of each; their number is the load index QL.
 *
 * @module
 */

import { assert } from "../base/assert.ts";
import type { NodeName, ProcessId, Ticket } from "./contract/names.ts";
import type { Counting } from "./contract/policy.ts";
import type { Process, Sample, Threads } from "./contract/process.ts";
import type { ProcessView } from "./contract/view.ts";
import { weighAgain } from "./contract/weight.ts";

/** A move under way. */
export interface Transit {
  readonly ticket: Ticket;
  readonly to: NodeName;
  /** When it was offered. */
  readonly beganMs: number;
}

/** A process of the process table. */
export interface Entry {
  readonly process: Process;
  /** The last figures; null until the first ones. */
  readonly sample: Sample | null;
  /** How many it counts as. */
  readonly weight: number;
  /** Why it stays here for good: it came home for this call. Stronger than any sample. */
  readonly held: string | null;
  /** The move under way, from its offer to its end. */
  readonly transit: Transit | null;
  /** Moves that were aborted since the last that was not. */
  readonly failures: number;
  /** Not an automatic victim before this time, as a move of it was aborted. */
  readonly restsUntilMs: number;
  /** Not a victim of the balance before this time, as it has just come. */
  readonly staysUntilMs: number;
  /** A person wants it to stay. */
  readonly isPinned: boolean;
}

/** Until it is looked at. */
const ONE_THREAD: Threads = { all: 1, computing: 1 };

/** Doublings of the rest after aborted moves: 10 s becomes 640 s at most. */
const DOUBLINGS_MAX = 6;

/** A move that fails costs a process its freeze, but no more than a tenth of its time. */
const RESTS_PER_TRY = 10;

/** The processes, in order of arrival. What changes one that is not here is a bug, and asserted. */
export class ProcessTable {
  readonly #counting: Counting;
  readonly #entries = new Map<ProcessId, Entry>();
  /** What the processes weigh above their number. */
  #extra = 0;

  constructor(counting: Counting) {
    this.#counting = counting;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** What the processes weigh together. */
  get weight(): number {
    return this.size + this.#extra;
  }

  /** Number of processes that are not on their way out. */
  get settledCount(): number {
    let count = 0;
    for (const { transit } of this.#entries.values()) if (transit === null) count++;
    return count;
  }

  /** What these weigh. */
  get settledWeight(): number {
    if (this.#extra === 0) return this.settledCount;
    let sum = 0;
    for (const { transit, weight } of this.#entries.values()) if (transit === null) sum += weight;
    return sum;
  }

  /** Whether a process of such a home may be chosen to leave. */
  hasFree(isOfHome: (home: NodeName) => boolean): boolean {
    return this.list().some((entry) =>
      isOfHome(entry.process.homeNode) && entry.transit === null && !entry.isPinned &&
      cantmoveOf(entry) === null
    );
  }

  get(id: ProcessId): Entry | null {
    return this.#entries.get(id) ?? null;
  }

  /** Lists the entries in order of arrival. */
  list(): Entry[] {
    return [...this.#entries.values()];
  }

  /**
   * Adds a process. A known one has exec'ed another program: what held the old one is over.
   *
   * @param weight Its own until its threads are looked at.
   */
  put(process: Process, weight = 1): void {
    const known = this.#entries.get(process.id);
    this.#extra += weight - (known?.weight ?? 1);
    // Not one spread of either: a simulation has millions of arrivals.
    this.#entries.set(
      process.id,
      known !== undefined ? { ...known, process, held: null, weight } : {
        process,
        sample: null,
        weight,
        held: null,
        transit: null,
        failures: 0,
        restsUntilMs: 0,
        staysUntilMs: 0,
        isPinned: false,
      },
    );
  }

  /** Removes a process; false if it was not there. */
  remove(id: ProcessId): boolean {
    this.#extra -= (this.#entries.get(id)?.weight ?? 1) - 1;
    return this.#entries.delete(id);
  }

  /** Keeps a process here for good, for this reason. */
  hold(id: ProcessId, reason: string): void {
    this.#update(id, { held: reason });
  }

  /** Keeps a process that has come from the balance until this time. */
  reside(id: ProcessId, untilMs: number): void {
    this.#update(id, { staysUntilMs: untilMs });
  }

  /** Notes that a person wants a process to stay, or no longer; one that has left is ignored. */
  pin(id: ProcessId, isPinned: boolean): void {
    if (this.#entries.has(id)) this.#update(id, { isPinned });
  }

  /** Takes fresh figures; those of processes that have left are ignored. */
  sample(sample: Sample): void {
    const known = this.#entries.get(sample.id);
    if (known === undefined) return;
    const { threads = known.sample?.threads } = sample;
    if (threads === undefined) return this.#update(sample.id, { sample });
    const weight = this.#counting === "threads" ? weighAgain(known.weight, threads) : 1;
    this.#extra += weight - known.weight;
    this.#update(sample.id, { sample: { ...sample, threads }, weight });
  }

  /** Notes that a move of the process has begun. */
  depart(id: ProcessId, transit: Transit): void {
    this.#update(id, { transit });
  }

  /** Notes that the move has come to nothing before the process was touched. */
  stay(id: ProcessId): void {
    this.#update(id, { transit: null });
  }

  /** Notes an aborted move: the process stays and sits out for a while. */
  rest(id: ProcessId, nowMs: number, retryDelayMs: number): void {
    const { failures: before = 0, transit = null } = this.get(id) ?? {};
    const failures = before + 1;
    const triedMs = nowMs - (transit?.beganMs ?? nowMs);
    const delayMs = retryDelayMs * 2 ** Math.min(failures - 1, DOUBLINGS_MAX);
    const restsUntilMs = nowMs + Math.max(delayMs, RESTS_PER_TRY * triedMs);
    this.#update(id, { transit: null, failures, restsUntilMs });
  }

  /** Finds the process that moves under this ticket, or null. */
  findTicket(ticket: Ticket): Entry | null {
    for (const entry of this.#entries.values()) {
      if (entry.transit?.ticket === ticket) return entry;
    }
    return null;
  }

  /** The process table as people see it. */
  view(): Omit<ProcessView, "noRoom">[] {
    return this.list().map((entry) => ({
      ...entry.process,
      cpuSeconds: entry.sample?.cpuSeconds ?? 0,
      rssBytes: entry.sample?.rssBytes ?? 0,
      threads: entry.sample?.threads ?? ONE_THREAD,
      weight: entry.weight,
      cantmove: cantmoveOf(entry),
      movingTo: entry.transit?.to ?? null,
      isPinned: entry.isPinned,
    }));
  }

  #update(id: ProcessId, change: Partial<Entry>): void {
    const entry = this.#entries.get(id);
    assert(entry !== undefined, `process ${id} is in the process table`);
    this.#entries.set(id, { ...entry, ...change });
  }
}

/** Why a process cannot move, or null. */
export function cantmoveOf(entry: Entry): string | null {
  return entry.held ?? entry.sample?.cantmove ?? null;
}
