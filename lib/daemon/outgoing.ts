/**
 * Outgoing moves.
 *
 * Offer, connection for the memory, order, report; and orders home.
 *
 * @module
 */
import { describe, HostError } from "../base/errors.ts";
import { version } from "../base/version.ts";
import type { Effect } from "../core/contract/effect.ts";
import { monotonicMs, wallMs } from "../host/clock.ts";
import { callHello, type WireIdentity } from "../host/handshake.ts";
import { logger } from "../host/log.ts";
import * as native from "../host/native.ts";
import { connectTcp, takeDescriptor } from "../host/tcp.ts";
import { commands, limits } from "../wire/schema.ts";
import type { Context } from "./context.ts";
import type { OrderResult, Orders } from "./orders.ts";
import { loadValue, readAnnouncement } from "./announcements.ts";
import type { Inspections } from "./inspections.ts";
import type { Peers } from "./peers.ts";
import { wireIdentity } from "./tickets.ts";
import { isGuest, pidOf, ticksOf } from "./records.ts";
import type { Treatments } from "./treatments.ts";

const log = logger("moves");

/** How long the other node may take to say what became of a move: it looks for a second itself. */
const FATE_MS_MAX = 3_000;

type EffectOf<T extends Effect["type"]> = Extract<Effect, { type: T }>;

/** The move with the times of its phases, for its one line in the log. */
interface Phases {
  offerMs: number;
  connectMs: number;
}

/** The sending side of moves. */
export class Outgoing {
  readonly #context: Context;
  readonly #peers: Peers;
  readonly #orders: Orders;
  readonly #treatments: Treatments;
  readonly #inspections: Inspections;
  readonly #phases = new Map<bigint, Phases>();

  constructor(
    context: Context,
    parts: {
      readonly peers: Peers;
      readonly orders: Orders;
      readonly treatments: Treatments;
      readonly inspections: Inspections;
    },
  ) {
    this.#treatments = parts.treatments;
    this.#inspections = parts.inspections;
    this.#context = context;
    this.#peers = parts.peers;
    this.#orders = parts.orders;
  }

  /** Forgets moves that an earlier run of the daemon ordered, once each of their steps has ended. */
  check(): void {
    const { records, startedMs, config } = this.#context;
    if (monotonicMs() - startedMs <= 2 * config.ioTimeoutMs) return;
    for (const record of records.locals.values()) {
      if (record.moving !== null && !this.#orders.isUnderWay(record.moving)) record.moving = null;
    }
  }

  /** Performs the effect `offer`: a frame `offer` to that node, its answer to the balancer. */
  async offer({ ticket, to, id, manual, weight, load }: EffectOf<"offer">): Promise<void> {
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
    const record = this.#inspections.find(id);
    const inspection = await this.#inspections.inspect(id);
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
        weight,
        load: loadValue(load),
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
    const record = this.#inspections.find(id); // before the move, which takes it away
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
    const record = this.#inspections.find(id);
    this.#treatments.wake(id);
    const inspection = await this.#inspections.inspect(id);
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
      shared: isGuest(record) ? [] : [parts.shadow],
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
}

function aborted(reason: string): OrderResult {
  return { outcome: "aborted", reason, bytes: 0, freezeMs: 0, fetchMs: null };
}
