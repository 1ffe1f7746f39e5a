/**
 * Options of a simulation, and who may look on.
 *
 * @module
 */

import type { BalancerConfig } from "../../core/contract/config.ts";
import type { Effect } from "../../core/contract/effect.ts";
import type { Event } from "../../core/contract/event.ts";
import type { Clock } from "../engine/clocks.ts";
import type { DaemonCosts } from "./costs.ts";
import type { Fault } from "./faults.ts";
import type { Lists } from "./lists.ts";
import type { OwnerOptions } from "./owners.ts";
import type { NetworkOptions } from "../engine/network.ts";
import type { Workload } from "./workload.ts";

/** Who looks on, in tests of what must always hold. */
export interface Observer {
  /** A balancer has made a step. */
  stepped(node: number, event: Event, effects: readonly Effect[]): void;
  /** All that one event has led to is done. */
  settled(): void;
}

/** What a simulation is told. */
export interface SimulationOptions {
  /** By node: the speed of a core, 1 for the usual one. */
  readonly speeds: readonly number[];
  /** By node: how many jobs run at a time at full speed. */
  readonly cores: readonly number[];
  /** By node: the numbers of the associated nodes, the most preferred first. */
  readonly lists: Lists;
  /** What every balancer is told, besides what is its own; null: there are none. */
  readonly balancer:
    | Omit<BalancerConfig, "node" | "epoch" | "associated" | "nextTicket" | "capacity" | "seed">
    | null;
  /** Time between a daemon's checks. */
  readonly checkMs: number;
  /** The jobs; a run uses them up. */
  readonly workload: Workload;
  /** Jobs that no balancer knows of and none moves: what people run without lb. */
  readonly others?: Workload;
  /** Owners of nodes, who come and go; absent: there are none. */
  readonly owners?: OwnerOptions;
  /** How long messages and memory take. */
  readonly network: NetworkOptions;
  /** What a move takes besides the time that the memory travels. */
  readonly freezeMs: number;
  /** Processor time that a job's launch takes at its home before its daemon knows it. @default {0} */
  readonly launchMs?: number;
  /** What a daemon takes from its wish to send a process to its choice. @default {1} */
  readonly decideMs?: number;
  /** By node: memory for processes in bytes; absent: it is never short. */
  readonly memoryBytes?: readonly number[];
  /** What a call that is forwarded to home takes, in milliseconds. @default {costs.ts: callMs} */
  readonly callMs?: number;
  /** Processor time of the daemons; absent: none. */
  readonly daemon?: DaemonCosts;
  /** Probability that a look at the processes is lost, as with the daemon's helper. @default {0} */
  readonly lostLooks?: number;
  /** What goes wrong, and when. */
  readonly faults: readonly Fault[];
  /** Of all chance that is not the workload's. */
  readonly seed: number;
  /** Jobs that end before are not in the figures. */
  readonly warmupMs: number;
  /** When the run is over. */
  readonly durationMs: number;
  /** By node: how fast its clock runs and what it shows at the start; absent: all are right. */
  readonly clocks?: readonly Clock[];
  /** Who looks on. */
  readonly observer?: Observer;
}
