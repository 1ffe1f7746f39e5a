/**
 * Shadows: what stands at home for processes that run away.
 *
 * Their links, their losses, their ends, and the way home.
 *
 * @module
 */
import { HostError } from "../base/errors.ts";
import { formatProcessId } from "../core/contract/process_id.ts";
import type { ProcessId } from "../core/contract/names.ts";
import { monotonicMs } from "../host/clock.ts";
import type { ControlPeer } from "../host/control.ts";
import type { Hello, WireIdentity } from "../host/handshake.ts";
import { logger } from "../host/log.ts";
import { obstacle } from "../host/obstacles.ts";
import * as native from "../host/native.ts";
import { isAlive, isShadow, programName } from "../host/proc.ts";
import { takeDescriptor, type TcpConnection } from "../host/tcp.ts";
import type { LocalValues } from "../wire/local.ts";
import { guestStates, limits, verdicts } from "../wire/schema.ts";
import type { Context, Watch } from "./context.ts";
import type { Orders } from "./orders.ts";
import {
  type EndingRecord,
  localAsProcess,
  type LocalRecord,
  type ShadowRecord,
} from "./records.ts";
import { systemCallName } from "./system_calls.ts";

const log = logger("shadows");

/** What may be said of a ticket. */
export type Verdict = keyof typeof verdicts;

/** A question to a shadow that was not answered yet. */
interface Question {
  readonly connection: number;
  readonly ticket: bigint;
  readonly settle: (verdict: Verdict) => void;
}

/** A shadow answers at once unless it is in a long system call of its program. */
const QUESTION_TIMEOUT_MS = 3_000;

/** The shadows of this node. */
export class Shadows {
  readonly #context: Context;
  readonly #orders: Orders;
  readonly #watch: Watch;
  #questions: Question[] = [];
  readonly #waiters = new Map<ProcessId, (failure: string | null) => void>();

  constructor(context: Context, orders: Orders, watch: Watch) {
    this.#context = context;
    this.#orders = orders;
    this.#watch = watch;
  }

  /** A shadow tells of itself: first on its connection, and at each change. */
  shadow(peer: ControlPeer, message: LocalValues<"Shadow">): void {
    const { records, dispatch, node } = this.#context;
    const identity = {
      homeNode: message.homeNode,
      homePid: peer.pid,
      startTicks: message.startTicks,
    };
    const id = formatProcessId(identity);
    if (message.homeNode !== node) {
      log.warning("a shadow of another node name", { process: id });
    }
    const known = records.shadows.get(id);
    const record: ShadowRecord = {
      ...identity,
      id,
      program: message.program === "" ? known?.program ?? "" : message.program,
      ticket: message.liveTicket,
      preparedTicket: message.preparedTicket,
      runsOn: message.state === guestStates.waiting ? null : message.runsOn,
      lost: message.state === guestStates.lost,
      connection: peer.connection,
    };
    records.shadows.set(id, record);
    if (known === undefined || known.connection === null) {
      this.#watch(peer.pid, record.startTicks);
    }
    // Its move's report may be lost with an earlier run of the daemon: this says the same.
    const local = records.locals.get(id);
    if (local !== undefined && (local.moving === null || !this.#orders.isAwaited(local.moving))) {
      records.locals.delete(id);
      dispatch({ type: "processEnded", id });
    }
    records.save();
    const ending = records.toShadow.get(id);
    if (ending !== undefined && isTicketOf(record, ending.ticket)) this.#tellEnd(record, ending);
    else records.toShadow.delete(id);
    if (!record.lost && known?.connection !== peer.connection) {
      // It was exec'ed again: the way home has failed.
      this.#waiters.get(id)?.("the process could not come home: it goes on where it is");
    }
    if (known !== undefined && known.ticket !== record.ticket) {
      log.info("guest moved", { process: id, to: record.runsOn ?? "-" });
    }
  }

  /** A frame `ended`, or a guest of this node whose home is here: its shadow must end the same way. */
  ended(ending: EndingRecord): void {
    const { records } = this.#context;
    const id = formatProcessId(ending);
    const record = records.shadows.get(id);
    // In-band EXIT was faster: nobody is left to tell. One that runs here according to the records may be a
    // shadow that has yet to connect, as a killed daemon's last state may be older than the move.
    if (!isAlive(ending.homePid, ending.startTicks)) return;
    // A copy that never went live has ended: the process itself runs on.
    if (record !== undefined && !isTicketOf(record, ending.ticket)) return;
    records.toShadow.set(id, ending);
    records.flush();
    if (record !== undefined) this.#tellEnd(record, ending);
  }

  #tellEnd(record: ShadowRecord, ending: EndingRecord): void {
    const { ticket, startTicks, homePid, homeNode, waitStatus } = ending;
    if (record.connection === null) return;
    this.#context.control.send(record.connection, "GuestEnded", {
      ticket,
      startTicks,
      homePid,
      homeNode,
      waitStatus,
    });
  }

  /** A shadow's answer to Inquire or Link. */
  verdict(peer: ControlPeer, message: LocalValues<"Verdict">): void {
    const index = this.#questions.findIndex((question) =>
      question.connection === peer.connection && question.ticket === message.ticket
    );
    if (index < 0) return;
    const [question] = this.#questions.splice(index, 1);
    const verdict = (Object.keys(verdicts) as Verdict[])
      .find((name) => verdicts[name] === message.verdict);
    question?.settle(verdict ?? "unknown");
  }

  #ask(connection: number, ticket: bigint): Promise<Verdict> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => question.settle("unknown"), QUESTION_TIMEOUT_MS);
      const question: Question = {
        connection,
        ticket,
        settle: (verdict) => {
          clearTimeout(timer);
          this.#questions = this.#questions.filter((other) => other !== question);
          resolve(verdict);
        },
      };
      this.#questions.push(question);
      if (!this.#context.control.send(connection, "Inquire", { ticket, zero64: 0n })) {
        question.settle("unknown");
      }
    });
  }

  /** What this node, as its home, says of a ticket. Dead only where that is proved. */
  async judge(identity: WireIdentity): Promise<Verdict> {
    const { records, node, startedMs, config } = this.#context;
    const { homePid, startTicks, homeNode, ticket } = identity;
    if (homeNode !== node) return "unknown";
    if (!isAlive(homePid, startTicks)) return "dead";
    const id = formatProcessId(identity);
    const connection = records.shadows.get(id)?.connection ?? null;
    if (connection !== null) return await this.#ask(connection, ticket);
    const local = records.locals.get(id);
    if (local === undefined || isShadow(homePid)) return "unknown";
    if (local.moving === null) return "dead";
    // Between its last word to the new node and its shadow only the process itself knows. Orders of
    // an earlier run of the daemon end unseen; each of their steps ends within the time-out.
    if (this.#orders.isUnderWay(local.moving)) return "unknown";
    return monotonicMs() - startedMs > 2 * config.ioTimeoutMs ? "dead" : "unknown";
  }

  /**
   * Whether an image may be continued: its shadow waits. Of two copies that ask at once the shadow
   * takes the first to say HELLO; one that fails before that leaves the image to the next.
   */
  #isWaiting(id: ProcessId): boolean {
    return this.#context.records.shadows.get(id)?.runsOn === null;
  }

  /** A connection of role link or restart, after its proof: a copy wants to speak to its shadow. */
  async takeLink(connection: TcpConnection, hello: Hello): Promise<void> {
    const { identity } = hello;
    const { records, config, control } = this.#context;
    const id = formatProcessId(identity);
    try {
      let verdict = await this.judge(identity);
      if (verdict === "live" && hello.role === "restart" && !this.#isWaiting(id)) verdict = "dead";
      log[verdict === "live" ? "info" : "debug"]("link", {
        process: id,
        from: hello.node,
        verdict,
      });
      await connection.send("verdict", {
        request: 0n,
        ticket: identity.ticket,
        verdict: verdicts[verdict],
      });
      const shadow = records.shadows.get(id)?.connection ?? null;
      if (verdict !== "live" || shadow === null) return connection.close();
      const fd = takeDescriptor(connection, config.ioTimeoutMs);
      const { ticket, startTicks } = identity;
      control.send(shadow, "Link", { ticket, startTicks, node: hello.node }, [fd]);
      native.close(fd);
    } catch (error) {
      connection.close();
      if (!(error instanceof HostError)) throw error;
    }
  }

  /** A process runs at home again. */
  cameHome(peer: ControlPeer, message: LocalValues<"CameHome">): void {
    const { records, control, node, dispatch } = this.#context;
    const identity = { homeNode: node, homePid: peer.pid, startTicks: message.startTicks };
    const id = formatProcessId(identity);
    const shadow = records.shadows.get(id);
    const { systemCall, request } = message;
    const name = systemCall === limits.noSystemCall
      ? null
      : systemCallName(systemCall, Number(request));
    const cantmove = name === null ? null : obstacle("NEEDS_HOME", name);
    control.send(peer.connection, "Ack", { code: 0, flags: 0 });
    records.shadows.delete(id);
    records.toShadow.delete(id);
    const program = shadow?.program || programName(peer.pid);
    const cpuElsewhere = Number(message.cpuUs) / 1e6;
    const local: LocalRecord = { ...identity, id, program, cantmove, moving: null, cpuElsewhere };
    records.locals.set(id, local);
    records.save();
    this.#watch(peer.pid, message.startTicks);
    log.info("came home", {
      process: id,
      program,
      from: shadow?.runsOn ?? null,
      cpuElsewhere,
      reason: cantmove,
    });
    const process = { id, homeNode: node, pid: peer.pid, program };
    dispatch({ type: "cameHome", process, cantmove });
    this.#waiters.get(id)?.(null);
  }

  /**
   * Brings a process home and waits until it runs here.
   *
   * @throws {HostError} If it does not come; it goes on where it is.
   */
  async bringHome(record: ShadowRecord): Promise<void> {
    const { control, config } = this.#context;
    const cannot = (reason: string, fix = "See the log of both nodes") =>
      new HostError(`Cannot bring ${record.id} home: ${reason}`, { fix });
    if (record.runsOn === null) {
      throw cannot(
        "it is an image that waits to be restarted",
        "Continue it by `lb restart IMAGE` on the node where it shall run",
      );
    }
    if (record.connection === null) throw cannot("its shadow is not connected");
    if (this.#waiters.has(record.id)) throw cannot("it is on its way already");
    const limitMs = 6 * config.ioTimeoutMs;
    const failure = await new Promise<string | null>((resolve) => {
      const timer = setTimeout(() => resolve(`it has not come in ${limitMs} ms`), limitMs);
      this.#waiters.set(record.id, (reason) => {
        clearTimeout(timer);
        resolve(reason);
      });
      const values = { ticket: record.ticket, zero64: 0n };
      if (!control.send(record.connection ?? 0, "BringHome", values)) {
        this.#waiters.get(record.id)?.("its shadow does not listen");
      }
    }).finally(() => this.#waiters.delete(record.id));
    if (failure !== null) throw cannot(failure);
  }

  /** A shadow's connection is gone: its process ended, or is in an exec, or the daemon is new. */
  hangup(peer: ControlPeer): void {
    for (const record of this.#context.records.shadows.values()) {
      if (record.connection === peer.connection) record.connection = null;
    }
    for (const question of this.#questions.filter((q) => q.connection === peer.connection)) {
      question.settle("unknown");
    }
  }

  /** A process of this node is gone. */
  exited(pid: number): void {
    const { records } = this.#context;
    const record = records.findShadowByPid(pid);
    if (record === null) return;
    records.shadows.delete(record.id);
    records.toShadow.delete(record.id);
    records.save();
    log.info("shadow ended", { process: record.id, program: record.program });
    this.#waiters.get(record.id)?.("it ended");
  }

  /** Takes up the shadows of an earlier run of the daemon: those that live connect by themselves. */
  recover(): void {
    const { records, dispatch } = this.#context;
    for (const record of [...records.shadows.values()]) {
      const { id, homeNode, homePid, startTicks, program } = record;
      const alive = this.#watch(homePid, startTicks);
      if (alive && isShadow(homePid)) continue;
      records.shadows.delete(id);
      if (!alive) continue;
      // It came home while no daemon ran, or is about to: should it fail yet, its shadow will tell,
      // and until then this is no proof (judge).
      const moving = record.ticket;
      const local = { id, homeNode, homePid, startTicks, program, cantmove: null, moving };
      records.locals.set(id, local);
      dispatch({ type: "processArrived", process: localAsProcess(local) });
    }
    for (const [id, ending] of [...records.toShadow]) {
      if (!isAlive(ending.homePid, ending.startTicks)) records.toShadow.delete(id);
    }
  }
}

/** Whether a copy under this ticket is, or is about to be, the live one. */
function isTicketOf(record: ShadowRecord, ticket: bigint): boolean {
  return ticket === record.ticket || ticket === record.preparedTicket;
}
