/**
 * Orders to processes of this node.
 *
 * Queued by signal, fetched by the process, reported on.
 *
 * @module
 */
import { describe } from "../base/errors.ts";
import type { Carried } from "../core/contract/event.ts";
import type { ProcessIdentity } from "../core/contract/process_id.ts";
import { moveLimitMs } from "../core/contract/timeouts.ts";
import { monotonicMs } from "../host/clock.ts";
import { triggerSignals } from "../host/config.ts";
import type { ControlPeer } from "../host/control.ts";
import { logger } from "../host/log.ts";
import { obstacle } from "../host/obstacles.ts";
import { parseStat } from "../host/proc.ts";
import * as native from "../host/native.ts";
import { whyNotParked } from "../host/threads.ts";
import { describeCode } from "../../ffi/unwrap.ts";
import type { LocalValues } from "../wire/local.ts";
import { errors, limits, orders, outcomes } from "../wire/schema.ts";
import type { Context } from "./context.ts";

const log = logger("orders");

/** What an order asks of a process. */
export interface Order {
  readonly kind: "move" | "checkpoint" | "snapshot" | "home";
  /** PID and start time on this node. */
  readonly pid: number;
  readonly startTicks: bigint;
  readonly identity: ProcessIdentity;
  readonly ticket: bigint;
  readonly destination: string;
  /** Handed over with the order and closed here afterwards; `shared` ones stay open. */
  readonly fds: readonly number[];
  readonly shared: readonly number[];
  /** What is to be sent: `moveLimitMs()` of it is how long the order may take after it was fetched. */
  readonly memoryBytes: number;
}

/** How an order ended. */
export interface OrderResult {
  readonly outcome: keyof typeof outcomes;
  /** Why it was aborted; null otherwise. */
  readonly reason: string | null;
  readonly bytes: number;
  readonly freezeMs: number;
  /** What the move has shown of its link. */
  readonly carried?: Carried;
  /** From the signal to the process's answer; null: it never answered. */
  readonly fetchMs: number | null;
}

interface Pending {
  readonly order: Order;
  readonly issuedMs: number;
  /** Looked at right before the signal: time limits of a call that it interrupts go on from there. */
  lastRan: native.LastRan;
  fetchMs: number | null;
  timer: number;
  readonly settle: (result: Omit<OrderResult, "fetchMs">) => void;
}

/** A report may be read after the news of its sender's end; both come within moments. */
const LATE_REPORT_MS = 1_000;

/** The orders of this node that have not ended. */
export class Orders {
  readonly #context: Context;
  readonly #pending = new Map<bigint, Pending>();
  /** Given up, but their processes hang in the middle and may still carry them out. */
  readonly #overdue = new Map<bigint, Order>();

  constructor(context: Context) {
    this.#context = context;
  }

  /** Gives an order and waits for its end, however it ends. Takes over the order's `fds`. */
  issue(order: Order): Promise<OrderResult> {
    return this.#add(order, (id) => {
      try {
        const pending = this.#pending.get(id);
        const isAtHome = this.#isAtHome(order);
        if (isAtHome && pending !== undefined) pending.lastRan = native.lastRan(order.pid);
        // A guest was launched under its home's config, and listens to SIGURG for its link anyway.
        const signal = isAtHome ? this.#context.signal : triggerSignals.SIGURG;
        native.queueOrder(order.pid, order.startTicks, { signal, id });
      } catch (error) {
        this.#abort(id, describe(error));
      }
    });
  }

  #isAtHome({ identity, pid, startTicks }: Order): boolean {
    return identity.homeNode === this.#context.node && identity.homePid === pid &&
      identity.startTicks === startTicks;
  }

  /** Gives an order to a process that has asked for one by itself, and waits as `issue()` does. */
  grant(peer: ControlPeer, order: Order): Promise<OrderResult> {
    return this.#add(order, (id) => {
      this.fetch(peer, { orderId: id, pid: peer.pid, zero: 0 });
    });
  }

  #add(order: Order, begin: (id: bigint) => void): Promise<OrderResult> {
    const id = newOrderId();
    return new Promise((resolve) => {
      const pending: Pending = {
        order,
        issuedMs: monotonicMs(),
        lastRan: { ns: 0n, switches: 0n },
        fetchMs: null,
        timer: setTimeout(() => {
          // Deno may call it in the turn in which it was cleared: the order stands once it is fetched.
          if (pending.fetchMs !== null) return;
          this.#abort(id, `it did not answer within ${limits.orderTimeoutMs} ms`);
        }, limits.orderTimeoutMs),
        settle: (result) => {
          if (!this.#pending.delete(id)) return;
          clearTimeout(pending.timer);
          if (pending.fetchMs === null) order.fds.forEach((fd) => native.close(fd));
          resolve({ ...result, fetchMs: pending.fetchMs });
        },
      };
      this.#pending.set(id, pending);
      begin(id);
    });
  }

  #abort(id: bigint, reason: string, carried?: Carried): void {
    const result = { outcome: "aborted", reason, bytes: 0, freezeMs: 0 } as const;
    this.#pending.get(id)?.settle(carried === undefined ? result : { ...result, carried });
  }

  /** A process asks whether an order stands. Answers it; true if it does. */
  fetch(peer: ControlPeer, message: LocalValues<"Fetch">): boolean {
    const pending = this.#pending.get(message.orderId);
    if (pending === undefined || pending.fetchMs !== null || pending.order.pid !== peer.pid) {
      log.info("an order no longer stands", { pid: peer.pid });
      this.refuse(peer, message.orderId);
      return false;
    }
    const { order, lastRan } = pending;
    const { identity, ticket, destination } = order;
    const sent = this.#context.control.send(peer.connection, "Order", {
      orderId: message.orderId,
      ticket,
      startTicks: identity.startTicks,
      lastRanNs: lastRan.ns,
      switches: lastRan.switches,
      kind: orders[order.kind],
      homePid: identity.homePid,
      ioTimeoutMs: this.#context.config.ioTimeoutMs,
      reconnectLimitMs: this.#context.config.reconnectLimitMs,
      homeNode: identity.homeNode,
      destination,
    }, [...order.fds, ...order.shared]);
    if (!sent) {
      this.#abort(message.orderId, "the order could not be handed over");
      return false;
    }
    clearTimeout(pending.timer);
    pending.fetchMs = monotonicMs() - pending.issuedMs;
    for (const fd of order.fds) native.close(fd);
    const limitMs = moveLimitMs(this.#context.config.ioTimeoutMs, order.memoryBytes);
    pending.timer = setTimeout(() => {
      this.#overdue.set(message.orderId, order);
      const carried = { bytes: order.memoryBytes, ms: limitMs };
      const mebibytes = Math.ceil(order.memoryBytes / 2 ** 20);
      const reason = `it has said nothing for ${limitMs} ms, ` +
        (isStopped(order.pid)
          ? `as it is stopped: kill -CONT ${order.pid}`
          : `which is too long for its ${mebibytes} MiB: it goes on when this step has ended`);
      this.#abort(message.orderId, reason, carried);
    }, limitMs);
    return true;
  }

  /** Tells a process that there is nothing to do. */
  refuse(peer: ControlPeer, orderId: bigint): void {
    this.#context.control.send(peer.connection, "Order", {
      orderId,
      ticket: 0n,
      startTicks: 0n,
      lastRanNs: 0n,
      switches: 0n,
      kind: orders.none,
      homePid: 0,
      ioTimeoutMs: this.#context.config.ioTimeoutMs,
      reconnectLimitMs: this.#context.config.reconnectLimitMs,
      homeNode: "",
      destination: "",
    });
  }

  /** A process, or the shadow that it became, says how its order ended. */
  report(peer: ControlPeer, message: LocalValues<"Report">): void {
    const pending = this.#pending.get(message.orderId);
    if (this.#overdue.get(message.orderId)?.pid === peer.pid) this.#overdue.delete(message.orderId);
    if (pending === undefined || pending.order.pid !== peer.pid) {
      log.info("a report on an order that is over", { pid: peer.pid, outcome: message.outcome });
      return;
    }
    const outcome = (Object.keys(outcomes) as (keyof typeof outcomes)[])
      .find((name) => outcomes[name] === message.outcome) ?? "aborted";
    const reason = outcome === "aborted"
      ? `${whyAborted(peer.pid, message)} (step ${message.step})`
      : null;
    const bytes = Number(message.bytes);
    const freezeMs = Number(message.freezeUs) / 1000;
    const result = { outcome, reason, bytes, freezeMs };
    pending.settle(
      outcome === "moved" ? { ...result, carried: { bytes, ms: freezeMs } } : result,
    );
  }

  /** Whether somebody waits for the end of an order under this ticket. */
  isAwaited(ticket: bigint): boolean {
    return [...this.#pending.values()].some(({ order }) => order.ticket === ticket);
  }

  /** Whether a process may be carrying out an order under this ticket, awaited or given up. */
  isUnderWay(ticket: bigint): boolean {
    return this.isAwaited(ticket) ||
      [...this.#overdue.values()].some((order) => order.ticket === ticket);
  }

  /** Whether a process may stand still for an order that was given up. */
  isOverdue(pid: number): boolean {
    return [...this.#overdue.values()].some((order) => order.pid === pid);
  }

  /** The keeper of a guest says that it runs elsewhere now: that was its order. */
  left(pid: number): void {
    for (const { order, settle } of [...this.#pending.values()]) {
      if (order.pid === pid) settle({ outcome: "moved", reason: null, bytes: 0, freezeMs: 0 });
    }
  }

  /** A process of this node is gone: its order ends, unless a report is on its way. */
  gone(pid: number): void {
    for (const [id, order] of this.#overdue) if (order.pid === pid) this.#overdue.delete(id);
    for (const [id, { order }] of this.#pending) {
      if (order.pid !== pid) continue;
      setTimeout(() => this.#abort(id, "the process ended"), LATE_REPORT_MS);
    }
  }
}

/** A random id: no stale signal can name a later order by chance. */
function newOrderId(): bigint {
  const [value = 0n] = crypto.getRandomValues(new BigUint64Array(1));
  return (value & 0x7fff_ffff_ffff_ffffn) | 0x1_0000n;
}

/** Why a process has given up an order, with the detail that its report has. */
function whyAborted(pid: number, { error, detail }: LocalValues<"Report">): string {
  if (detail === 0) return describeCode(error);
  if (error === -errors.THREADS_MAX.code) return obstacle("THREADS_MAX", detail, limits.threadsMax);
  return error === -errors.PARK.code ? whyNotParked(pid, detail) : describeCode(error);
}

/** Whether a process is stopped just now. */
function isStopped(pid: number): boolean {
  try {
    return parseStat(Deno.readTextFileSync(`/proc/${pid}/stat`))?.state === "T";
  } catch {
    return false;
  }
}
