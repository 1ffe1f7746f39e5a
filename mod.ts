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
export { type Capacity, unitCapacity } from "./lib/core/policy/capacity.ts";
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
} from "./lib/core/policy/policy.ts";
export { type Initiation, initiations } from "./lib/core/policy/initiation.ts";
export { nextLetter, stateOf } from "./lib/core/load_state.ts";
export { formatProcessId, parseProcessId, type ProcessIdentity } from "./lib/core/process_id.ts";
export { dimensionMax, graphList, hypercubeList } from "./lib/core/topology.ts";
export { type SpreadLists, spreadLists } from "./lib/core/spread.ts";
export {
  type Announcement,
  type BalancerConfig,
  type Effect,
  type Event,
  type KnownLetter,
  type Letter,
  type NodeName,
  type Process,
  type ProcessId,
  type Sample,
  type Selection,
  selections,
  type State,
  type Thresholds,
  type Ticket,
} from "./lib/core/types.ts";
export { type BalancerView, type ProcessView } from "./lib/core/views.ts";
export { type Candidate, orderVictims } from "./lib/core/victim.ts";
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
