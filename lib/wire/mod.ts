/**
 * Frames between nodes, messages of the control socket, snapshots.
 *
 * Encoded and decoded without any I/O. Integers on the wire are little-endian, sizes are bytes.
 * docs/PROTOCOL.md tells what each frame is for.
 *
 * @example A frame there and back
 * ```ts
 * import assert from "node:assert/strict";
 * import { decodeFrameBody, decodeHeader, encodeFrameBody, encodeHeader } from "lb/wire";
 *
 * const values = { request: 7n, json: new Uint8Array() };
 * const body = encodeFrameBody("snapshot", values);
 * const header = encodeHeader({ type: "snapshot", flags: 0, length: body.length });
 * const frame = decodeFrameBody(decodeHeader(header), body);
 * assert.deepEqual(frame, { type: "snapshot", answer: false, values });
 * ```
 *
 * @module
 */
export { LbError, type LbErrorOptions, WireError } from "../base/errors.ts";
export { type FieldValue, type FieldValues } from "./fields.ts";
export {
  decodeFrameBody,
  decodeHeader,
  encodeFrameBody,
  encodeHeader,
  type Frame,
  type FrameHeader,
  type FrameType,
  type FrameValues,
} from "./frame.ts";
export {
  decodeLocal,
  encodeLocal,
  type LocalMessage,
  type LocalName,
  type LocalValues,
} from "./local.ts";
export {
  type BodyFieldType,
  type FieldType,
  frames,
  type FrameSchema,
  frameTypes,
  local,
  schema,
  type StructSchema,
} from "./schema.ts";
export {
  parseSnapshot,
  type Snapshot,
  type SnapshotMachine,
  type SnapshotMember,
  type SnapshotProcess,
  type SnapshotShadow,
  type Treatment,
  treatments,
} from "./snapshot.ts";
