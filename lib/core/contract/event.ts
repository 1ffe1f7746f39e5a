/**
 * Events: what a driver tells its balancer.
 *
 * The driver (the daemon, or the simulator) turns sockets, /proc and timers into {@linkcode Event}s,
 * gives them to `Balancer.step()` one at a time with the time of its own monotonic clock, and
 * performs the {@linkcode Effect}s in the order given. An effect never fails silently: what became
 * of it comes back as an event, as each effect's docstring says.
 *
 * @module
 */

import type { Measures } from "./measures.ts";
import type { Announcement, NodeName, ProcessId, Ticket } from "./names.ts";
import type { Process, Sample } from "./process.ts";

/** What a move has carried, and in which time. */
export interface Carried {
  /** Memory that was sent. */
  readonly bytes: number;
  /** From the first byte to the last. */
  readonly ms: number;
}

/** What happened, for `Balancer.step()`. */
export type Event =
  /**
   * A process has registered (P), or the driver found it again after a restart of the daemon: it is
   * in this node's table now. A known id (the program has exec'ed another) only updates its fields.
   */
  | { readonly type: "processArrived"; readonly process: Process }
  /**
   * A process of the process table is gone from this node without a move of ours: it ended, or went home by
   * itself. A guest that has moved on exits too: give its `moveEnded` first.
   */
  | { readonly type: "processEnded"; readonly id: ProcessId }
  /** Fresh figures: the answer to `inspect` (all ids that still exist), or of the periodic check. */
  | { readonly type: "sampled"; readonly samples: readonly Sample[] }
  /** The periodic check, every `frequency` seconds; whatever could not be done is tried again. */
  | { readonly type: "check" }
  /** What was measured before a check, if the policy looks at it. */
  | { readonly type: "measured"; readonly measures: Measures }
  /** Nothing but time has passed: give it when `Balancer.nextTimeoutMs()` has come. */
  | { readonly type: "timePassed" }
  /** Our connection to this associated node is up and authenticated. */
  | { readonly type: "peerConnected"; readonly node: NodeName }
  /** A frame `started`: this node has started or reconnected, and wants our letter. */
  | { readonly type: "peerGreeted"; readonly node: NodeName; readonly announcement: Announcement }
  /** A frame `under` or `full`. Late ones are dropped by their stamp. */
  | { readonly type: "peerLetter"; readonly node: NodeName; readonly announcement: Announcement }
  /**
   * No connection to this node remains, in either direction, or it could not be reached. After this
   * no frame that it sent earlier may be given any more.
   */
  | { readonly type: "peerLost"; readonly node: NodeName }
  /** This node is suspected, or has failed: it is not chosen as a receiver; or no longer. */
  | { readonly type: "peerDoubted"; readonly node: NodeName; readonly isDoubted: boolean }
  /** The preferred list is this from now on; what is known of nodes that stay in it stands. */
  | { readonly type: "associated"; readonly nodes: readonly NodeName[] }
  /** A frame `offer`: another node wants this one to take a process. */
  | {
    readonly type: "offerReceived";
    readonly from: NodeName;
    readonly ticket: Ticket;
    readonly id: ProcessId;
    /** A person asked for this move: taken whatever the announced letter. */
    readonly manual: boolean;
    /** How many processes it counts as there. @default {1} */
    readonly weight?: number;
    /** What is there per unit of capacity; null: it leaves however much that is. @default {null} */
    readonly load?: number | null;
    /** Why the driver cannot take it (CPU features, version, memory, clock skew), or null. */
    readonly refusal: string | null;
  }
  /** A node that is U asks for a process, and tells its load. */
  | { readonly type: "asked"; readonly node: NodeName; readonly announcement: Announcement }
  /** That node, which we asked, has no process for us. */
  | { readonly type: "askRefused"; readonly node: NodeName; readonly announcement: Announcement }
  /** The offering node has given up (effect `withdrawOffer` there): frees a place not yet in use. */
  | { readonly type: "offerWithdrawn"; readonly ticket: Ticket }
  /**
   * The answer to one of our offers: a frame `accept` or `refuse`. If it could not be sent, or its connection
   * was lost before the answer: `accepted` false, `announcement` null and the reason.
   */
  | {
    readonly type: "offerAnswered";
    readonly from: NodeName;
    readonly ticket: Ticket;
    readonly accepted: boolean;
    readonly announcement: Announcement | null;
    /** Why not; null if accepted. */
    readonly reason: string | null;
  }
  /**
   * The end of a move that `orderMove` began. `moved`: committed, the process is no longer here.
   * `aborted`: it goes on here, for this reason.
   */
  | {
    readonly type: "moveEnded";
    readonly ticket: Ticket;
    readonly outcome: "moved";
    readonly reason?: null;
    /** What it has sent while the process stood still, if that is known. */
    readonly carried?: Carried;
  }
  | {
    readonly type: "moveEnded";
    readonly ticket: Ticket;
    readonly outcome: "aborted";
    readonly reason: string;
    /** More than it can have sent, if its time was over. */
    readonly carried?: Carried;
  }
  /** The memory of a process with a place here has begun to arrive. */
  | { readonly type: "arrivalStarted"; readonly ticket: Ticket }
  /** It runs here. Taken even if the place was freed meanwhile: what runs is a fact. */
  | { readonly type: "arrivalConfirmed"; readonly ticket: Ticket; readonly process: Process }
  /** It will not run here: the place is free. */
  | { readonly type: "arrivalFailed"; readonly ticket: Ticket; readonly reason: string }
  /**
   * A process whose home this node is runs here again. `cantmove`: the call that it could not do
   * away from home, which keeps it here for good; null if it was ordered home.
   */
  | { readonly type: "cameHome"; readonly process: Process; readonly cantmove: string | null }
  /** A person wants this process to stay with this node, or no longer; moves by hand still work. */
  | { readonly type: "pinned"; readonly id: ProcessId; readonly isPinned: boolean }
  /**
   * A person wants this node empty, or no longer: it announces F, takes nothing, and sends away
   * every process that can move and is not pinned, guests home if nobody else takes them.
   */
  | {
    readonly type: "drain";
    readonly isDraining: boolean;
    /** Its own processes stay. @default {false} */
    readonly guestsOnly?: boolean;
  }
  /**
   * A person wants this process moved now (`lb migrate`, or `lb home` with `node` its home), to the
   * given node whatever its letter, or with null to the preferred one. Answered by exactly one
   * `requestDone` or `requestFailed`.
   */
  | {
    readonly type: "moveRequested";
    readonly requestId: number;
    readonly id: ProcessId;
    readonly node: NodeName | null;
  };
