/**
 * The policy in the config file: a name, or a table that changes one.
 *
 * @module
 */
import type { Capacity } from "../core/policy/capacity.ts";
import {
  findPolicyFault,
  indices,
  locations,
  policies,
  type Policy,
  type PolicyName,
  thresholdRules,
} from "../core/policy/policy.ts";
import { type Selection, selections, type Thresholds } from "../core/types.ts";
import { ConfigTable } from "./config_table.ts";

/** What the keys about the policy say together. */
export interface PolicyConfig {
  readonly policy: Policy;
  readonly select: Selection;
  /** `cores` null: as many as this node has. */
  readonly capacity: { readonly cores: number | null; readonly speed: Capacity["speed"] };
}

const policyNames = Object.keys(policies) as PolicyName[];
/** Key of the file for each field of a policy, for messages. */
const keys = {
  index: "index",
  smoothingMs: "smoothing",
  location: "location",
  ageCost: "select",
  thresholds: "thresholds",
  residenceMs: "residence",
  margin: "margin",
  movesPerMinute: "moves-per-minute",
  probes: "probes",
  memoryFloor: "memory-floor",
  memoryStall: "memory-stall",
  moveFixedMs: "move-time",
  linkBytesPerSecond: "link-rate",
} as const satisfies Record<keyof Policy, string>;

const seconds = { min: 0, max: 3600, integer: false };

/**
 * Reads `policy`, `select`, `cores` and `speed`.
 *
 * @throws {ConfigError} If one of them is wrong, or two contradict each other.
 */
export function readPolicy(root: ConfigTable, thresholds: Thresholds): PolicyConfig {
  const select = root.choice("select", [...selections, "age-cost"]);
  const value = root.take("policy");
  const isTable = typeof value === "object" && value !== null && !Array.isArray(value);
  const table = isTable
    ? new ConfigTable(root.file, root.text, "policy", value as Record<string, unknown>)
    : null;
  const name = table === null
    ? root.choice("policy", policyNames)
    : table.choice("base", policyNames);
  const base = policies[name ?? "thesis"];
  if (base.ageCost && select !== undefined && select !== "age-cost") {
    root.fail(
      "select",
      `left out or "age-cost" where the policy is "${name}"`,
      select,
      'Remove one of the two keys: the policy "thesis" goes with every select',
    );
  }
  const chosen: Policy = { ...base, ageCost: base.ageCost || select === "age-cost" };
  const policy = table === null ? chosen : readTable(table, chosen);
  const fault = findPolicyFault(policy, thresholds);
  if (fault !== null) {
    const { key, wanted, fix, isOfUnit = false, current = policy[key] } = fault;
    if (isOfUnit) root.fail("thresholds", wanted, current, fix);
    (table ?? root).fail(keys[key], wanted, current, fix);
  }
  return {
    policy,
    // A drained node has to choose by something else than what pays.
    select: select === undefined || select === "age-cost" ? "most-cpu" : select,
    capacity: {
      cores: root.number("cores", { min: 0.01, max: 65_536, integer: false }) ?? null,
      speed: root.number("speed", { min: 0.01, max: 100, integer: false }) ?? 1,
    },
  };
}

/** Reads `[policy]` on top of a policy with a name. */
function readTable(table: ConfigTable, base: Policy): Policy {
  const milliseconds = (key: string): number | undefined => {
    const value = table.number(key, seconds);
    return value === undefined ? undefined : Math.round(value * 1000);
  };
  const linkRate = table.number("link-rate", { min: 0.001, max: 1e6, integer: false });
  const moveFixedMs = milliseconds("move-time");
  const policy: Policy = {
    index: table.choice("index", indices) ?? base.index,
    smoothingMs: milliseconds("smoothing") ?? base.smoothingMs,
    location: table.choice("location", locations) ?? base.location,
    ageCost: base.ageCost,
    thresholds: table.choice("thresholds", thresholdRules) ?? base.thresholds,
    residenceMs: milliseconds("residence") ?? base.residenceMs,
    margin: table.number("margin", { min: 0, max: 1_000_000, integer: false }) ?? base.margin,
    movesPerMinute: table.number("moves-per-minute", { min: 1, max: 1_000_000, integer: true }) ??
      base.movesPerMinute,
    probes: table.number("probes", { min: 0, max: 32, integer: true }) ?? base.probes,
    memoryFloor: table.number("memory-floor", { min: 0, max: 0.9, integer: false }) ??
      base.memoryFloor,
    memoryStall: table.number("memory-stall", { min: 0, max: 1, integer: false }) ??
      base.memoryStall,
    moveFixedMs: moveFixedMs ?? base.moveFixedMs,
    linkBytesPerSecond: linkRate === undefined ? base.linkBytesPerSecond : linkRate * 1e6,
  };
  table.finish();
  const unused = moveFixedMs !== undefined ? "move-time" : "link-rate";
  if (!base.ageCost && (moveFixedMs ?? linkRate) !== undefined) {
    table.fail(
      unused,
      'left out unless victims are chosen by age and cost (select = "age-cost")',
      moveFixedMs ?? linkRate,
      'Remove it, or set select = "age-cost"',
    );
  }
  return policy;
}
