/**
 * Reads the policy in the config file.
 *
 * A name, or a table that changes one.
 *
 * @module
 */
import type { Capacity } from "../core/contract/capacity.ts";
import { initiations } from "../core/contract/policy.ts";
import {
  countings,
  findPolicyFault,
  indices,
  locations,
  policies,
  type Policy,
  type PolicyName,
  sharingThresholds,
  thesisThresholds,
  thresholdRules,
} from "../core/contract/policy.ts";
import { type Selection, selections, type Thresholds } from "../core/contract/config.ts";
import { ConfigTable } from "./config_table.ts";

/** What the keys about the policy say together. */
export interface PolicyConfig {
  /** Which rules decide. */
  readonly policy: Policy;
  /** Which process leaves first. */
  readonly select: Selection;
  /** The limits between the states. */
  readonly thresholds: Thresholds;
  /** `cores` null: as many as this node has. */
  readonly capacity: { readonly cores: number | null; readonly speed: Capacity["speed"] };
}

const policyNames = Object.keys(policies) as PolicyName[];
/** Key of the file for each field of a policy, for messages. */
const keys = {
  index: "index",
  counts: "counts",
  smoothingMs: "smoothing",
  location: "location",
  ageCost: "select",
  thresholds: "thresholds",
  adaptive: "adaptive",
  residenceMs: "residence",
  margin: "margin",
  movesPerMinute: "moves-per-minute",
  probes: "probes",
  initiation: "initiation",
  asks: "asks",
  memoryFloor: "memory-floor",
  memoryStall: "memory-stall",
  moveFixedMs: "move-time",
  linkBytesPerSecond: "link-rate",
} as const satisfies Record<keyof Policy, string>;

const seconds = { min: 0, max: 3600, integer: false };

/**
 * Reads `policy`, `[thresholds]`, `select`, `cores` and `speed`.
 *
 * What says neither `policy` nor `[thresholds]` has the policy "sharing"; limits that are given without a
 * policy are those of the thesis's.
 *
 * @throws {ConfigError} If one of them is wrong, or two contradict each other.
 */
export function readPolicy(root: ConfigTable): PolicyConfig {
  const limits = root.take("thresholds");
  const select = root.choice("select", [...selections, "age-cost"]);
  const value = root.take("policy");
  const isTable = typeof value === "object" && value !== null && !Array.isArray(value);
  const table = isTable
    ? new ConfigTable(root.file, root.text, "policy", value as Record<string, unknown>)
    : null;
  const name = table === null
    ? root.choice("policy", policyNames)
    : table.choice("base", policyNames);
  const isDefault = value === undefined && limits === undefined;
  const baseName = name ?? (isDefault ? "sharing" : "thesis");
  const base = policies[baseName];
  const thresholds = readThresholds(root, limits, baseName);
  if (!isDefault && base.ageCost && select !== undefined && select !== "age-cost") {
    root.fail(
      "select",
      `left out or "age-cost" where the policy is "${name}"`,
      select,
      'Remove one of the two keys: the policy "thesis" goes with every select',
    );
  }
  const ageCost = select === undefined ? base.ageCost : select === "age-cost";
  const chosen: Policy = { ...base, ageCost };
  const policy = table === null ? chosen : readTable(table, chosen);
  const fault = findPolicyFault(policy, thresholds);
  if (fault !== null) {
    const { key, wanted, fix, isOfUnit = false, current = policy[key] } = fault;
    if (isOfUnit) root.fail("thresholds", wanted, current, fix);
    (table ?? root).fail(keys[key], wanted, current, fix);
  }
  return {
    policy,
    thresholds,
    // A drained node has to choose by something else than what pays.
    select: select === undefined || select === "age-cost" ? "most-cpu" : select,
    capacity: {
      cores: root.number("cores", { min: 0.01, max: 65_536, integer: false }) ?? null,
      speed: root.number("speed", { min: 0.01, max: 100, integer: false }) ?? 1,
    },
  };
}

/** Reads `[thresholds]`; what is left out is as the policy of that name was measured with. */
function readThresholds(root: ConfigTable, value: unknown, name: PolicyName): Thresholds {
  if (
    value !== undefined && (typeof value !== "object" || value === null || Array.isArray(value))
  ) {
    root.fail("thresholds", "a table", value, "Write [thresholds] with thu, thf and thv below it");
  }
  const given = (value ?? {}) as Record<string, unknown>;
  const table = new ConfigTable(root.file, root.text, "thresholds", given);
  const usual = name === "sharing" ? sharingThresholds : thesisThresholds;
  const range = { min: 0, max: 1_000_000, integer: true };
  const thu = table.number("thu", range) ?? usual.thu;
  const thf = table.number("thf", range) ?? usual.thf;
  const thv = table.number("thv", range) ?? usual.thv;
  const unit = table.choice("unit", ["processes", "percent"]);
  table.finish();
  if (!(thu < thf && thf < thv)) {
    root.fail(
      "thresholds",
      "in order, thu < thf < thv",
      `thu = ${thu}, thf = ${thf}, thv = ${thv}`,
      `Raise thf above thu and thv above thf (the defaults are ${usual.thu}, ${usual.thf}, ${usual.thv})`,
    );
  }
  return unit === "percent" ? { thu, thf, thv, unit } : { thu, thf, thv };
}

/** Reads `[policy]` on top of a policy with a name. */
function readTable(table: ConfigTable, base: Policy): Policy {
  const milliseconds = (key: string): number | undefined => {
    const value = table.number(key, seconds);
    return value === undefined ? undefined : Math.round(value * 1000);
  };
  const linkRate = table.number("link-rate", { min: 0.001, max: 1e6, integer: false });
  const moveFixedMs = milliseconds("move-time");
  const asks = table.number("asks", { min: 1, max: 32, integer: true });
  const policy: Policy = {
    index: table.choice("index", indices) ?? base.index,
    counts: table.choice("counts", countings) ?? base.counts,
    smoothingMs: milliseconds("smoothing") ?? base.smoothingMs,
    location: table.choice("location", locations) ?? base.location,
    ageCost: base.ageCost,
    thresholds: table.choice("thresholds", thresholdRules) ?? base.thresholds,
    adaptive: table.boolean("adaptive") ?? base.adaptive,
    residenceMs: milliseconds("residence") ?? base.residenceMs,
    margin: table.number("margin", { min: 0, max: 1_000_000, integer: false }) ?? base.margin,
    movesPerMinute: table.number("moves-per-minute", { min: 1, max: 1_000_000, integer: true }) ??
      base.movesPerMinute,
    probes: table.number("probes", { min: 0, max: 32, integer: true }) ?? base.probes,
    initiation: table.choice("initiation", initiations) ?? base.initiation,
    asks: asks ?? base.asks,
    memoryFloor: table.number("memory-floor", { min: 0, max: 0.9, integer: false }) ??
      base.memoryFloor,
    memoryStall: table.number("memory-stall", { min: 0, max: 1, integer: false }) ??
      base.memoryStall,
    moveFixedMs: moveFixedMs ?? base.moveFixedMs,
    linkBytesPerSecond: linkRate === undefined ? base.linkBytesPerSecond : linkRate * 1e6,
  };
  table.finish();
  if (asks !== undefined && policy.initiation === "sender") {
    const fix = 'Remove it, or set initiation = "receiver" or "symmetric"';
    table.fail("asks", "left out unless nodes that are U begin", asks, fix);
  }
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
