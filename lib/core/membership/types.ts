/**
 * Messages, events and effects of the membership.
 *
 * What members of a cluster say to each other about each other, and what a node does about it.
 *
 * @module
 */

import type { NodeName } from "../contract/names.ts";

/** What is held of a member, the weaker first: of two claims about one incarnation the later in this list counts. */
export const statuses = ["alive", "suspected", "failed", "left"] as const;
/** One of {@linkcode statuses}. */
export type Status = (typeof statuses)[number];

/**
 * A statement about a member. Only the member itself begins an incarnation, leaves, or says whether it
 * is open; anybody may suspect it, or hold it for failed, in its present incarnation.
 */
export interface Claim {
  readonly node: NodeName;
  /** Grows with each start of the member's daemon and each suspicion that it refutes. */
  readonly incarnation: number;
  readonly status: Status;
  /** It has come by `lb join`, or its config names no associated node: lists are extended by it. */
  readonly isOpen: boolean;
  /** For how long this has been so, in milliseconds. */
  readonly ageMs: number;
}

/** What one node sends another. */
export type Message =
  & {
    /** Of the sender's whole table of members: two that differ are brought together by `sync`. */
    readonly digest: bigint;
    /** The sender's claim about itself first, then about others. */
    readonly claims: readonly Claim[];
  }
  & (
    /** Are you there? You are in my list. Answered by `ack` with the same number. */
    | { readonly type: "ping"; readonly request: number }
    /** The same to a node that is not in the sender's list: for another one, which has asked for it, say. */
    | { readonly type: "knock"; readonly request: number }
    | { readonly type: "ack"; readonly request: number }
    /** Please ask the target whether it is there; answered by `heard` or `unheard`. */
    | { readonly type: "ask"; readonly request: number; readonly target: NodeName }
    | { readonly type: "heard"; readonly request: number; readonly target: NodeName }
    | { readonly type: "unheard"; readonly request: number; readonly target: NodeName }
    /** Claims that are new to the sender; not answered. */
    | { readonly type: "news" }
    /** All that the sender holds; answered by `synced` with all that the other holds. */
    | { readonly type: "sync"; readonly request: number }
    | { readonly type: "synced"; readonly request: number }
    /** No: the sender cannot reach the node that wants to join. */
    | { readonly type: "refused"; readonly request: number; readonly reason: string }
  );

/** A message without what goes with every one. */
export type Body = Message extends infer M
  ? M extends Message ? Omit<M, "digest" | "claims"> : never
  : never;

/** What a membership is told once. */
export interface MembershipConfig {
  readonly node: NodeName;
  /** Greater than in every earlier run of this node's daemon. */
  readonly incarnation: number;
  /** It came by `lb join` in an earlier run. */
  readonly hasJoined: boolean;
  /** It left in an earlier run and has not joined since. */
  readonly hasLeft: boolean;
  /** What an earlier run knew of others. */
  readonly claims: readonly Claim[];
  readonly settings: MembershipSettings;
  /** Of the chance in whom it asks. */
  readonly seed: number;
}

/** What may change while a daemon runs. */
export interface MembershipSettings {
  /** The associated nodes that the config names: first in the list, in this order. */
  readonly configured: readonly NodeName[];
  /** So long the list may become by members that the config does not name. */
  readonly listMax: number;
  /** Between two checks, in milliseconds. */
  readonly checkMs: number;
}

/** What happened, for `Membership.step()`. */
export type MembershipEvent =
  /** The periodic check, every `checkMs`. */
  | { readonly type: "check" }
  /** Nothing but time has passed: give it when `nextTimeoutMs()` has come. */
  | { readonly type: "timePassed" }
  /** There is a connection to this node, which speaks as we do. */
  | { readonly type: "connected"; readonly node: NodeName }
  /** There is none any more, or an attempt to make one has failed. */
  | { readonly type: "lost"; readonly node: NodeName }
  /** A connection that was to be made for a message to this node could not be. */
  | { readonly type: "unreachable"; readonly node: NodeName }
  | { readonly type: "received"; readonly from: NodeName; readonly message: Message }
  /**
   * A person wants this node to be a member of the cluster that another one is in. It is one once that
   * has answered the question that is sent to it; until then nothing has changed. Answered by one
   * `joined` or `notJoined`, or by nothing if the message or its answer is lost.
   */
  | { readonly type: "join"; readonly seed: NodeName }
  /** A person wants it to be none any more; it then forgets the others. */
  | { readonly type: "leave" }
  /** The config was read again. */
  | { readonly type: "configured"; readonly settings: MembershipSettings };

/** What a membership asks of its driver. */
export type MembershipEffect =
  /** Send it over a connection that there is, else over one that is made for it. */
  | { readonly type: "send"; readonly to: NodeName; readonly message: Message }
  /** The preferred list is this from now on. */
  | { readonly type: "associate"; readonly nodes: readonly NodeName[] }
  /** Whether this associated node may be chosen as a receiver. */
  | { readonly type: "doubt"; readonly node: NodeName; readonly isDoubted: boolean }
  /** Close the connections to this node: it has failed, or left. */
  | { readonly type: "disconnect"; readonly node: NodeName }
  /** This node is a member of the cluster that the node it asked is in. */
  | { readonly type: "joined"; readonly seed: NodeName }
  | { readonly type: "notJoined"; readonly seed: NodeName; readonly reason: string }
  /** What must survive a restart has changed: `Membership.view()` has it. */
  | { readonly type: "save" }
  /** One line for the log. */
  | {
    readonly type: "log";
    readonly level: "info" | "warning";
    readonly message: string;
    readonly fields: Readonly<Record<string, string | number>>;
  };

/** What a person may want to see, and what is kept over a restart. */
export interface MembershipView {
  readonly incarnation: number;
  readonly hasJoined: boolean;
  readonly hasLeft: boolean;
  /** All members that are known, this node among them, by name. */
  readonly members: readonly Claim[];
  /** The preferred list. */
  readonly associated: readonly NodeName[];
  /** 0: good; each step makes this node slower to judge others. */
  readonly health: number;
}
