/**
 * Treats guests while the owner is at work.
 *
 * A low priority, then stopped.
 *
 * What was done to a guest is on disk before it is done, so that a daemon that is started later undoes
 * it. Each step may be taken again and again: every check takes it, for guests that have come since.
 * A stopped guest's keeper lives on, with its link; before an order the guest goes on.
 *
 * @module
 */
import { describe } from "../base/errors.ts";
import type { Effect } from "../core/contract/effect.ts";
import type { ProcessId } from "../core/contract/names.ts";
import type { Treatment } from "../core/contract/owner.ts";
import { monotonicMs, wallMs } from "../host/clock.ts";
import { logger } from "../host/log.ts";
import { setPriority } from "../host/priority.ts";
import { isAlive } from "../host/proc.ts";
import type { Context } from "./context.ts";
import type { GuestRecord } from "./records.ts";

const log = logger("owner");

/** A guest that goes on for an order is left alone for so long: longer than any step of a move. */
const AWAKE_MS = 60_000;

/** Treats the guests of this node. */
export class Treatments {
  readonly #context: Context;
  /** Until when guests go on for an order; one that comes again is another. */
  readonly #awake = new WeakMap<GuestRecord, number>();
  #complaint = "";

  constructor(context: Context) {
    this.#context = context;
  }

  /** Performs the effect `treatGuests`. */
  perform({ treatment, activeForMs }: Extract<Effect, { type: "treatGuests" }>): void {
    const { records } = this.#context;
    records.ownerSinceMs = activeForMs === null ? null : wallMs() - activeForMs;
    records.save();
    this.apply(treatment);
  }

  /** Treats all guests so; what an earlier step or run has done else is undone. */
  apply(treatment: Treatment): void {
    const { records, balance } = this.#context;
    const nowMs = monotonicMs();
    const moving = new Set(
      balance.view.processes.flatMap(({ id, movingTo }) => movingTo === null ? [] : [id]),
    );
    for (const record of records.guests.values()) {
      if (!record.running || record.left) continue;
      this.#prioritize(record, treatment !== "none");
      const isFree = !moving.has(record.id) && (this.#awake.get(record) ?? 0) <= nowMs;
      if ((treatment === "stop" || treatment === "leave") && isFree) this.#stop(record);
      else if (record.stopped === true && treatment !== "stop" && treatment !== "leave") {
        this.#continue(record);
      }
    }
  }

  /** Lets a guest go on for an order: a stopped process hears none. */
  wake(id: ProcessId): void {
    const record = this.#context.records.guests.get(id);
    if (record === undefined) return;
    this.#awake.set(record, monotonicMs() + AWAKE_MS);
    if (record.stopped === true) this.#continue(record);
  }

  #stop(record: GuestRecord): void {
    if (record.stopped !== true) {
      record.stopped = true;
      this.#context.records.flush();
      log.info("guest stopped", { process: record.id, pid: record.guestPid });
    }
    this.#signal(record, "SIGSTOP");
  }

  #continue(record: GuestRecord): void {
    this.#signal(record, "SIGCONT");
    record.stopped = false;
    this.#context.records.flush();
    log.info("guest goes on", { process: record.id, pid: record.guestPid });
  }

  #signal({ guestPid, guestStartTicks }: GuestRecord, signal: "SIGSTOP" | "SIGCONT"): void {
    try {
      if (isAlive(guestPid, guestStartTicks)) Deno.kill(guestPid, signal);
    } catch (error) {
      // It has ended just now.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  #prioritize(record: GuestRecord, isLow: boolean): void {
    if ((record.niced ?? false) === isLow) return;
    try {
      setPriority(record.guestPid, record.guestStartTicks, isLow);
    } catch (error) {
      const reason = describe(error);
      if (reason !== this.#complaint) {
        log.warning("a guest's priority is not changed", { process: record.id, isLow, reason });
      }
      this.#complaint = reason;
      return;
    }
    record.niced = isLow;
    this.#context.records.save();
  }
}
