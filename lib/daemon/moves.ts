/**
 * Outgoing moves.
 *
 * Offer, connection for the memory, order, report; and orders home and to a file.
 *
 * @module
 */
import { describe, HostError } from "../base/errors.ts";
import { version } from "../base/version.ts";
import type { Effect } from "../core/contract/effect.ts";
import type { ProcessId } from "../core/contract/names.ts";
import { monotonicMs, wallMs } from "../host/clock.ts";
import { triggerSignals } from "../host/config.ts";
import type { ControlPeer } from "../host/control.ts";
import { isFailure } from "../host/failure.ts";
import { callHello, type WireIdentity } from "../host/handshake.ts";
import { logger } from "../host/log.ts";
import * as native from "../host/native.ts";
import { inspect, type Inspection } from "../host/proc.ts";
import { connectTcp, takeDescriptor } from "../host/tcp.ts";
import { commands, limits } from "../wire/schema.ts";
import type { Context } from "./context.ts";
import type { Order, OrderResult, Orders } from "./orders.ts";
import { readAnnouncement } from "./announcements.ts";
import type { Peers } from "./peers.ts";
import { type GuestRecord, isGuest, type LocalRecord, pidOf, ticksOf } from "./records.ts";
import type { Treatments } from "./treatments.ts";

const log = logger("moves");

/** A look at /proc takes a millisecond, but waits for a process that the kernel is busy with. */
const INSPECTION_MS_MAX = 2_000;
const SILENT = `the kernel has not told about it within ${INSPECTION_MS_MAX} ms`;

const OVERDUE = "an earlier order has taken too long and has not ended yet";

/** How long the other node may take to say what became of a move: it looks for a second itself. */
const FATE_MS_MAX = 3_000;

/** What is known of a process that cannot be seen. */
const unseen = { cpuSeconds: 0, rssBytes: 0, memoryBytes: 0 };

type EffectOf<T extends Effect["type"]> = Extract<Effect, { type: T }>;

/** The move with the times of its phases, for its one line in the log. */
interface Phases {
  offerMs: number;
  connectMs: number;
}

/** The sending side of moves. */
export class Moves {
  readonly #context: Context;
  readonly #peers: Peers;
  readonly #orders: Orders;
  readonly #treatments: Treatments;
  readonly #phases = new Map<bigint, Phases>();

  constructor(context: Context, peers: Peers, orders: Orders, treatments: Treatments) {
    this.#treatments = treatments;
    this.#context = context;
    this.#peers = peers;
    this.#orders = orders;
  }

  /** The record of a process that runs here. */
  find(id: ProcessId): LocalRecord | GuestRecord | null {
    const { locals, guests } = this.#context.records;
    const guest = guests.get(id);
    return locals.get(id) ?? (guest?.running === true && !guest.left ? guest : null);
  }

  /** Forgets moves that an earlier run of the daemon ordered, once each of their steps has ended. */
  check(): void {
    const { records, startedMs, config } = this.#context;
    if (monotonicMs() - startedMs <= 2 * config.ioTimeoutMs) return;
    for (const record of records.locals.values()) {
      if (record.moving !== null && !this.#orders.isUnderWay(record.moving)) record.moving = null;
    }
  }

  /** Looks at a process of this node; null: it is gone. */
  async inspect(id: ProcessId): Promise<Inspection | null> {
    const record = this.find(id);
    if (record === null) return null;
    const look = inspect(pidOf(record), ticksOf(record), {
      signal: isGuest(record) ? triggerSignals.SIGURG : this.#context.signal,
      guest: isGuest(record),
      isStoppedByUs: isGuest(record) && record.stopped === true,
    });
    const seen = look.catch((error) => {
      if (!isFailure(error)) throw error;
      return { ...unseen, cantmove: `it cannot be looked at just now: ${describe(error)}` };
    });
    const inspection = await within(INSPECTION_MS_MAX, seen, { ...unseen, cantmove: SILENT });
    if (inspection === null) return null;
    const { cpuElsewhere = 0 } = record;
    const known = isGuest(record) ? null : record.cantmove;
    return {
      ...inspection,
      cpuSeconds: inspection.cpuSeconds + cpuElsewhere,
      cantmove: known ?? this.#named(inspection.cantmove, pidOf(record)),
    };
  }

  /** In the middle of an order a process blocks all signals: that is not its program's doing. */
  #named(cantmove: string | null, pid: number): string | null {
    const isBlocking = cantmove?.startsWith("it blocks signal") === true;
    return isBlocking && this.#orders.isOverdue(pid) ? OVERDUE : cantmove;
  }

  /** Looks at a process of this node now and tells the balancer. */
  async refresh(id: ProcessId): Promise<void> {
    const inspection = await this.inspect(id);
    if (inspection === null) return;
    const { cpuSeconds, rssBytes, memoryBytes, cantmove } = inspection;
    const samples = [{ id, cpuSeconds, rssBytes, memoryBytes, cantmove }];
    this.#context.dispatch({ type: "sampled", samples });
  }

  /** Performs the effect `offer`: a frame `offer` to that node, its answer to the balancer. */
  async offer({ ticket, to, id, manual }: EffectOf<"offer">): Promise<void> {
    const startMs = monotonicMs();
    const answer = (accepted: boolean, reason: string | null) =>
      this.#context.dispatch({
        type: "offerAnswered",
        ticket,
        from: to,
        accepted,
        announcement: null,
        reason,
      });
    const record = this.find(id);
    const inspection = await this.inspect(id);
    if (record === null || inspection === null) return answer(false, "the process is gone");
    if (inspection.cantmove !== null) return answer(false, inspection.cantmove);
    try {
      const cpuFeatures = native.cpuFeatures();
      const frame = await this.#peers.request(to, "offer", {
        ...wireIdentity(record, ticket),
        memoryBytes: BigInt(inspection.memoryBytes),
        cpuMs: BigInt(Math.round(1000 * inspection.cpuSeconds)),
        clockMs: BigInt(wallMs()),
        xcr0: new DataView(cpuFeatures.buffer).getBigUint64(0, true),
        cpuFeatures,
        program: record.program,
        lbVersion: version,
        manual: manual ? 1 : 0,
      });
      if (frame.type !== "accept" && frame.type !== "refuse") {
        return answer(false, `it answered ${frame.type}`);
      }
      const { values } = frame;
      this.#phases.set(ticket, { offerMs: monotonicMs() - startMs, connectMs: 0 });
      this.#context.dispatch({
        type: "offerAnswered",
        ticket,
        from: to,
        accepted: frame.type === "accept",
        announcement: readAnnouncement(values, values.letter),
        reason: frame.type === "refuse" ? frame.values.reason : null,
      });
    } catch (error) {
      answer(false, describe(error));
    }
  }

  /** Performs the effect `withdrawOffer`. */
  withdraw({ ticket, to }: EffectOf<"withdrawOffer">): void {
    this.#phases.delete(ticket);
    this.#peers.tell(to, "withdraw", { ticket });
  }

  /** Performs the effect `orderMove`, to its end. */
  async move({ ticket, id, to, home }: EffectOf<"orderMove">): Promise<void> {
    const startMs = monotonicMs();
    const phases = this.#phases.get(ticket) ?? { offerMs: 0, connectMs: 0 };
    this.#phases.delete(ticket);
    const record = this.find(id); // before the move, which takes it away
    const tried = await this.#tryMove({ ticket, id, to, home }, phases)
      .catch((error): OrderResult => aborted(describe(error)));
    const result = tried.outcome !== "aborted" || home || record === null
      ? tried
      : { ...tried, reason: await this.#explain(to, wireIdentity(record, ticket), tried.reason) };
    const fields = {
      process: id,
      program: record?.program ?? "",
      to,
      ticket,
      outcome: result.outcome,
      reason: result.reason,
      bytes: result.bytes,
      offerMs: phases.offerMs,
      connectMs: phases.connectMs,
      fetchMs: result.fetchMs,
      freezeMs: result.freezeMs,
      totalMs: monotonicMs() - startMs + phases.offerMs,
    };
    const carried = result.carried === undefined ? {} : { carried: result.carried };
    if (result.outcome === "aborted") {
      log.warning("move", fields);
      this.#context.dispatch({
        type: "moveEnded",
        ticket,
        outcome: "aborted",
        reason: result.reason ?? "no reason given",
        ...carried,
      });
      // So that the place there does not wait for its time-out.
      this.#peers.tell(to, "withdraw", { ticket });
    } else {
      log.info("move", fields);
      this.#context.dispatch({ type: "moveEnded", ticket, outcome: "moved", ...carried });
    }
  }

  /** Why a move was aborted: what the other node knows comes first, as here only the stream broke. */
  async #explain(to: string, identity: WireIdentity, reason: string | null): Promise<string> {
    const seen = reason ?? "no reason given";
    const values = { ...identity, command: commands.fate, pid: 0, destination: "", path: "" };
    try {
      const answer = await this.#peers.request(to, "command", values, { timeoutMs: FATE_MS_MAX });
      const there = answer.type === "accept" ? answer.values.detail : "";
      return there === "" ? seen : `on ${to}: ${there} (here: ${seen})`;
    } catch {
      return seen.includes(to) ? seen : `${seen}; ${to} does not answer: see whether it runs`;
    }
  }

  async #tryMove(
    { ticket, id, to, home }: Omit<EffectOf<"orderMove">, "type">,
    phases: Phases,
  ): Promise<OrderResult> {
    const record = this.find(id);
    this.#treatments.wake(id);
    const inspection = await this.inspect(id);
    if (record === null || inspection === null) return aborted("the process is gone");
    if (inspection.cantmove !== null) return aborted(inspection.cantmove);
    const connectStartMs = monotonicMs();
    const fds = home ? [] : [await this.#connectMemory(to, wireIdentity(record, ticket))];
    phases.connectMs = monotonicMs() - connectStartMs;
    const { records, parts } = this.#context;
    if (!isGuest(record)) {
      record.moving = ticket;
      // On disk before the process hears of it: after a restart of the daemon this record must not
      // pass for proof that the process runs here.
      records.flush();
    }
    const result = await this.#orders.issue({
      kind: home ? "home" : "move",
      pid: pidOf(record),
      startTicks: ticksOf(record),
      identity: record,
      ticket,
      destination: to,
      fds,
      shared: isGuest(record) ? [] : [parts.shadow, parts.preload],
      memoryBytes: inspection.memoryBytes,
    });
    if (!isGuest(record)) {
      if (!this.#orders.isUnderWay(ticket)) record.moving = null;
      if (result.outcome === "moved") records.locals.delete(id);
      records.save();
    }
    return result;
  }

  /** Opens the connection that will carry the memory; the node there has the place. */
  async #connectMemory(to: string, identity: WireIdentity): Promise<number> {
    const connection = await connectTcp(to, limits.helloTimeoutMs);
    try {
      await callHello(connection, this.#context.credentials, "memory", identity);
      const timer = setTimeout(() => connection.close(), limits.answerTimeoutMs);
      const frame = await connection.read(limits.helloFrameSizeMax).finally(() =>
        clearTimeout(timer)
      );
      if (frame?.type !== "accept") {
        const reason = frame?.type === "refuse" ? frame.values.reason : "it did not answer";
        throw new HostError(`Cannot send to ${to}: ${reason}`, { fix: "See the other node's log" });
      }
      return takeDescriptor(connection, this.#context.config.ioTimeoutMs);
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /**
   * Writes the image of a process that is at home here.
   *
   * @param options `path`: absolute, of a file that does not exist yet. `stay`: the process goes on;
   * else a waiting shadow takes its place. `asker`: the process itself, which waits for the order.
   * @throws {HostError} If it could not be written; the process goes on then.
   */
  async checkpoint(
    record: LocalRecord,
    options: { readonly path: string; readonly stay: boolean; readonly asker?: ControlPeer },
  ): Promise<OrderResult> {
    const { path, stay, asker } = options;
    const { records, parts, dispatch } = this.#context;
    const inspection = await this.inspect(record.id);
    if (inspection === null) throw cannotWrite(path, "the process is gone");
    // A process in its handler blocks its signals: that is no obstacle to what it asked for.
    if (inspection.cantmove !== null && asker === undefined) {
      throw cannotWrite(path, inspection.cantmove);
    }
    if (record.moving !== null) throw cannotWrite(path, "it is moving just now");
    const { writeOnly, create, exclusive } = native.openFlags;
    const image = native.open(path, writeOnly | create | exclusive, 0o600);
    const order: Order = {
      kind: stay ? "snapshot" : "checkpoint",
      pid: record.homePid,
      startTicks: record.startTicks,
      identity: record,
      ticket: newTicket(),
      destination: "",
      fds: [image],
      shared: stay ? [] : [parts.shadow, parts.preload],
      memoryBytes: inspection.memoryBytes,
    };
    record.moving = order.ticket;
    records.flush();
    const result = asker === undefined
      ? await this.#orders.issue(order)
      : await this.#orders.grant(asker, order);
    if (!this.#orders.isUnderWay(order.ticket)) record.moving = null;
    const { outcome, reason, bytes, freezeMs } = result;
    const fields = { process: record.id, path, outcome, reason, bytes, freezeMs };
    if (outcome === "aborted") {
      if (record.moving === null) await Deno.remove(path).catch(() => {});
      records.save();
      log.warning("checkpoint", fields);
      throw cannotWrite(path, reason ?? "no reason given");
    }
    log.info("checkpoint", fields);
    if (!stay && records.locals.delete(record.id)) {
      dispatch({ type: "processEnded", id: record.id });
    }
    records.save();
    return result;
  }

  /** A process got SIGTSTP by hand: the thesis's manual trigger, unless the config says stop. */
  async byHand(peer: ControlPeer): Promise<void> {
    const { records, config } = this.#context;
    const record = records.findByPid(peer.pid);
    if (config.sigtstp === "stop" || record === null || isGuest(record)) {
      return this.#orders.refuse(peer, 0n);
    }
    const directory = `${config.runtimeDir}/images`;
    const path = `${directory}/${record.program}-${record.homePid}-${wallMs()}.img`;
    try {
      await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
      await this.checkpoint(record, { path, stay: false, asker: peer });
    } catch (error) {
      log.warning("checkpoint by hand", { process: record.id, reason: describe(error) });
      // Fails quietly where the order was handed over already: nobody waits any more.
      this.#orders.refuse(peer, 0n);
    }
  }
}

/** What a promise gives, or `late` if it takes longer. */
async function within<T>(ms: number, promise: Promise<T>, late: T): Promise<T> {
  let timer: number | undefined;
  const lateness = new Promise<T>((resolve) => timer = setTimeout(() => resolve(late), ms));
  return await Promise.race([promise, lateness]).finally(() => clearTimeout(timer));
}

function aborted(reason: string): OrderResult {
  return { outcome: "aborted", reason, bytes: 0, freezeMs: 0, fetchMs: null };
}

function cannotWrite(path: string, reason: string): HostError {
  return new HostError(`Cannot write the image ${path}: ${reason}`, {
    fix: "See `lb ps` for why a process cannot be checkpointed now",
  });
}

/** Identity and ticket as frames carry them. */
export function wireIdentity(record: LocalRecord | GuestRecord, ticket: bigint): WireIdentity {
  const { startTicks, homePid, homeNode } = record;
  return { ticket, startTicks, homePid, homeNode };
}

/** A random ticket, never 0: unique for ever without asking anybody. */
export function newTicket(): bigint {
  const [value = 0n] = crypto.getRandomValues(new BigUint64Array(1));
  return value | 1n;
}
