/**
 * Checkpoints: `lb checkpoint` and SIGTSTP by hand.
 *
 * @module
 */
import { describe, HostError } from "../base/errors.ts";
import { wallMs } from "../host/clock.ts";
import type { ControlPeer } from "../host/control.ts";
import { logger } from "../host/log.ts";
import * as native from "../host/native.ts";
import type { Context } from "./context.ts";
import type { Inspections } from "./inspections.ts";
import type { Order, OrderResult, Orders } from "./orders.ts";
import { isGuest, type LocalRecord } from "./records.ts";
import { newTicket } from "./tickets.ts";
import { runtimePath } from "../host/runtime_dir.ts";

const log = logger("checkpoints");

/** Writes images of processes. */
export class Checkpoints {
  readonly #context: Context;
  readonly #orders: Orders;
  readonly #inspections: Inspections;

  constructor(context: Context, orders: Orders, inspections: Inspections) {
    this.#context = context;
    this.#orders = orders;
    this.#inspections = inspections;
  }

  /**
   * Writes the image of a process that is at home here.
   *
   * @param options `path`: absolute, of a file that does not exist yet. `stay`: the process goes on;
   * else a waiting shadow takes its place. `asker`: the process itself, which waits for the order.
   * @throws {HostError} If it could not be written; the process goes on then.
   */
  async write(
    record: LocalRecord,
    options: { readonly path: string; readonly stay: boolean; readonly asker?: ControlPeer },
  ): Promise<OrderResult> {
    const { path, stay, asker } = options;
    const { records, parts, dispatch } = this.#context;
    const inspection = await this.#inspections.inspect(record.id);
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
      shared: stay ? [] : [parts.shadow],
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
    const directory = runtimePath(config.runtimeDir, "images");
    const path = `${directory}/${record.program}-${record.homePid}-${wallMs()}.img`;
    try {
      await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
      await this.write(record, { path, stay: false, asker: peer });
    } catch (error) {
      log.warning("checkpoint by hand", { process: record.id, reason: describe(error) });
      // Fails quietly where the order was handed over already: nobody waits any more.
      this.#orders.refuse(peer, 0n);
    }
  }
}

function cannotWrite(path: string, reason: string): HostError {
  return new HostError(`Cannot write the image ${path}: ${reason}`, {
    fix: "See `lb ps` for why a process cannot be checkpointed now",
  });
}
