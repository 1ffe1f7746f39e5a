/**
 * Names of nodes, processes, moves, letters and states.
 *
 * @module
 */

import type { Capacity } from "./capacity.ts";

/** A node's name to others: the config key `node`, `HOST:PORT`. */
export type NodeName = string;

/** A process's identity everywhere, as text: `NODE/PID/START`; see `process_id.ts`. */
export type ProcessId = string;

/** Names one move; a u64 on the wire, unique for ever at the process's home. */
export type Ticket = bigint;

/** What a node announces of itself: U takes processes, F takes none. V is never announced. */
export type Letter = "U" | "F";

/** A node's own state: under, medium, full, over by three thresholds. */
export type State = "U" | "M" | "F" | "V";

/** What this node knows of an associated node; `" "`: it could not be reached and is left out. */
export type KnownLetter = Letter | " ";

/** A letter with the stamp that tells a late one: within an epoch `seq` only grows. */
export interface Announcement {
  /** What the node announces. */
  readonly letter: Letter;
  /** The announcing daemon's run; a later run has a greater one. */
  readonly epoch: number;
  /** Number of the announcement in that epoch, from 0; the same number is the same letter. */
  readonly seq: number;
  /**
   * Processes, or what they weigh, per unit of capacity when this was sent. Absent if the node does not tell: by the
   * thesis's policy nobody asks.
   */
  readonly load?: number;
  /** What the node can do; told together with the load. */
  readonly capacity?: Capacity;
}
