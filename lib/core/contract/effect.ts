/**
 * Effects: what a balancer asks of its driver.
 *
 * @module
 */

import type { Announcement, NodeName, ProcessId, Ticket } from "./names.ts";
import type { Treatment } from "./owner.ts";

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
    /** How many processes it counts as. */
    readonly weight: number;
    /** What is here per unit of capacity; null: it leaves however much that is. */
    readonly load: number | null;
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
