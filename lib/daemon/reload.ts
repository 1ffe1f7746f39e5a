/**
 * Reads the config again, by SIGHUP.
 *
 * What can change while the daemon runs does.
 *
 * @module
 */
import type { Config } from "../host/config.ts";
import { logger } from "../host/log.ts";
import type { Event } from "../core/contract/event.ts";
import type { Process } from "../core/contract/process.ts";
import { asProcess } from "./guests.ts";
import { type Cluster, membershipSettings } from "./cluster.ts";
import { balancerConfig, keyOf, reconfigure } from "./configs.ts";
import type { Context } from "./context.ts";
import type { Peers } from "./peers.ts";
import { localAsProcess } from "./records.ts";
import type { Driver } from "./driver.ts";
import type { PinsAndDrain } from "./pins_and_drain.ts";

const log = logger("config");

/** What a balancer is made with: it takes a new one, while no process is on its way. */
const balancerKeys = ["thresholds", "select", "policy", "capacity"] as const;

/** What a reload works with. */
export interface ReloadParts {
  readonly driver: Driver;
  readonly cluster: Cluster;
  readonly peers: Peers;
  readonly pinsAndDrain: PinsAndDrain;
}

/** Takes over configs. */
export class Reload {
  readonly #context: Context;
  readonly #parts: ReloadParts;
  #isPending = false;

  constructor(context: Context, parts: ReloadParts) {
    this.#context = context;
    this.#parts = parts;
  }

  /** Takes over what has changed, and tells what cannot. */
  take(wanted: Config): void {
    const { next, changed, fixed } = reconfigure(this.#context, wanted);
    log.info("config read again", { changed: changed.map(keyOf).join(",") });
    if (fixed.length > 0) {
      log.warning("these keys of the config count after a restart of the daemon only", {
        keys: fixed.map(keyOf).join(","),
      });
    }
    if (changed.length === 0) return;
    this.#context.config = next;
    this.#parts.cluster.step({ type: "configured", settings: membershipSettings(next) });
    if (balancerKeys.some((key) => changed.includes(key))) this.#isPending = true;
  }

  /** Replaces the balancer, once no process is on its way. Returns the processes it was told. */
  settle(): readonly Process[] {
    const { driver, cluster, peers, pinsAndDrain } = this.#parts;
    if (!this.#isPending || !driver.isSettled) return [];
    this.#isPending = false;
    const { locals, guests } = this.#context.records;
    const processes = [
      ...[...locals.values()].map(localAsProcess),
      ...[...guests.values()].filter(({ running }) => running).map(asProcess),
    ];
    driver.replace(balancerConfig(this.#context), [
      ...processes.map((process): Event => ({ type: "processArrived", process })),
      ...pinsAndDrain.events(),
      ...cluster.events(),
      ...peers.connected.filter((node) => this.#context.associated.includes(node))
        .map((node): Event => ({ type: "peerConnected", node })),
    ]);
    return processes;
  }
}
