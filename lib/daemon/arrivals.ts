/**
 * Incoming moves and the guests of this node: offers, reservations, keepers, ends.
 *
 * @module
 */
import { describe } from "../base/errors.ts";
import { version } from "../base/version.ts";
import { formatProcessId } from "../core/contract/process_id.ts";
import type { Effect } from "../core/contract/effect.ts";
import type { Process } from "../core/contract/process.ts";
import { monotonicMs, wallMs } from "../host/clock.ts";
import type { ControlPeer } from "../host/control.ts";
import type { Hello, WireIdentity } from "../host/handshake.ts";
import { logger } from "../host/log.ts";
import * as native from "../host/native.ts";
import { isAlive } from "../host/proc.ts";
import { takeDescriptor, type TcpConnection } from "../host/tcp.ts";
import type { FrameValues } from "../wire/frame.ts";
import type { LocalValues } from "../wire/local.ts";
import { frameTypes, guestStates } from "../wire/schema.ts";
import type { Context, Watch } from "./context.ts";
import { Departures } from "./departures.ts";
import type { Endings } from "./endings.ts";
import { Fates, withFix } from "./fates.ts";
import { refusal } from "./fitness.ts";
import { startKeeper } from "./keepers.ts";
import type { Orders } from "./orders.ts";
import { announcementValues, letterByte, noAnnouncement } from "./announcements.ts";
import type { Reply } from "./peers.ts";
import type { GuestRecord } from "./records.ts";

const log = logger("arrivals");

/** An offer that was received; `accepted` once its place is reserved. */
interface Offer {
  readonly from: string;
  readonly identity: WireIdentity;
  readonly program: string;
  readonly memoryBytes: bigint;
  readonly request: bigint;
  readonly reply: Reply;
  readonly receivedMs: number;
  /** CPU time that the process has used so far, in seconds. */
  readonly cpuSeconds: number;
  accepted: boolean;
}

/** Longer than the balancer keeps a place for memory that has not begun to arrive. */
const OFFER_KEPT_MS = 30_000;

/** Five times the second after which a keeper tries again to reach its daemon. */
const KEEPERS_BACK_MS = 5_000;

/** The receiving side of moves. */
export class Arrivals {
  /** Keepers that have ended but whose connection was not read to its end yet. */
  readonly #exitedKeepers = new Set<number>();
  readonly #context: Context;
  readonly #endings: Endings;
  readonly #watch: Watch;
  readonly #orders: Orders;
  readonly #offers = new Map<bigint, Offer>();
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

  /** A frame `offer`: checks what only the node can see and lets the balancer decide. */
  offered(from: string, values: FrameValues<"offer">, reply: Reply): void {
    const { ticket, startTicks, homePid, homeNode, program, memoryBytes, request } = values;
    const identity = { ticket, startTicks, homePid, homeNode };
    const receivedMs = monotonicMs();
    const cpuSeconds = Number(values.cpuMs) / 1000;
    const what = { from, identity, program, memoryBytes, cpuSeconds };
    this.#offers.set(ticket, { ...what, request, reply, receivedMs, accepted: false });
    const id = formatProcessId(identity);
    this.#departures.after(id, () => {
      const refusal = this.#refusal(values);
      const manual = values.manual !== 0;
      this.#context.dispatch({ type: "offerReceived", from, ticket, id, manual, refusal });
    });
  }

  #refusal(values: FrameValues<"offer">): string | null {
    let promised = 0n;
    for (const offer of this.#offers.values()) if (offer.accepted) promised += offer.memoryBytes;
    try {
      return refusal(values, {
        lbVersion: version,
        cpuFeatures: native.cpuFeatures(),
        availableBytes: native.availableBytes() - promised,
        clockMs: BigInt(wallMs()),
      });
    } catch (error) {
      return describe(error);
    }
  }

  /** Performs the effect `answerOffer`. */
  answer(effect: Extract<Effect, { type: "answerOffer" }>): void {
    const offer = this.#offers.get(effect.ticket);
    if (offer === undefined) return;
    const { announcement, reason } = effect;
    const common = {
      request: offer.request,
      ...announcementValues(announcement),
      letter: letterByte(announcement.letter),
    };
    if (effect.accepted) {
      offer.accepted = true;
      offer.reply("accept", { ...common, detail: "" });
    } else {
      this.#offers.delete(effect.ticket);
      offer.reply("refuse", { ...common, reason: reason ?? "", fix: "" });
    }
  }

  /** A frame `withdraw`: the offer was withdrawn. */
  withdrawn(ticket: bigint): void {
    if (this.#offers.delete(ticket)) this.#context.dispatch({ type: "offerWithdrawn", ticket });
  }

  /**
   * Forgets offers whose memory never came; the balancer has freed their places by itself. Ends
   * copies that hang before they are complete: the process goes on at the sender.
   */
  check(): void {
    const nowMs = monotonicMs();
    for (const [ticket, offer] of this.#offers) {
      if (nowMs - offer.receivedMs > OFFER_KEPT_MS) this.#offers.delete(ticket);
    }
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

  /** A connection of role memory, after its proof: the place must be reserved for its ticket. */
  async takeMemory(connection: TcpConnection, hello: Hello): Promise<void> {
    const { ticket } = hello.identity;
    const offer = this.#offers.get(ticket);
    const known = offer?.accepted === true && offer.from === hello.node &&
      formatProcessId(offer.identity) === formatProcessId(hello.identity) &&
      offer.identity.homeNode !== this.#context.node;
    const common = { request: 0n, ...noAnnouncement, letter: frameTypes.full };
    if (!known) {
      const reason = "no place is reserved for this ticket";
      await connection.send("refuse", { ...common, reason, fix: "Offer the process again" })
        .catch(() => {});
      connection.close();
      return;
    }
    this.#offers.delete(ticket);
    try {
      await connection.send("accept", { ...common, detail: "" });
      const fd = takeDescriptor(connection, this.#context.config.ioTimeoutMs);
      try {
        this.#startKeeper(offer, fd);
      } finally {
        native.close(fd);
      }
    } catch (error) {
      connection.close();
      const reason = withFix(error);
      this.#fates.note(ticket, reason);
      log.warning("arrival", {
        process: formatProcessId(offer.identity),
        outcome: "failed",
        reason,
      });
      this.#context.dispatch({ type: "arrivalFailed", ticket, reason });
    }
  }

  #startKeeper(offer: Offer, fd: number): void {
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

  /** Frame Q: does this guest run here? Dead only where that is proved. */
  judge(identity: WireIdentity): "live" | "dead" | "unknown" {
    const id = formatProcessId(identity);
    const { guests } = this.#context.records;
    const record = guests.get(id);
    if (record !== undefined && record.ticket === identity.ticket && !record.left) return "live";
    // Its end is on its way home and says more.
    if (this.#endings.isKnown(id)) return "unknown";
    if (this.#offers.get(identity.ticket)?.accepted === true) return "unknown";
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
