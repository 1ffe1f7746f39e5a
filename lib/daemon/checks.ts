/**
 * Periodic checks.
 *
 * What a node looks at, retries and forgets every so many seconds.
 *
 * @module
 */
import type { ProcessId } from "../core/contract/names.ts";
import type { Sample } from "../core/contract/process.ts";
import { limits } from "../wire/schema.ts";
import type { Cluster } from "./cluster.ts";
import type { Context } from "./context.ts";
import type { Driver } from "./driver.ts";
import type { Endings } from "./endings.ts";
import type { Guests } from "./guests.ts";
import type { Incoming } from "./incoming.ts";
import type { Looks } from "./looks.ts";
import type { Meter } from "./meter.ts";
import type { Outgoing } from "./outgoing.ts";
import type { Peers, Reply } from "./peers.ts";
import type { PinsAndDrain } from "./pins_and_drain.ts";
import { encodeSnapshot, makeSnapshot } from "./snapshot.ts";
import type { Sockets } from "./sockets.ts";
import type { Treatments } from "./treatments.ts";
import type { Watches } from "./watches.ts";

/** Room in a frame beside the snapshot: the request, a size and the code. */
const FRAME_REST_SIZE = 64;

/** What is checked. */
export interface CheckedParts {
  readonly cluster: Cluster;
  readonly driver: Driver;
  readonly endings: Endings;
  readonly guests: Guests;
  readonly incoming: Incoming;
  readonly looks: Looks;
  readonly meter: Meter;
  readonly outgoing: Outgoing;
  readonly peers: Peers;
  readonly pinsAndDrain: PinsAndDrain;
  /** Lets a config that was read again take effect, as far as it can by now. */
  readonly settle: () => void;
  readonly sockets: Sockets;
  readonly treatments: Treatments;
  readonly watches: Watches;
}

/** Checks a node. */
export class Checks {
  readonly #context: Context;
  readonly #parts: CheckedParts;
  #timer: number | null = null;

  constructor(context: Context, parts: CheckedParts) {
    this.#context = context;
    this.#parts = parts;
  }

  /** Looks for the first time, so that the first check has something to compare with. */
  async begin(): Promise<void> {
    const { locals, guests } = this.#context.records;
    await this.#parts.meter.tell(await this.sample([...locals.keys(), ...guests.keys()]));
  }

  /** Begins, or begins anew with another time between two checks. */
  schedule(): void {
    if (this.#context.stopped.aborted) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      void this.#check().finally(() => this.schedule());
    }, this.#context.config.frequencySeconds * 1000);
  }

  /** Ends them. */
  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  /** The periodic check. */
  async #check(): Promise<void> {
    const { records, dispatch } = this.#context;
    this.#parts.settle();
    this.#parts.sockets.check();
    this.#parts.watches.retry();
    this.#parts.peers.connectAll();
    this.#parts.endings.retry();
    this.#parts.incoming.check();
    this.#parts.guests.check();
    this.#parts.outgoing.check();
    this.#parts.pinsAndDrain.check();
    this.#parts.cluster.step({ type: "check" });
    const ids = [...records.locals.keys(), ...records.guests.keys()];
    this.#parts.looks.keep(ids);
    const samples = await this.sample(ids);
    await this.#parts.meter.tell(samples);
    this.#parts.treatments.apply(this.#parts.driver.view.owner?.treatment ?? "none");
    dispatch({ type: "check" });
  }

  /** Looks at processes and tells the balancer what it found. */
  async sample(ids: readonly ProcessId[]): Promise<readonly Sample[]> {
    const samples = await this.#parts.looks.sample(ids);
    this.#context.dispatch({ type: "sampled", samples });
    return samples.filter(({ isGone }) => !isGone);
  }

  /** Looks first: a process that came since the last check has no figures yet. */
  async snapshot(request: bigint, reply: Reply): Promise<void> {
    const { records, config } = this.#context;
    await this.sample(this.#parts.driver.view.processes.map(({ id }) => id));
    const { frequencySeconds } = config;
    const members = this.#parts.cluster.view;
    const snapshot = makeSnapshot(this.#parts.driver.view, records, { frequencySeconds, members });
    reply("snapshot", {
      request,
      json: encodeSnapshot(snapshot, limits.frameSizeMax - FRAME_REST_SIZE),
    });
  }
}
