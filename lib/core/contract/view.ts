/**
 * What a balancer shows to people.
 *
 * @module
 */

import type { Treatment } from "./owner.ts";
import type { Thresholds } from "./config.ts";
import type { Announcement, KnownLetter, NodeName, ProcessId, State, Ticket } from "./names.ts";
import type { Process, Threads } from "./process.ts";

/** A process of the process table as `Balancer.view()` shows it. */
export interface ProcessView extends Process {
  /** User and system time it has used so far, on all nodes as far as known. */
  readonly cpuSeconds: number;
  /** Its resident memory. */
  readonly rssBytes: number;
  /** As they were looked at last. */
  readonly threads: Threads;
  /** How many processes it counts as. */
  readonly weight: number;
  /** Why it cannot move, in a few words; null: it can, as far as one can see. */
  readonly cantmove: string | null;
  /** Where it is moving to just now, or null. */
  readonly movingTo: NodeName | null;
  /** Why its threads keep it here, where the node is over; null: they do not, or nobody asks. */
  readonly noRoom: string | null;
  /** A person wants it to stay. */
  readonly isPinned: boolean;
}

/** What a policy sees of a machine besides the process table. */
export interface MachineView {
  /** Processes that are not in the process table and want a processor. */
  readonly others: number;
  /** Share of the time in which some work waited for a processor; null: it cannot be told. */
  readonly cpuStall: number | null;
  /** Share of the time in which some work waited for memory; null: it cannot be told. */
  readonly memoryStall: number | null;
  /** Memory that is available for processes. */
  readonly availableBytes: number;
  /** Why the node is short of memory, in words; null: it is not, or nobody asks. */
  readonly memoryShortage: string | null;
}

/** The owner of a node, as its policy sees it. */
export interface OwnerView {
  /** How long the owner has been at work; null: the owner is not. */
  readonly activeForMs: number | null;
  /** How guests are treated now. */
  readonly treatment: Treatment;
}

/** What a balancer would show to a person: the core's part of a snapshot. */
export interface BalancerView {
  /** The node's name. */
  readonly node: NodeName;
  /** By its queue length and the thresholds. */
  readonly state: State;
  /** What it announced last. */
  readonly announcement: Announcement;
  /** QL: the process table and the reserved places. */
  readonly queueLength: number;
  /** In whole processes: adapted to this node if the policy says so. */
  readonly thresholds: Thresholds;
  /** A person wants the node empty. */
  readonly isDraining: boolean;
  /** What the letter is told from: the load index as it is now. */
  readonly load: number;
  /** What the policy sees of the machine besides the process table; null: it does not look, or not yet. */
  readonly machine: MachineView | null;
  /** null: whether there is one does not matter. */
  readonly owner: OwnerView | null;
  /** In order of preference. */
  readonly associated: readonly { readonly node: NodeName; readonly state: KnownLetter }[];
  /** In order of arrival. */
  readonly processes: readonly ProcessView[];
  /** Places kept for processes that have not arrived. */
  readonly reservations: readonly {
    readonly ticket: Ticket;
    readonly id: ProcessId;
    readonly weight: number;
  }[];
}
