/**
 * Inspects a process of this node.
 *
 * What it uses, and what keeps it here.
 *
 * @module
 */
import { describe } from "../base/errors.ts";
import type { ProcessId } from "../core/contract/names.ts";
import { triggerSignals } from "../host/config.ts";
import { isFailure } from "../host/failure.ts";
import { inspect, type Inspection, isObstacle, obstacle } from "../host/obstacles.ts";
import type { Context } from "./context.ts";
import type { Orders } from "./orders.ts";
import { type GuestRecord, isGuest, type LocalRecord, pidOf, ticksOf } from "./records.ts";

/** A look at /proc takes a millisecond, but waits for a process that the kernel is busy with. */
const INSPECTION_MS_MAX = 2_000;
const SILENT = `the kernel has not told about it within ${INSPECTION_MS_MAX} ms`;

const OVERDUE = "an earlier order has taken too long and has not ended yet";

/** What is known of a process that cannot be seen. */
const unseen = { cpuSeconds: 0, rssBytes: 0, memoryBytes: 0 };

/** Inspects the processes of this node. */
export class Inspections {
  readonly #context: Context;
  readonly #orders: Orders;

  constructor(context: Context, orders: Orders) {
    this.#context = context;
    this.#orders = orders;
  }

  /** The record of a process that runs here. */
  find(id: ProcessId): LocalRecord | GuestRecord | null {
    const { locals, guests } = this.#context.records;
    const guest = guests.get(id);
    return locals.get(id) ?? (guest?.running === true && !guest.left ? guest : null);
  }

  /** Looks at a process of this node; null: it is gone. */
  async inspect(id: ProcessId): Promise<Inspection | null> {
    const record = this.find(id);
    if (record === null) return null;
    const look = inspect(pidOf(record), ticksOf(record), {
      signal: isGuest(record) ? triggerSignals.SIGURG : this.#context.signal,
      guest: isGuest(record),
      threadsMove: this.#context.config.threads === "move",
      isStoppedByUs: isGuest(record) && record.stopped === true,
    });
    const seen = look.catch((error) => {
      if (!isFailure(error)) throw error;
      return { ...unseen, cantmove: obstacle("UNSEEN", describe(error)) };
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
    const isBlocking = isObstacle("BLOCKS_SIGNAL", cantmove);
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
}

/** What a promise gives, or `late` if it takes longer. */
async function within<T>(ms: number, promise: Promise<T>, late: T): Promise<T> {
  let timer: number | undefined;
  const lateness = new Promise<T>((resolve) => timer = setTimeout(() => resolve(late), ms));
  return await Promise.race([promise, lateness]).finally(() => clearTimeout(timer));
}
