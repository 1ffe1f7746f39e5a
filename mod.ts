/**
 * The library of lb: what other programs may use of it.
 *
 * The balancer as a state machine, preferred lists, the wire format and the config file are pure or
 * read a file; `readSnapshot()` asks a daemon. What runs processes is the command `lb`. The parts
 * have doors of their own: `lb/core`, `lb/wire`, and `lb/sim` for the simulator, which is not here.
 *
 * Every error that is expected is an {@linkcode LbError} and tells in `fix` what to do about it.
 *
 * @example The state of a node with three processes
 * ```ts
 * import assert from "node:assert/strict";
 * import { stateOf } from "lb";
 * assert.equal(stateOf(3, { thu: 1, thf: 3, thv: 9 }), "F");
 * ```
 *
 * @module
 */
export {
  ConfigError,
  exitCodes,
  HostError,
  type HostErrorOptions,
  LbError,
  type LbErrorOptions,
  UnsupportedError,
  type UnsupportedErrorOptions,
  UsageError,
  WireError,
} from "./lib/base/errors.ts";
export { Prng } from "./lib/base/prng.ts";
export { formatBytes, formatSeconds } from "./lib/base/units.ts";
export { version } from "./lib/base/version.ts";
export {
  type Announcement,
  assertPolicy,
  Balancer,
  type BalancerConfig,
  type BalancerView,
  type Candidate,
  type Capacity,
  type Carried,
  type Counting,
  countings,
  dimensionMax,
  type Edges,
  type Effect,
  type Event,
  formatProcessId,
  graphList,
  hypercubeList,
  type Index,
  indices,
  type Initiation,
  initiations,
  type KnownLetter,
  type Letter,
  type Location,
  locations,
  type MachineView,
  type Measures,
  nextLetter,
  type NodeName,
  orderVictims,
  type OwnerRule,
  type OwnerView,
  parseProcessId,
  policies,
  type Policy,
  type PolicyName,
  type Process,
  type ProcessId,
  type ProcessIdentity,
  type ProcessView,
  type Sample,
  type Selection,
  selections,
  type SpreadLists,
  spreadLists,
  type State,
  stateOf,
  type Threads,
  type ThresholdRule,
  thresholdRules,
  type Thresholds,
  type Ticket,
  type Treatment,
  treatments,
  unitCapacity,
} from "./lib/core/mod.ts";
export { type Address, formatAddress, isWildcard, parseAddress } from "./lib/host/address.ts";
export { readSnapshot } from "./lib/host/command_client.ts";
export {
  type Config,
  type ConfigSources,
  loadConfig,
  parseConfig,
  type SigtstpAction,
  sigtstpActions,
  type ThreadsAction,
  threadsActions,
  type TriggerSignal,
  triggerSignals,
} from "./lib/host/config.ts";
export { type PolicyConfig } from "./lib/host/config_policy.ts";
export { decodeImageHeader, type ImageHeader, readImageHeader } from "./lib/host/image_header.ts";
export {
  type BodyFieldType,
  decodeFrameBody,
  decodeHeader,
  decodeLocal,
  encodeFrameBody,
  encodeHeader,
  encodeLocal,
  type FieldType,
  type FieldValue,
  type FieldValues,
  type Frame,
  type FrameHeader,
  frames,
  type FrameSchema,
  type FrameType,
  frameTypes,
  type FrameValues,
  local,
  type LocalMessage,
  type LocalName,
  type LocalValues,
  parseSnapshot,
  schema,
  type Snapshot,
  type SnapshotMachine,
  type SnapshotMember,
  type SnapshotProcess,
  type SnapshotShadow,
  type StructSchema,
} from "./lib/wire/mod.ts";
