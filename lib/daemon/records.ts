/**
 * Records of processes, guests, shadows and ends.
 *
 * Kept on disk over a restart.
 *
 * The file is written under another name and renamed, so that a reader sees a whole one. It is not
 * synced: what it describes does not survive a crash of the node either.
 *
 * @module
 */
import { describe } from "../base/errors.ts";
import { formatProcessId, type ProcessIdentity } from "../core/contract/process_id.ts";
import type { ProcessId } from "../core/contract/names.ts";
import type { Process } from "../core/contract/process.ts";
import { monotonicMs } from "../host/clock.ts";
import type { WireIdentity } from "../host/handshake.ts";
import { logger } from "../host/log.ts";

/** A process that runs here and is at home here. */
export interface LocalRecord extends ProcessIdentity {
  readonly id: ProcessId;
  program: string;
  /** Why it stays at home for good, or null. */
  cantmove: string | null;
  /** Ticket of the move that it is ordered to make, or null. */
  moving: bigint | null;
  /** CPU time that it has used on other nodes, in seconds. Absent: none that is known of. */
  readonly cpuElsewhere?: number;
}

/** A process that runs here and is at home elsewhere (or here: a restarted image). */
export interface GuestRecord extends ProcessIdentity {
  readonly id: ProcessId;
  program: string;
  ticket: bigint;
  keeperPid: number;
  keeperStartTicks: bigint;
  /** 0 while it is being restored. */
  guestPid: number;
  guestStartTicks: bigint;
  /** It runs here and the balancer knows it. */
  running: boolean;
  /** Its keeper's connection; null while there is none. */
  connection: number | null;
  /** The keeper said that it runs elsewhere now. */
  left: boolean;
  /** It is stopped, or has a low priority, for the owner of this node. */
  stopped?: boolean;
  niced?: boolean;
  /** CPU time that it used before it came, in seconds. Absent: none that is known of. */
  readonly cpuElsewhere?: number;
}

/** What stands at home for a process that runs away or waits as an image. */
export interface ShadowRecord extends ProcessIdentity {
  readonly id: ProcessId;
  program: string;
  ticket: bigint;
  preparedTicket: bigint;
  /** Where its process runs; null: an image waits to be restarted. */
  runsOn: string | null;
  /** Its link is lost. */
  lost: boolean;
  connection: number | null;
}

/** A guest's end that somebody has yet to be told. */
export interface EndingRecord extends WireIdentity {
  readonly waitStatus: number;
}

interface State {
  readonly version: 1;
  readonly bootId: string;
  readonly locals: readonly LocalRecord[];
  readonly guests: readonly GuestRecord[];
  readonly shadows: readonly ShadowRecord[];
  readonly toHome: readonly EndingRecord[];
  readonly toShadow: readonly EndingRecord[];
  /** These are missing in the file of an earlier version. */
  readonly pins?: readonly ProcessId[];
  readonly isDraining?: boolean;
  readonly ownerSinceMs?: number | null;
  readonly drainsGuestsOnly?: boolean;
}

/** Fields that are bigint: JSON has none. */
const BIG_FIELDS = new Set([
  "startTicks",
  "ticket",
  "preparedTicket",
  "keeperStartTicks",
  "guestStartTicks",
  "moving",
]);

/** Writes take a tenth of the daemon's time at most. */
const PAUSE_FACTOR = 9;

function key(identity: ProcessIdentity): ProcessId {
  return formatProcessId(identity);
}

/** The records of this node. */
export class Records {
  readonly locals = new Map<ProcessId, LocalRecord>();
  readonly guests = new Map<ProcessId, GuestRecord>();
  readonly shadows = new Map<ProcessId, ShadowRecord>();
  /** Endings of guests of ours, for their homes. */
  readonly toHome = new Map<ProcessId, EndingRecord>();
  /** Endings of processes at home here, for their shadows. */
  readonly toShadow = new Map<ProcessId, EndingRecord>();
  /** Processes that a person wants to stay here. */
  readonly pins = new Set<ProcessId>();
  /** A person wants this node empty. */
  isDraining = false;
  /** Wall clock at which this node's owner came; null: the owner is not at work. */
  ownerSinceMs: number | null = null;
  /** It is to be emptied of guests only, as it is about to leave its cluster. */
  drainsGuestsOnly = false;
  #timer: number | null = null;
  /** How long the last write took. */
  #flushMs = 0;
  #complained = false;

  /**
   * @param file Path of the file; null: nothing is kept.
   * @param bootId Of this boot: start times of another one say nothing.
   */
  constructor(readonly file: string | null, readonly bootId: string) {}

  /** Reads the file of an earlier run, if there is one of this boot. */
  load(): void {
    if (this.file === null) return;
    let text: string;
    try {
      text = Deno.readTextFileSync(this.file);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) this.#complain("read", error);
      return;
    }
    try {
      const state = JSON.parse(
        text,
        (name, value) => BIG_FIELDS.has(name) && typeof value === "string" ? BigInt(value) : value,
      ) as State;
      if (state.version !== 1) throw new Error(`its version is ${state.version}`);
      for (const ending of state.toHome) this.toHome.set(key(ending), ending);
      if (state.bootId !== this.bootId) return;
      for (const record of state.locals) this.locals.set(key(record), record);
      for (const record of state.guests) {
        this.guests.set(key(record), { ...record, connection: null });
      }
      for (const record of state.shadows) {
        this.shadows.set(key(record), { ...record, connection: null });
      }
      for (const ending of state.toShadow) this.toShadow.set(key(ending), ending);
      for (const id of state.pins ?? []) this.pins.add(id);
      this.isDraining = state.isDraining ?? false;
      this.ownerSinceMs = state.ownerSinceMs ?? null;
      this.drainsGuestsOnly = state.drainsGuestsOnly ?? false;
    } catch (error) {
      this.#complain("read", error);
      try {
        Deno.renameSync(this.file, `${this.file}.unreadable`);
      } catch {
        // It will be overwritten: keepers and shadows tell of themselves again.
      }
    }
  }

  /**
   * Writes the file soon; several changes in a row make one write. Of thousands of processes it takes
   * milliseconds: then a part of the time only is spent on it.
   */
  save(): void {
    this.#timer ??= setTimeout(() => this.flush(), PAUSE_FACTOR * this.#flushMs);
  }

  /** Writes the file now. A full disk is logged and the daemon goes on. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.file === null) return;
    const beganMs = monotonicMs();
    const state: State = {
      version: 1,
      bootId: this.bootId,
      locals: [...this.locals.values()],
      guests: [...this.guests.values()],
      shadows: [...this.shadows.values()],
      toHome: [...this.toHome.values()],
      toShadow: [...this.toShadow.values()],
      pins: [...this.pins],
      isDraining: this.isDraining,
      ownerSinceMs: this.ownerSinceMs,
      drainsGuestsOnly: this.drainsGuestsOnly,
    };
    const text = JSON.stringify(
      state,
      (_, value) => typeof value === "bigint" ? String(value) : value,
      1,
    );
    try {
      Deno.writeTextFileSync(`${this.file}.new`, text, { mode: 0o600 });
      Deno.renameSync(`${this.file}.new`, this.file);
      this.#complained = false;
    } catch (error) {
      this.#complain("write", error);
    }
    this.#flushMs = monotonicMs() - beganMs;
  }

  #complain(verb: string, error: unknown): void {
    if (this.#complained) return;
    this.#complained = true;
    logger("records").error(`cannot ${verb} the state file`, {
      file: this.file,
      reason: describe(error),
    });
  }

  /** The process with this PID on this node: local or guest. */
  findByPid(pid: number): LocalRecord | GuestRecord | null {
    for (const record of this.locals.values()) if (record.homePid === pid) return record;
    for (const record of this.guests.values()) if (record.guestPid === pid) return record;
    return null;
  }

  /** The shadow with this PID. */
  findShadowByPid(pid: number): ShadowRecord | null {
    for (const record of this.shadows.values()) if (record.homePid === pid) return record;
    return null;
  }
}

/** Whether a record is of a guest. */
export function isGuest(record: LocalRecord | GuestRecord): record is GuestRecord {
  return "guestPid" in record;
}

/** PID of a process on this node. */
export function pidOf(record: LocalRecord | GuestRecord): number {
  return isGuest(record) ? record.guestPid : record.homePid;
}

/** Start time, on this node, of a process's PID here. */
export function ticksOf(record: LocalRecord | GuestRecord): bigint {
  return isGuest(record) ? record.guestStartTicks : record.startTicks;
}

/** A process that is at home here, as the balancer lists it. */
export function localAsProcess(record: LocalRecord): Process {
  const { id, homeNode, program, homePid } = record;
  return { id, homeNode, program, pid: homePid };
}
