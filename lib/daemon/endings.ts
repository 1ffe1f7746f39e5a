/**
 * Reports the ends of guests to their homes.
 *
 * K to the home daemon, GuestEnded to the shadow.
 *
 * Each is on disk before it is acknowledged, and stays there until the next one along the way has it.
 *
 * @module
 */
import { describe } from "../base/errors.ts";
import { formatProcessId } from "../core/contract/process_id.ts";
import type { ProcessId } from "../core/contract/names.ts";
import { logger } from "../host/log.ts";
import type { Context } from "./context.ts";
import type { Peers } from "./peers.ts";
import type { EndingRecord } from "./records.ts";

const log = logger("endings");

/** Homes that never answer must not fill the disk: then the oldest is given up. */
const ENDINGS_MAX = 10_000;

/** The ends of guests that their homes have yet to hear of. */
export class Endings {
  readonly #context: Context;
  readonly #peers: Peers;
  readonly #deliverHere: (ending: EndingRecord) => void;
  readonly #busy = new Set<ProcessId>();

  /** @param deliverHere Takes an end whose home is this node. */
  constructor(context: Context, peers: Peers, deliverHere: (ending: EndingRecord) => void) {
    this.#context = context;
    this.#peers = peers;
    this.#deliverHere = deliverHere;
  }

  /** Keeps an end and begins to deliver it. */
  add(ending: EndingRecord): void {
    if (ending.homeNode === this.#context.node) return this.#deliverHere(ending);
    const { toHome } = this.#context.records;
    const id = formatProcessId(ending);
    const [oldest] = toHome.keys();
    if (toHome.size >= ENDINGS_MAX && oldest !== undefined) {
      toHome.delete(oldest);
      log.error("an ending is given up as too many wait", { process: oldest });
    }
    toHome.set(id, ending);
    this.#context.records.flush();
    void this.#deliver(id, ending);
  }

  /** Whether this guest's end is on its way home. */
  isKnown(id: ProcessId): boolean {
    return this.#context.records.toHome.has(id);
  }

  /** Tries again what was not delivered; at every check. */
  retry(): void {
    for (const [id, ending] of this.#context.records.toHome) void this.#deliver(id, ending);
  }

  async #deliver(id: ProcessId, ending: EndingRecord): Promise<void> {
    if (this.#busy.has(id) || this.#context.stopped.aborted) return;
    this.#busy.add(id);
    try {
      const answer = await this.#peers.request(ending.homeNode, "ended", ending);
      if (answer.type !== "accept") return;
      const { toHome } = this.#context.records;
      if (toHome.get(id) === ending) toHome.delete(id);
      this.#context.records.save();
      log.info("guest ended", { process: id, waitStatus: ending.waitStatus });
    } catch (error) {
      log.debug("home does not hear of an end yet", { process: id, reason: describe(error) });
    } finally {
      this.#busy.delete(id);
    }
  }
}
