/**
 * The policy: which rule decides what, with its numbers.
 *
 * Plain data, checked as a whole.
 *
 * A policy names one rule for each question that a balancer answers. The rules are in the files
 * beside this one, each with its source. `docs/POLICY.md` tells when to use which.
 *
 * @module
 */

import { ConfigError } from "../../base/errors.ts";
import type { Thresholds } from "./config.ts";

/** Who begins. */
export const initiations = ["sender", "receiver", "symmetric"] as const;
/** One of {@linkcode initiations}. */
export type Initiation = (typeof initiations)[number];

/** What a node's load is measured by; see `load_index.ts`. */
export const indices = ["queue-length", "per-capacity", "run-queue", "pressure"] as const;
/** One of {@linkcode indices}. */
export type Index = (typeof indices)[number];

/** What a process weighs: one, or its computing threads; see `weight.ts`. */
export const countings = ["processes", "threads"] as const;
/** One of {@linkcode countings}. */
export type Counting = (typeof countings)[number];

/** How the receiver is chosen among the nodes that are U; see `location.ts`. */
export const locations = ["preferred-list", "random", "two-random", "least-loaded"] as const;
/** One of {@linkcode locations}. */
export type Location = (typeof locations)[number];

/** What the thresholds count; see `thresholds.ts`. */
export const thresholdRules = ["fixed", "per-capacity", "above-cores"] as const;
/** One of {@linkcode thresholdRules}. */
export type ThresholdRule = (typeof thresholdRules)[number];

/** Which rules decide, and their numbers. */
export interface Policy {
  /** What the node's load is measured by. */
  readonly index: Index;
  /** What a process weighs in it, and where it goes. */
  readonly counts: Counting;
  /** Time constant of the exponential smoothing of the index, in milliseconds; 0: none. */
  readonly smoothingMs: number;
  /** How the receiver is chosen. */
  readonly location: Location;
  /**
   * Choose the victim by age and cost (`age_cost.ts`) instead of by the config's `select`.
   */
  readonly ageCost: boolean;
  /** What the thresholds count. */
  readonly thresholds: ThresholdRule;
  /** The thresholds, after that rule, rise and fall with the load; see `adaptive.ts`. */
  readonly adaptive: boolean;
  /** How long a process that came by a move stays at least, in milliseconds. */
  readonly residenceMs: number;
  /**
   * How much longer the queue here must be than the one there after a move, in processes per unit
   * of capacity; 0 asks for nothing.
   */
  readonly margin: number;
  /** Automatic moves that a node begins in a minute at most; null: any number. */
  readonly movesPerMinute: number | null;
  /**
   * Nodes that are F which an over node asks between two checks where none is U; see `probing.ts`.
   * 0: none.
   */
  readonly probes: number;
  /** Who begins a move: the node that is over, the node that is U, or both; see `initiation.ts`. */
  readonly initiation: Initiation;
  /** Nodes that are F which a node that is U asks between two checks, if it begins. */
  readonly asks: number;
  /**
   * Share of the memory that must be available, else the node takes nothing and sends; see
   * `memory.ts`. 0: whatever is.
   */
  readonly memoryFloor: number;
  /** Share of the time in which work may wait for memory, likewise; 0: any. */
  readonly memoryStall: number;
  /** What a move takes besides its memory, in milliseconds, until moves have been measured. */
  readonly moveFixedMs: number;
  /** How fast memory travels, in bytes a second, until moves have been measured. */
  readonly linkBytesPerSecond: number;
}

/** The thesis's algorithm: Shin and Chang's, IEEE Transactions on Computers 38(8), 1989. */
const thesis: Policy = {
  index: "queue-length",
  counts: "processes",
  smoothingMs: 0,
  location: "preferred-list",
  ageCost: false,
  thresholds: "fixed",
  adaptive: false,
  residenceMs: 0,
  margin: 0,
  movesPerMinute: null,
  probes: 0,
  initiation: "sender",
  asks: 3,
  memoryFloor: 0,
  memoryStall: 0,
  moveFixedMs: 100,
  linkBytesPerSecond: 100e6, // a 1 Gb/s network, less what TCP and the kernel take
};

/** The same where programs have threads: what all others are made of. */
const threaded: Policy = { ...thesis, counts: "threads" };

/** Policies with a name. */
export const policies = {
  thesis,
  /** Moves only what will live long enough to repay its move; what has come stays for a while. */
  lifetime: { ...threaded, ageCost: true, residenceMs: 10_000 },
  /** Where nobody is U, three nodes are asked whether they have clearly fewer processes. */
  probing: { ...threaded, probes: 3 },
  /** Nodes that are U ask for processes; over nodes wait until they are asked. */
  receiver: { ...threaded, initiation: "receiver" },
  /** Over nodes send, and nodes that are U ask. */
  symmetric: { ...threaded, initiation: "symmetric" },
  /** For nodes that differ: thresholds count for each core of speed 1. */
  capacity: { ...threaded, thresholds: "per-capacity", ageCost: true, residenceMs: 10_000 },
  /**
   * Load sharing: no process waits for a core while another core is free. The one whose move harms
   * least leaves, if it repays it, and where nobody is U eight nodes are asked. To be used with
   * {@linkcode sharingThresholds}.
   */
  sharing: { ...threaded, thresholds: "above-cores", ageCost: true, probes: 8 },
} as const satisfies Readonly<Record<string, Policy>>;
/** One process a core: what `policies.sharing` was measured with, and is the default with. */
export const sharingThresholds: Thresholds = { thu: 0, thf: 1, thv: 2 };
/** What the thesis's policy is the default with. */
export const thesisThresholds: Thresholds = { thu: 1, thf: 5, thv: 8 };
/** Name of one of {@linkcode policies}. */
export type PolicyName = keyof typeof policies;

/** What is wrong with a policy, for a message that names the key. */
export interface PolicyFault {
  readonly key: keyof Policy;
  /** What it is, if that is not the key's value. */
  readonly current?: string;
  /** The thresholds' unit is what contradicts the key. */
  readonly isOfUnit?: boolean;
  readonly wanted: string;
  readonly fix: string;
}

/** Longest times that make sense: an hour. */
const TIME_MS_MAX = 3_600_000;

/** Limits of the numbers, both included. */
const ranges = {
  smoothingMs: [0, TIME_MS_MAX],
  residenceMs: [0, TIME_MS_MAX],
  margin: [0, 1_000_000],
  memoryFloor: [0, 0.9],
  memoryStall: [0, 1],
  moveFixedMs: [0, TIME_MS_MAX],
  linkBytesPerSecond: [1, 1e12],
} as const satisfies Partial<Record<keyof Policy, readonly [number, number]>>;

/** The first thing that is wrong with a policy for a node with these thresholds, or null. */
export function findPolicyFault(policy: Policy, limits: Thresholds): PolicyFault | null {
  const choices = {
    index: indices,
    counts: countings,
    location: locations,
    thresholds: thresholdRules,
    initiation: initiations,
  } as const;
  for (const key of Object.keys(choices) as (keyof typeof choices)[]) {
    const names: readonly string[] = choices[key];
    if (!names.includes(policy[key])) {
      const wanted = `one of ${names.join(", ")}`;
      return { key, wanted, fix: `Choose ${wanted}` };
    }
  }
  for (const key of ["ageCost", "adaptive"] as const) {
    if (typeof policy[key] === "boolean") continue;
    return { key, wanted: "true or false", fix: "Choose true or false" };
  }
  for (const key of Object.keys(ranges) as (keyof typeof ranges)[]) {
    const [min, max] = ranges[key];
    const value: unknown = policy[key];
    // NaN is in no range.
    if (typeof value !== "number" || !(value >= min && value <= max)) {
      return { key, wanted: `a number from ${min} to ${max}`, fix: "Correct that number" };
    }
  }
  const { movesPerMinute } = policy;
  const counts = { probes: 0, asks: 1 } as const;
  for (const key of Object.keys(counts) as (keyof typeof counts)[]) {
    const value = policy[key];
    if (Number.isSafeInteger(value) && value >= counts[key] && value <= 32) continue;
    const wanted = `a whole number from ${counts[key]} to 32`;
    return { key, wanted, fix: "Correct that number" };
  }
  if (
    movesPerMinute !== null &&
    !(Number.isSafeInteger(movesPerMinute) && movesPerMinute >= 1 && movesPerMinute <= 1_000_000)
  ) {
    return {
      key: "movesPerMinute",
      wanted: "a whole number from 1 to 1000000",
      fix: "Leave it out for any number of moves; `associated = []` is a node that sends nothing",
    };
  }
  return findUnitFault(policy, limits) ?? findContradiction(policy, limits.thv);
}

/** Pressure is a share of time, everything else counts processes: thresholds of one do not fit the other. */
function findUnitFault(policy: Policy, { thv, unit }: Thresholds): PolicyFault | null {
  const { index, thresholds, margin, probes, smoothingMs } = policy;
  const fault = (wanted: string, current: string, fix: string): PolicyFault => ({
    key: "index",
    isOfUnit: true,
    wanted,
    current,
    fix,
  });
  if (index !== "pressure") {
    if (unit !== "percent") return null;
    const fix = 'Set index = "pressure", or remove unit and count processes';
    return fault(`numbers of processes where index is "${index}"`, 'unit = "percent"', fix);
  }
  const fix = 'Write unit = "percent", and thu, thf and thv as percent of the time in which work ' +
    "waits for a processor: 5, 30 and 60, say";
  const wanted = 'in percent where index is "pressure"';
  if (unit !== "percent") return fault(wanted, "numbers of processes", fix);
  if (thv > 100) return fault(`${wanted}, 100 at most`, `thv = ${thv}`, "Lower thv");
  if (thresholds !== "fixed") {
    const wanted = '"fixed" where index is "pressure": it knows the capacity already';
    return { key: "thresholds", wanted, fix: "Remove thresholds from the policy" };
  }
  if (policy.adaptive) {
    const wanted = 'false where index is "pressure": there is nothing to add processes to';
    return { key: "adaptive", wanted, fix: "Remove it, or choose another index" };
  }
  const none = { margin, probes, smoothingMs } as const;
  for (const key of ["margin", "probes", "smoothingMs"] as const) {
    if (none[key] === 0) continue;
    const wanted = key === "smoothingMs"
      ? '0 where index is "pressure": that is a mean over time already'
      : '0 where index is "pressure": it compares numbers of processes';
    return { key, wanted, fix: "Remove it, or choose another index" };
  }
  return null;
}

function findContradiction(policy: Policy, thv: number): PolicyFault | null {
  if (policy.initiation === "receiver" && policy.probes > 0) {
    return {
      key: "probes",
      wanted: '0 where initiation is "receiver": an over node asks nobody then',
      fix: 'Remove probes, or set initiation = "symmetric"',
    };
  }
  if (policy.index === "per-capacity" && policy.thresholds !== "fixed") {
    return {
      key: "thresholds",
      wanted: '"fixed" where index is "per-capacity", else the capacity counts twice',
      fix: 'Set index = "queue-length" or thresholds = "fixed"',
    };
  }
  if (policy.adaptive && policy.index === "per-capacity") {
    const wanted = 'false where index is "per-capacity": thresholds are no processes then';
    return { key: "adaptive", wanted, fix: 'Use thresholds = "per-capacity" instead of the index' };
  }
  if (policy.margin > Math.max(0, thv - 2)) {
    return {
      key: "margin",
      wanted: `at most ${Math.max(0, thv - 2)}, thv - 2, else an over node may not even send to ` +
        "an idle one",
      fix: "Lower margin, or raise thv",
    };
  }
  return null;
}

/**
 * Checks a policy that did not come from a config file.
 *
 * @throws {ConfigError} If it is wrong or contradicts itself; the message names the key.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * const thresholds = { thu: 1, thf: 3, thv: 4 };
 * assertPolicy(policies.thesis, thresholds);
 * assert.throws(() => assertPolicy({ ...policies.thesis, probes: -1 }, thresholds), /probes/);
 * ```
 */
export function assertPolicy(policy: Policy, thresholds: Thresholds): void {
  const fault = findPolicyFault(policy, thresholds);
  if (fault === null) return;
  const { key, wanted, fix, isOfUnit = false, current = policy[key] } = fault;
  const path = isOfUnit ? "thresholds" : `policy.${key}`;
  throw new ConfigError(`Cannot use ${path} as it must be ${wanted}: it is ${current}`, { fix });
}
