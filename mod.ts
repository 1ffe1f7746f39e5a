/**
 * The library of lb: what other programs may use of it.
 *
 * Everything here is pure or reads a file: the balancer as a state machine, preferred lists, the wire
 * format, the config file. What runs processes is the command `lb`.
 *
 * @example The state of a node with three processes
 * ```ts
 * import assert from "node:assert/strict";
 * import { stateOf } from "./mod.ts";
 * assert.equal(stateOf(3, { thu: 1, thf: 3, thv: 9 }), "F");
 * ```
 *
 * @module
 */
export {
  ConfigError,
  exitCodes,
  HostError,
  LbError,
  UnsupportedError,
  UsageError,
  WireError,
} from "./lib/base/errors.ts";
export { Prng } from "./lib/base/prng.ts";
export { formatBytes, formatSeconds } from "./lib/base/units.ts";
export { version } from "./lib/base/version.ts";
export { Balancer } from "./lib/core/balancer.ts";
export { type Capacity, unitCapacity } from "./lib/core/contract/capacity.ts";
export {
  assertPolicy,
  type Index,
  indices,
  type Location,
  locations,
  policies,
  type Policy,
  type PolicyName,
  type ThresholdRule,
  thresholdRules,
} from "./lib/core/contract/policy.ts";
export { type Initiation, initiations } from "./lib/core/contract/policy.ts";
export { nextLetter, stateOf } from "./lib/core/transfer_policy/load_state.ts";
export {
  formatProcessId,
  parseProcessId,
  type ProcessIdentity,
} from "./lib/core/contract/process_id.ts";
export { dimensionMax, graphList, hypercubeList } from "./lib/core/topology/topology.ts";
export { type SpreadLists, spreadLists } from "./lib/core/topology/spread.ts";
export {
  type BalancerConfig,
  type Selection,
  selections,
  type Thresholds,
} from "./lib/core/contract/config.ts";
export { type Effect } from "./lib/core/contract/effect.ts";
export { type Event } from "./lib/core/contract/event.ts";
export {
  type Announcement,
  type KnownLetter,
  type Letter,
  type NodeName,
  type ProcessId,
  type State,
  type Ticket,
} from "./lib/core/contract/names.ts";
export { type Process, type Sample } from "./lib/core/contract/process.ts";
export { type BalancerView, type ProcessView } from "./lib/core/contract/view.ts";
export { type Candidate, orderVictims } from "./lib/core/selection_policy/victim.ts";
export { type Address, formatAddress, isWildcard, parseAddress } from "./lib/host/address.ts";
export {
  type Config,
  type ConfigSources,
  loadConfig,
  parseConfig,
  type SigtstpAction,
  sigtstpActions,
  type TriggerSignal,
  triggerSignals,
} from "./lib/host/config.ts";
export { decodeImageHeader, type ImageHeader, readImageHeader } from "./lib/host/image_header.ts";
export {
  decodeFrameBody,
  decodeHeader,
  encodeFrameBody,
  encodeHeader,
  type Frame,
  type FrameHeader,
  type FrameType,
  type FrameValues,
} from "./lib/wire/frame.ts";
export {
  decodeLocal,
  encodeLocal,
  type LocalMessage,
  type LocalName,
  type LocalValues,
} from "./lib/wire/local.ts";
export { schema } from "./lib/wire/schema.ts";
export {
  parseSnapshot,
  type Snapshot,
  type SnapshotProcess,
  type SnapshotShadow,
} from "./lib/wire/snapshot.ts";
