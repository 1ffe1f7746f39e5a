/**
 * The balancer of a node, and the preferred lists of a network.
 *
 * A pure state machine: what happens goes in with the time, what is to be done comes out. The daemon
 * drives it, the simulator does, and so may a program of your own. Times are milliseconds of the
 * driver's monotonic clock, sizes bytes.
 *
 * @example A node that is over offers a process to the one that is under
 * ```ts
 * import assert from "node:assert/strict";
 * import { Balancer } from "lb/core";
 *
 * const balancer = new Balancer({
 *   node: "a:9734",
 *   epoch: 1,
 *   associated: ["b:9734"],
 *   thresholds: { thu: 0, thf: 1, thv: 2 },
 *   select: "most-cpu",
 *   nextTicket: () => 1n,
 * });
 * const announcement = { letter: "U", epoch: 1, seq: 0 } as const;
 * balancer.step({ type: "peerConnected", node: "b:9734" }, 0);
 * balancer.step({ type: "peerGreeted", node: "b:9734", announcement }, 1);
 * for (const pid of [7, 8, 9]) {
 *   const process = { id: `a:9734/${pid}/1`, homeNode: "a:9734", pid, program: "matmul" };
 *   balancer.step({ type: "processArrived", process }, pid);
 * }
 * assert.equal(balancer.view().state, "V");
 * ```
 *
 * @module
 */
export { ConfigError, LbError, type LbErrorOptions } from "../base/errors.ts";
export { Balancer } from "./balancer.ts";
export { type Capacity, unitCapacity } from "./contract/capacity.ts";
export {
  type BalancerConfig,
  type Selection,
  selections,
  type Thresholds,
} from "./contract/config.ts";
export { type Effect } from "./contract/effect.ts";
export { type Carried, type Event } from "./contract/event.ts";
export { type Measures } from "./contract/measures.ts";
export {
  type Announcement,
  type KnownLetter,
  type Letter,
  type NodeName,
  type ProcessId,
  type State,
  type Ticket,
} from "./contract/names.ts";
export { type OwnerRule, type Treatment, treatments } from "./contract/owner.ts";
export {
  assertPolicy,
  type Counting,
  countings,
  type Index,
  indices,
  type Initiation,
  initiations,
  type Location,
  locations,
  policies,
  type Policy,
  type PolicyName,
  type ThresholdRule,
  thresholdRules,
} from "./contract/policy.ts";
export { type Process, type Sample, type Threads } from "./contract/process.ts";
export { formatProcessId, parseProcessId, type ProcessIdentity } from "./contract/process_id.ts";
export {
  type BalancerView,
  type MachineView,
  type OwnerView,
  type ProcessView,
} from "./contract/view.ts";
export { type Candidate, orderVictims } from "./selection_policy/victim.ts";
export { type SpreadLists, spreadLists } from "./topology/spread.ts";
export { dimensionMax, type Edges, graphList, hypercubeList } from "./topology/topology.ts";
export { nextLetter, stateOf } from "./transfer_policy/load_state.ts";
