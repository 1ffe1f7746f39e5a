/**
 * Guests of this node, and their keepers.
 *
 * From the first byte of their memory until their ends are on their way home.
 *
 * @module
 */
import { formatProcessId } from "../core/contract/process_id.ts";
import type { ProcessId } from "../core/contract/names.ts";
import type { Process } from "../core/contract/process.ts";
import { monotonicMs } from "../host/clock.ts";
import type { ControlPeer } from "../host/control.ts";
import type { WireIdentity } from "../host/handshake.ts";
import { logger } from "../host/log.ts";
import * as native from "../host/native.ts";
import { isAlive } from "../host/proc.ts";
import type { LocalValues } from "../wire/local.ts";
import { guestStates } from "../wire/schema.ts";
import type { Context, Watch } from "./context.ts";
import { Departures } from "./departures.ts";
import type { Endings } from "./endings.ts";
import { Fates } from "./fates.ts";
import { type Arriving, startKeeper } from "./keepers.ts";
import type { Orders } from "./orders.ts";
import type { GuestRecord } from "./records.ts";

const log = logger("guests");

/** Five times the second after which a keeper tries again to reach its daemon. */
const KEEPERS_BACK_MS = 5_000;

/** The guests of this node. */
export class Guests {
  /** Keepers that have ended but whose connection was not read to its end yet. */
  readonly #exitedKeepers = new Set<number>();
  readonly #context: Context;
  readonly #endings: Endings;
  readonly #watch: Watch;
  readonly #orders: Orders;
  readonly #departures: Departures;
  readonly #fates = new Fates();
  /** When the memory of a guest began to arrive, and after which time it hangs, by ticket. */
  readonly #arriving = new Map<bigint, { readonly startedMs: number; readonly limitMs: number }>();

  constructor(context: Context, orders: Orders, endings: Endings, watch: Watch) {
    this.#context = context;
    this.#orders = orders;
    this.#endings = endings;
    this.#watch = watch;
    this.#departures = new Departures(context.records);
  }

  /** Calls once the news is here that this process has left, if it has. */
  afterDeparture(id: ProcessId, call: () => void): void {
    this.#departures.after(id, call);
  }

  /** What became of a move to this node, for who asks. */
  noteFate(ticket: bigint, reason: string): void {
    this.#fates.note(ticket, reason);
  }

  /** The memory of a process comes over `fd`: starts the keeper that restores it. */
  begin(offer: Arriving & { readonly memoryBytes: bigint }, fd: number): void {
    const { config, records } = this.#context;
    const { identity: { ticket }, memoryBytes } = offer;
    const record = startKeeper(this.#context, offer, fd);
    records.guests.set(record.id, record);
    records.save();
    // Twice what the sender waits for, so that a copy which is only slow is its to give up.
    const limitMs = 6 * config.ioTimeoutMs + Number(memoryBytes) / 5_000;
    this.#arriving.set(ticket, { startedMs: monotonicMs(), limitMs });
    this.#context.dispatch({ type: "arrivalStarted", ticket });
    this.#watch(record.keeperPid, record.keeperStartTicks);
  }

  /** Ends copies that hang before they are complete: the process goes on at the sender. */
  check(): void {
    const nowMs = monotonicMs();
    for (const record of this.#context.records.guests.values()) {
      const arriving = this.#arriving.get(record.ticket);
      if (arriving === undefined || nowMs - arriving.startedMs <= arriving.limitMs) continue;
      const [pid, startTicks] = record.guestPid > 0
        ? [record.guestPid, record.guestStartTicks]
        : [record.keeperPid, record.keeperStartTicks];
      log.warning("a copy hangs and is ended", { process: record.id, pid });
      this.#fates.note(record.ticket, `it hung here for ${Math.round(arriving.limitMs / 1000)} s`);
      if (isAlive(pid, startTicks)) Deno.kill(pid, "SIGKILL");
    }
  }

  /** A keeper tells of its guest; first on its connection, and at each change. */
  keeper(peer: ControlPeer, message: LocalValues<"Keeper">): void {
    const { records } = this.#context;
    const id = formatProcessId(message);
    const known = records.guests.get(id);
    const record: GuestRecord = known ?? {
      id,
      homeNode: message.homeNode,
      homePid: message.homePid,
      startTicks: message.startTicks,
      program: message.program,
      ticket: message.ticket,
      keeperPid: peer.pid,
      keeperStartTicks: native.startTicks(peer.pid) ?? 0n,
      guestPid: 0,
      guestStartTicks: 0n,
      running: false,
      connection: null,
      left: false,
    };
    if (known !== undefined && known.keeperPid !== peer.pid) {
      if (isAlive(known.keeperPid, known.keeperStartTicks)) {
        // A copy that was here before and left; it may be back already, under another ticket.
        if (message.state === guestStates.left) this.#orders.left(message.guestPid);
        return;
      }
      if (record.running) this.#context.dispatch({ type: "processEnded", id });
      record.running = false;
      record.left = false;
      record.keeperPid = peer.pid;
      record.keeperStartTicks = native.startTicks(peer.pid) ?? 0n;
      this.#watch(peer.pid, record.keeperStartTicks);
    }
    // `lb restart` starts its keeper itself, and a restarted daemon has no watch on any.
    if (known === undefined) this.#watch(peer.pid, record.keeperStartTicks);
    records.guests.set(id, record);
    record.connection = peer.connection;
    record.ticket = message.ticket;
    record.guestPid = message.guestPid;
    record.guestStartTicks = message.guestStartTicks;
    if (message.program !== "") record.program = message.program;
    if (message.state === guestStates.left) {
      record.left = true;
      this.#orders.left(record.guestPid);
    } else if (message.state === guestStates.running && !record.running) this.#confirm(record);
    records.save();
  }

  #confirm(record: GuestRecord): void {
    record.running = true;
    const startedMs = this.#arriving.get(record.ticket)?.startedMs;
    this.#arriving.delete(record.ticket);
    log.info("arrival", {
      process: record.id,
      program: record.program,
      pid: record.guestPid,
      outcome: "running",
      totalMs: startedMs === undefined ? null : monotonicMs() - startedMs,
    });
    const process = asProcess(record);
    if (startedMs === undefined) this.#context.dispatch({ type: "processArrived", process });
    else {
      this.#context.dispatch({ type: "arrivalConfirmed", ticket: record.ticket, process });
    }
  }

  /** A keeper says how its guest ended; it repeats that until it is acknowledged. */
  ended(peer: ControlPeer, message: LocalValues<"GuestEnded">): void {
    const { records, control } = this.#context;
    const id = formatProcessId(message);
    const record = records.guests.get(id);
    if (record !== undefined && record.ticket === message.ticket) {
      this.#forget(record, "its end was reported");
    }
    const { ticket, startTicks, homePid, homeNode, waitStatus } = message;
    this.#endings.add({ ticket, startTicks, homePid, homeNode, waitStatus });
    control.send(peer.connection, "Ack", { code: 0, flags: 0 });
  }

  /** Whether this guest runs here; `isPromised`: a place is reserved for it. */
  judge(identity: WireIdentity, isPromised: boolean): "live" | "dead" | "unknown" {
    const id = formatProcessId(identity);
    const { guests } = this.#context.records;
    const record = guests.get(id);
    if (record !== undefined && record.ticket === identity.ticket && !record.left) return "live";
    // Its end is on its way home and says more.
    if (this.#endings.isKnown(id)) return "unknown";
    if (isPromised) return "unknown";
    // Keepers of a guest that an earlier run did not write down connect within a second or two.
    const running = monotonicMs() - this.#context.startedMs;
    return running < KEEPERS_BACK_MS ? "unknown" : "dead";
  }

  /** The connection of a keeper is gone; it comes back by itself unless it ended. */
  hangup(peer: ControlPeer): void {
    for (const record of [...this.#context.records.guests.values()]) {
      if (record.connection !== peer.connection) continue;
      record.connection = null;
      if (this.#exitedKeepers.delete(record.keeperPid)) this.exited(record.keeperPid);
    }
  }

  /** Tells what became of a move to this node. */
  async fate(ticket: bigint): Promise<string> {
    return await this.#fates.tell(ticket, () => {
      const arriving = this.#arriving.get(ticket);
      return arriving === undefined ? null : monotonicMs() - arriving.startedMs;
    });
  }

  /** A watched process is gone: a keeper, or a guest that has lost its keeper. */
  exited(pid: number, waitStatus: number | null = null): void {
    const { guests } = this.#context.records;
    if ([...guests.values()].some((record) => record.keeperPid === pid)) {
      this.#fates.ended(pid, waitStatus);
    }
    for (const record of [...guests.values()]) {
      if (record.keeperPid === pid && record.connection !== null) {
        // Its last words may still lie in its connection, whose end comes after them.
        this.#exitedKeepers.add(pid);
      } else if (record.keeperPid === pid) {
        const orphan = record.running && !record.left &&
          isAlive(record.guestPid, record.guestStartTicks);
        if (!orphan) this.#forget(record, this.#fates.ofKeeper(pid, this.#context.keeperLog));
        else if (!this.#watch(record.guestPid, record.guestStartTicks)) {
          this.#forget(record, "it ended");
        }
      } else if (record.guestPid === pid && !isAlive(record.keeperPid, record.keeperStartTicks)) {
        this.#forget(record, "it ended");
      }
    }
  }

  #forget(record: GuestRecord, reason: string): void {
    const { records, dispatch } = this.#context;
    records.guests.delete(record.id);
    records.save();
    this.#arriving.delete(record.ticket);
    if (record.running) dispatch({ type: "processEnded", id: record.id });
    else {
      log.warning("arrival", { process: record.id, outcome: "failed", reason });
      this.#fates.note(record.ticket, reason);
      dispatch({ type: "arrivalFailed", ticket: record.ticket, reason });
    }
    this.#departures.left(record.id);
  }

  /** Takes up the guests of an earlier run of the daemon: those that live. */
  recover(): void {
    for (const record of [...this.#context.records.guests.values()]) {
      const keeper = this.#watch(record.keeperPid, record.keeperStartTicks);
      const alive = record.running && isAlive(record.guestPid, record.guestStartTicks);
      if (!keeper && !alive) {
        this.#context.records.guests.delete(record.id);
        continue;
      }
      if (alive) {
        if (!keeper) this.#watch(record.guestPid, record.guestStartTicks);
        this.#context.dispatch({ type: "processArrived", process: asProcess(record) });
      }
    }
  }
}

/** A guest as the balancer lists it. */
export function asProcess(record: GuestRecord): Process {
  const { id, homeNode, program } = record;
  return { id, homeNode, program, pid: record.guestPid };
}
