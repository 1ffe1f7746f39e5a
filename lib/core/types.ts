/**
 * The balancer's contract: events, effects and their parts.
 *
 * The driver (the daemon, or the simulator) turns sockets, /proc and timers into {@linkcode Event}s,
 * gives them to `Balancer.step()` one at a time with the time of its own monotonic clock, and
 * performs the {@linkcode Effect}s in the order given. An effect never fails silently: what became
 * of it comes back as an event, as each effect's docstring says.
 *
 * @module
 */

import type { Carried } from "./freezes.ts";
import type { Capacity } from "./policy/capacity.ts";
import type { OwnerRule, Treatment } from "./policy/owner.ts";
import type { Policy } from "./policy/policy.ts";

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

/** Which of a node's processes leaves first; the thesis's numbers 1 to 4 in this order. */
export const selections = ["least-cpu", "most-cpu", "least-memory", "most-memory"] as const;
/** One of {@linkcode selections}. */
export type Selection = (typeof selections)[number];

/** The limits between the states; integers, `0 <= thu < thf < thv`. */
export interface Thresholds {
  /** A node with at most so many processes is U. */
  readonly thu: number;
  /** A node with at least so many is F. */
  readonly thf: number;
  /** A node with at least so many is V and must send one away. */
  readonly thv: number;
  /**
   * What they count: percent of the time in which work waits for a processor, for the index
   * "pressure" alone.
   *
   * @default {processes}
   */
  readonly unit?: "percent";
}

/**
 * What a node's driver has measured since it measured last, for policies that look at more than the
 * list. Times in CPU seconds a second, shares from 0 to 1.
 */
export interface Measures {
  /** Share of the time in which some work waited for a processor; null: it cannot be told. */
  readonly cpuStall: number | null;
  /** Share of the time in which some work waited for memory; null: it cannot be told. */
  readonly memoryStall: number | null;
  readonly availableBytes: number;
  readonly totalBytes: number;
  /** Processors that did nothing, those that the process table's used, and those that everybody else did. */
  readonly idleCores: number;
  readonly ownCores: number;
  readonly otherCores: number;
  /** Processes of the table that ran for a noticeable time. */
  readonly ownRunning: number;
  /** How long ago somebody typed at a terminal of the node; null: there is none, or nobody asks. */
  readonly terminalIdleMs: number | null;
}

/** A letter with the stamp that tells a late one: within an epoch `seq` only grows. */
export interface Announcement {
  readonly letter: Letter;
  /** The announcing daemon's run; a later run has a greater one. */
  readonly epoch: number;
  /** Number of the announcement in that epoch, from 0; the same number is the same letter. */
  readonly seq: number;
  /**
   * Processes per unit of capacity when this was sent. Absent if the node does not tell: by the
   * thesis's policy nobody asks.
   */
  readonly load?: number;
}

/** A process as the driver reports it when it enters this node's process table. */
export interface Process {
  readonly id: ProcessId;
  /** Its home; equal to this node's name unless it is a guest. */
  readonly homeNode: NodeName;
  /** Its PID on this node (of a guest: the guest's, not the home PID); ties go to the smallest. */
  readonly pid: number;
  /** File name of its program, for people. */
  readonly program: string;
}

/** What /proc tells about a process of this node's table. */
export interface Sample {
  readonly id: ProcessId;
  /** User and system time it has used so far, on all nodes as far as known. */
  readonly cpuSeconds: number;
  readonly rssBytes: number;
  /**
   * What a move of it would send.
   *
   * @default {rssBytes}
   */
  readonly memoryBytes?: number;
  /** Why it cannot move now, in a few words for people; null: it can, as far as one can see. */
  readonly cantmove: string | null;
}

/** What a balancer is told once. */
export interface BalancerConfig {
  /** This node's name. */
  readonly node: NodeName;
  /** Greater than in every earlier run of this node's daemon; its wall clock in ms will do. */
  readonly epoch: number;
  /** The preferred list: names of the associated nodes, the most preferred first. */
  readonly associated: readonly NodeName[];
  readonly thresholds: Thresholds;
  readonly select: Selection;
  /**
   * Draws the ticket of the next offer. The daemon's are random, the simulator's come from its
   * seed; the balancer itself has no other source of chance.
   */
  readonly nextTicket: () => Ticket;
  /**
   * Which rules decide.
   *
   * @default {policies.thesis}
   */
  readonly policy?: Policy;
  /**
   * What this node can do; only policies that ask for it look.
   *
   * @default {unitCapacity}
   */
  readonly capacity?: Capacity;
  /**
   * Of the chance in the policies that use any.
   *
   * @default {made of the node's name and the epoch, so that nodes differ}
   */
  readonly seed?: number;
  /**
   * What guests do when the node's owner is at work; null: nothing.
   *
   * @default {null}
   */
  readonly owner?: OwnerRule | null;
  /**
   * How long the owner has been at work already when the balancer begins, in milliseconds.
   *
   * @default {0}
   */
  readonly ownerActiveForMs?: number;
  /**
   * How long an offer waits for its answer, in milliseconds.
   *
   * @default {5000}
   */
  readonly offerTimeoutMs?: number;
  /**
   * How long a place stays reserved before the memory starts to arrive, in milliseconds.
   *
   * @default {10000}
   */
  readonly reservationTimeoutMs?: number;
  /**
   * How long a move may take once it has started, on either side, in milliseconds. The driver ends
   * a move that makes no progress much earlier; this only frees what a lost report would hold.
   *
   * @default {900000}
   */
  readonly moveTimeoutMs?: number;
  /**
   * Silence on a stream before it counts as lost, in milliseconds, of which the limit of a move is made
   * (`moveLimitMs()`); null: moves have no limit.
   *
   * @default {null}
   */
  readonly ioTimeoutMs?: number | null;
  /**
   * How long a process sits out after a move of it was aborted, in milliseconds; doubled each time,
   * up to 64 times as long. A move asked for by hand does not wait.
   *
   * @default {10000}
   */
  readonly retryDelayMs?: number;
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

/** What the balancer asks of its driver. */
export type Effect =
  /** Broadcast the letter to every associated node that is connected: a frame `under` or `full`. */
  | { readonly type: "announce"; readonly announcement: Announcement }
  /** Send the letter to one node: with `greeting` as `started`, else (its answer) as `under` or `full`. */
  | {
    readonly type: "tellLetter";
    readonly node: NodeName;
    readonly greeting: boolean;
    readonly announcement: Announcement;
  }
  /** Look at these processes now; answered by one `sampled`. */
  | { readonly type: "inspect"; readonly ids: readonly ProcessId[] }
  /**
   * Offer this process to a node: the driver adds what it knows of it (program, memory, CPU
   * features, ...); answered by `offerAnswered`. `home`: the node is its home.
   */
  | {
    readonly type: "offer";
    readonly ticket: Ticket;
    readonly to: NodeName;
    readonly id: ProcessId;
    readonly manual: boolean;
    readonly home: boolean;
  }
  /** Ask that node for a process, telling our load: it offers one, or refuses (`askRefused`). */
  | { readonly type: "ask"; readonly to: NodeName; readonly announcement: Announcement }
  /** Answer another node that it gets no process. */
  | { readonly type: "refuseAsk"; readonly to: NodeName; readonly announcement: Announcement }
  /** Tell that node to forget our offer; nothing comes back. */
  | { readonly type: "withdrawOffer"; readonly ticket: Ticket; readonly to: NodeName }
  /** Answer another node's offer: `accept` (reserved) or `refuse` with the reason. */
  | {
    readonly type: "answerOffer";
    readonly to: NodeName;
    readonly ticket: Ticket;
    readonly accepted: boolean;
    readonly announcement: Announcement;
    readonly reason: string | null;
  }
  /**
   * Move the process: the place is reserved. `home`: its home is the destination, so the order is
   * of kind home instead of a stream to `to`. Answered by exactly one `moveEnded`.
   */
  | {
    readonly type: "orderMove";
    readonly ticket: Ticket;
    readonly id: ProcessId;
    readonly to: NodeName;
    readonly home: boolean;
  }
  /**
   * Treat all guests so from now on, whoever comes included; nothing comes back. A guest that is
   * stopped goes on before it is ordered to move. `activeForMs`: of the node's owner, or null.
   */
  | {
    readonly type: "treatGuests";
    readonly treatment: Treatment;
    readonly activeForMs: number | null;
  }
  /** A requested move is done: the process runs on that node. */
  | { readonly type: "requestDone"; readonly requestId: number; readonly node: NodeName }
  /** A requested move did not happen; the process goes on where it was. */
  | { readonly type: "requestFailed"; readonly requestId: number; readonly reason: string }
  /** One line for the log. */
  | {
    readonly type: "log";
    readonly level: "debug" | "info" | "warning";
    readonly message: string;
    readonly fields: Readonly<Record<string, string | number | null>>;
  };
