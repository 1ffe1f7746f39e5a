/**
 * Processes and samples of them.
 *
 * @module
 */

import type { NodeName, ProcessId } from "./names.ts";

/** A process as the driver reports it when it enters this node's process table. */
export interface Process {
  /** Its identity everywhere. */
  readonly id: ProcessId;
  /** Its home; equal to this node's name unless it is a guest. */
  readonly homeNode: NodeName;
  /** Its PID on this node (of a guest: the guest's, not the home PID); ties go to the smallest. */
  readonly pid: number;
  /** File name of its program, for people. */
  readonly program: string;
}

/** The threads of a process. */
export interface Threads {
  /** How many it has. */
  readonly all: number;
  /** How many of them run or wait for a processor, on average over the last seconds. */
  readonly computing: number;
}

/** What /proc tells about a process of this node's table. */
export interface Sample {
  /** Whose figures they are. */
  readonly id: ProcessId;
  /** User and system time it has used so far, on all nodes as far as known. */
  readonly cpuSeconds: number;
  /** Its resident memory. */
  readonly rssBytes: number;
  /**
   * What a move of it would send.
   *
   * @default {rssBytes}
   */
  readonly memoryBytes?: number;
  /**
   * Its threads; what it weighs by them is in `weight.ts`.
   *
   * @default {as it was told last; at first one, which computes}
   */
  readonly threads?: Threads;
  /** Why it cannot move now, in a few words for people; null: it can, as far as one can see. */
  readonly cantmove: string | null;
}
