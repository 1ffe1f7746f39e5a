/**
 * What the simulated daemons measure of their machines before each check.
 *
 * @module
 */

import type { Stations } from "../engine/stations.ts";
import type { Recorder } from "../report/recorder.ts";
import type { Owners } from "./owners.ts";
import type { Room } from "./room.ts";
import type { Balancer } from "../../core/balancer.ts";
import type { BalancerConfig } from "../../core/contract/config.ts";
import type { Event } from "../../core/contract/event.ts";
import { needsMeasures } from "../../core/transfer_policy/machine.ts";
import { policies } from "../../core/contract/policy.ts";
import type { Measures } from "../../core/contract/measures.ts";
import type { Usage } from "../engine/stations.ts";

/** A machine's memory where the simulation models none: never short. */
const MEMORY_BYTES = 2 ** 50;

const NOTHING: Usage = { stalledMs: 0, idleMs: 0, ownMs: 0, otherMs: 0 };

/** What it needs of the simulation that it is a part of. */
export interface MeterWorld {
  readonly options: {
    readonly balancer: Pick<BalancerConfig, "policy" | "owner"> | null;
    readonly owners?: unknown;
  };
  readonly names: readonly string[];
  readonly nowMs: number;
  readonly owners: Owners;
  readonly balancers: readonly (Balancer | null)[];
  readonly stations: Stations;
  readonly room: Room;
  readonly recorder: Recorder;
  step(node: number, event: Event): void;
}

/** The meters of all nodes. */
export class Meter {
  readonly #simulation: MeterWorld;
  readonly #last: { readonly usage: Usage; readonly atMs: number }[];

  constructor(simulation: MeterWorld) {
    this.#simulation = simulation;
    this.#last = simulation.names.map(() => ({ usage: NOTHING, atMs: 0 }));
  }

  /** Tells a node's balancer what its machine has done, and treats the guests as it says. */
  tell(node: number): void {
    const { owners, balancers } = this.#simulation;
    this.#simulation.step(node, { type: "measured", measures: this.#measure(node) });
    // Those that have come since, too.
    owners.treat(node, balancers[node]?.view().owner?.treatment ?? "none");
  }

  #measure(node: number): Measures {
    const { stations, nowMs, room } = this.#simulation;
    const usage = stations.usage(node, nowMs);
    const last = this.#last[node] ?? { usage: NOTHING, atMs: 0 };
    const passedMs = Math.max(nowMs - last.atMs, 1e-9);
    this.#last[node] = { usage, atMs: nowMs };
    const share = (name: keyof Usage) => (usage[name] - last.usage[name]) / passedMs;
    const { owners, recorder } = this.#simulation;
    recorder.disturbed(owners.disturbing(node) * passedMs / 1000, nowMs);
    return {
      terminalIdleMs: owners.terminalIdleMs(node),
      cpuStall: Math.min(1, share("stalledMs")),
      memoryStall: 0,
      availableBytes: room.total(node) === null ? MEMORY_BYTES : room.available(node),
      totalBytes: room.total(node) ?? MEMORY_BYTES,
      idleCores: share("idleMs"),
      ownCores: share("ownMs"),
      otherCores: share("otherMs"),
      ownRunning: stations.count(node) - stations.strangers(node),
    };
  }
}

/** The meters, if the policy of the balancers looks at the machine. */
export function meterOf(simulation: MeterWorld): Meter | null {
  const { policy = policies.thesis, owner = null } = simulation.options.balancer ?? {};
  return needsMeasures(policy, owner) || simulation.options.owners !== undefined
    ? new Meter(simulation)
    : null;
}
