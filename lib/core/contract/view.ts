/**
 * What a balancer shows to people.
 *
 * @module
 */

import type { Treatment } from "./owner.ts";
import type { Thresholds } from "./config.ts";
import type { Announcement, KnownLetter, NodeName, ProcessId, State, Ticket } from "./names.ts";
import type { Process } from "./process.ts";

/** A process of the process table as `Balancer.view()` shows it. */
export interface ProcessView extends Process {
  readonly cpuSeconds: number;
  readonly rssBytes: number;
  readonly cantmove: string | null;
  /** Where it is moving to just now, or null. */
  readonly movingTo: NodeName | null;
  /** A person wants it to stay. */
  readonly isPinned: boolean;
}

/** What a policy sees of a machine besides the process table. */
export interface MachineView {
  /** Processes that are not in the process table and want a processor. */
  readonly others: number;
  readonly cpuStall: number | null;
  readonly memoryStall: number | null;
  readonly availableBytes: number;
  /** Why the node is short of memory, in words; null: it is not, or nobody asks. */
  readonly memoryShortage: string | null;
}

/** The owner of a node, as its policy sees it. */
export interface OwnerView {
  /** How long the owner has been at work; null: the owner is not. */
  readonly activeForMs: number | null;
  readonly treatment: Treatment;
}

/** What a balancer would show to a person: the core's part of a snapshot. */
export interface BalancerView {
  readonly node: NodeName;
  readonly state: State;
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
  readonly reservations: readonly { readonly ticket: Ticket; readonly id: ProcessId }[];
}
