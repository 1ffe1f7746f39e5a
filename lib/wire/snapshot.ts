/**
 * A node's snapshot as JSON.
 *
 * Fields are only ever added.
 *
 * @module
 */
import * as v from "valibot";
import { WireError } from "../base/errors.ts";

/** A process in the node's list: one that runs there. */
export interface SnapshotProcess {
  /** Its identity everywhere: `HOME/PID/START`. */
  readonly id: string;
  /** Its PID on this node. */
  readonly pid: number;
  /** File name of its program. */
  readonly program: string;
  /** Processor time it has used so far, on all nodes. */
  readonly cpuSeconds: number;
  /** Its resident memory. */
  readonly rssBytes: number;
  /** How many threads it has, and how many of them run or wait for a processor, on average over some seconds. */
  readonly threads?: { readonly all: number; readonly computing: number } | undefined;
  /** How many processes it counts as in the node's load. */
  readonly weight?: number | undefined;
  /** Its home; this node's own name unless it is a guest. */
  readonly home: string;
  /** PID of its shadow at home, which is its home PID; null for a local process. */
  readonly shadowPid: number | null;
  /** Why it cannot move, or null. */
  readonly cantmove: string | null;
  /** Where it is moving to just now, or null. */
  readonly movingTo: string | null;
  /** Why its threads keep it here though the node is over; absent: they do not. */
  readonly noRoom?: string | undefined;
  /** A person wants it to stay. */
  readonly pinned?: boolean | undefined;
  /** It is stopped for the owner of the node. */
  readonly stopped?: boolean | undefined;
}

/** A shadow: what stands at home for a process that runs away. */
export interface SnapshotShadow {
  /** The home PID. */
  readonly pid: number;
  /** File name of its program. */
  readonly program: string;
  /** The node its process runs on; null while a checkpoint waits to be restarted. */
  readonly runsOn: string | null;
}

/** How guests are treated, from the mildest on. */
export const treatments = ["none", "nice", "stop", "leave"] as const;
/** How a node's guests are treated while its owner is at work. */
export type Treatment = (typeof treatments)[number];

/** What a node's policy sees of its machine besides the list. */
export interface SnapshotMachine {
  /** Processes that lb did not launch and that want a processor. */
  readonly others: number;
  /** Shares of the time in which work waited; null: the kernel does not tell. */
  readonly cpuStall: number | null;
  /** The same of memory. */
  readonly memoryStall: number | null;
  /** Memory that is available for processes, in bytes. */
  readonly availableBytes: number;
  /** Why the node is short of memory, or null. */
  readonly memoryShortage: string | null;
}

/** A member of the cluster. */
export interface SnapshotMember {
  /** Its name, `HOST:PORT`. */
  readonly node: string;
  /** What the asked node holds it for. */
  readonly status: "alive" | "suspected" | "failed" | "left";
  /** Of its word about itself: the greatest is the newest. */
  readonly incarnation: number;
  /** It has joined, or its config names no associated node: lists are extended by it. */
  readonly open: boolean;
}

/** What a node tells about itself. */
export interface Snapshot {
  /** Its name, `HOST:PORT`. */
  readonly node: string;
  /** Under, medium, full, over. */
  readonly state: "U" | "M" | "F" | "V";
  /** Processes of the process table and reserved places. */
  readonly queueLength: number;
  /** The limits between the states. */
  readonly thresholds: {
    readonly thu: number;
    readonly thf: number;
    readonly thv: number;
    readonly unit?: "percent" | undefined;
  };
  /** Seconds between checks. */
  readonly frequencySeconds: number;
  /** A person wants the node empty: it takes nothing. */
  readonly draining?: boolean | undefined;
  /** The load index: what the thresholds are compared with. */
  readonly load?: number | undefined;
  /** null: the policy does not look, or has not yet. */
  readonly machine?: SnapshotMachine | null | undefined;
  /** null: the config has no `[owner]`. */
  readonly owner?:
    | { readonly activeForMs: number | null; readonly treatment: Treatment }
    | null
    | undefined;
  /** In order of preference; `" "`: could not be reached. */
  readonly associated: readonly {
    readonly node: string;
    readonly state: "U" | "F" | " ";
    /** It does not answer, and may refute that it has failed. */
    readonly suspected?: boolean | undefined;
  }[];
  /** All members of the cluster that are known, this node and those that have left among them. */
  readonly members?: readonly SnapshotMember[] | undefined;
  /** How far this node trusts its own judgement of others: 0 is good, 8 is worst. */
  readonly health?: number | undefined;
  /** What runs there, guests among them. */
  readonly processes: readonly SnapshotProcess[];
  /** What stands there for processes that run elsewhere. */
  readonly shadows: readonly SnapshotShadow[];
  /** The node's wall clock when it answered, in milliseconds since 1970. */
  readonly clockMs?: number | undefined;
}

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const pid = v.pipe(v.number(), v.integer(), v.minValue(1));

/** What a snapshot must have at least; a later version may have more. */
const snapshotSchema = v.looseObject({
  node: v.string(),
  state: v.picklist(["U", "M", "F", "V"]),
  queueLength: count,
  thresholds: v.looseObject({
    thu: count,
    thf: count,
    thv: count,
    unit: v.optional(v.literal("percent")),
  }),
  frequencySeconds: v.number(),
  draining: v.optional(v.boolean()),
  load: v.optional(v.number()),
  owner: v.optional(v.nullable(v.looseObject({
    activeForMs: v.nullable(v.number()),
    treatment: v.picklist(treatments),
  }))),
  machine: v.optional(v.nullable(v.looseObject({
    others: v.number(),
    cpuStall: v.nullable(v.number()),
    memoryStall: v.nullable(v.number()),
    availableBytes: count,
    memoryShortage: v.nullable(v.string()),
  }))),
  associated: v.array(v.looseObject({
    node: v.string(),
    state: v.picklist(["U", "F", " "]),
    suspected: v.optional(v.boolean()),
  })),
  members: v.optional(v.array(v.looseObject({
    node: v.string(),
    status: v.picklist(["alive", "suspected", "failed", "left"]),
    incarnation: count,
    open: v.boolean(),
  }))),
  health: v.optional(count),
  processes: v.array(v.looseObject({
    id: v.string(),
    pid,
    program: v.string(),
    cpuSeconds: v.number(),
    rssBytes: count,
    threads: v.optional(v.looseObject({ all: count, computing: v.number() })),
    weight: v.optional(count),
    noRoom: v.optional(v.string()),
    home: v.string(),
    shadowPid: v.nullable(pid),
    cantmove: v.nullable(v.string()),
    movingTo: v.optional(v.nullable(v.string()), null),
    pinned: v.optional(v.boolean()),
    stopped: v.optional(v.boolean()),
  })),
  shadows: v.array(v.looseObject({ pid, program: v.string(), runsOn: v.nullable(v.string()) })),
  clockMs: v.optional(v.number()),
});

/**
 * Parses a snapshot that a node has sent.
 *
 * @param json The body of its answer.
 * @returns The snapshot, with the fields that a later version has added.
 * @throws {WireError} If it is not JSON, or lacks a field.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * assert.throws(() => parseSnapshot("{}"), /node/);
 * ```
 */
export function parseSnapshot(json: string): Snapshot {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw refusal((error as Error).message, error);
  }
  const parsed = v.safeParse(snapshotSchema, value);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw refusal(`${v.getDotPath(issue) ?? "its top"}: ${issue.message}`);
}

function refusal(reason: string, cause?: unknown): WireError {
  return new WireError(`Cannot read a node's snapshot: ${reason}`, {
    fix: "Run the same lb version on both nodes: compare `lb --version`",
    cause,
  });
}
