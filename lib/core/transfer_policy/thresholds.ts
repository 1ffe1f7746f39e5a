/**
 * Thresholds that fit what a node can do.
 *
 * With one set of thresholds for all, a node of 64 cores is "over" while most of them idle, and a slow
 * node takes what a fast one should. Measuring load by the time a job would take there, rather than by
 * its queue alone, is the rule for unequal nodes of Banawan and Zahorjan, "Load Sharing in
 * Heterogeneous Queueing Systems", INFOCOM 1989; here it is applied to the limits.
 *
 * @module
 */

import type { Thresholds } from "../contract/config.ts";
import { type Capacity, unitsOf } from "../contract/capacity.ts";
import type { ThresholdRule } from "../contract/policy.ts";

/**
 * The thresholds of a node, in whole processes.
 *
 * @returns Integers with `0 <= thu < thf < thv`, however small the node; for "fixed" the same.
 */
export function adaptThresholds(
  thresholds: Thresholds,
  rule: ThresholdRule,
  capacity: Capacity,
): Thresholds {
  if (rule === "fixed") return thresholds;
  if (rule === "above-cores") {
    const more = Math.max(1, Math.floor(capacity.cores)) - 1;
    return { thu: thresholds.thu + more, thf: thresholds.thf + more, thv: thresholds.thv + more };
  }
  const units = unitsOf(capacity);
  const thu = Math.floor(thresholds.thu * units);
  const thf = Math.max(thu + 1, Math.ceil(thresholds.thf * units));
  const thv = Math.max(thf + 1, Math.ceil(thresholds.thv * units));
  return { thu, thf, thv };
}
