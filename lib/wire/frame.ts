/**
 * Frames between daemons and from commands: an 8-byte header, then the body.
 *
 * ```text
 *  0        1        2                 4                                 8
 * +--------+--------+-----------------+---------------------------------+------ ...
 * | type   | version| flags           | length of the body              | body
 * +--------+--------+-----------------+---------------------------------+------ ...
 * ```
 * Integers are little-endian. With the flag `authenticated` the body's last 16 bytes are its code.
 *
 * @module
 */
import { type AnyValue, decodeBody, encodeBody, type FieldValues, malformed } from "./fields.ts";
import { type BodyFieldType, frameFlags, frames, frameTypes, limits, schema } from "./schema.ts";

/** Type of a frame that may travel between nodes. */
export type FrameType = keyof typeof frames;

/** Values of the body of the frame `T`. */
export type FrameValues<T extends FrameType> = FieldValues<(typeof frames)[T]["fields"]>;

/** A decoded frame: its type, whether it is an answer, and its values. */
export type Frame = {
  [T in FrameType]:
    & { readonly type: T; readonly answer: boolean }
    & { readonly values: FrameValues<T> };
}[FrameType];

/** A decoded header. */
export interface FrameHeader {
  /** What it carries. */
  readonly type: FrameType;
  /** Bits of `frameFlags`. */
  readonly flags: number;
  /** Bytes of the body, its code included. */
  readonly length: number;
}

const types = new Map<number, FrameType>(
  (Object.keys(frames) as FrameType[]).map((type) => [frameTypes[type], type]),
);
const KNOWN_FLAGS = frameFlags.authenticated | frameFlags.answer;

/**
 * Writes a frame's header.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * assert.equal(encodeHeader({ type: "snapshot", flags: 0, length: 12 }).length, 8);
 * ```
 */
export function encodeHeader(header: FrameHeader): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(limits.frameHeaderSize));
  view.setUint8(0, frameTypes[header.type]);
  view.setUint8(1, schema.protocolVersion);
  view.setUint16(2, header.flags, true);
  view.setUint32(4, header.length, true);
  return new Uint8Array(view.buffer);
}

/**
 * Decodes a frame's header.
 *
 * @param bytes The first 8 bytes of the frame.
 * @param sizeMax Largest body that is acceptable now.
 * @throws {WireError} If it is not the header of a frame that is acceptable.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * const header = { type: "snapshot", flags: 0, length: 12 } as const;
 * assert.deepEqual(decodeHeader(encodeHeader(header)), header);
 * ```
 */
export function decodeHeader(
  bytes: Uint8Array,
  sizeMax: number = limits.frameSizeMax,
): FrameHeader {
  if (bytes.length !== limits.frameHeaderSize) {
    throw malformed(
      `Cannot decode frame header as it must be ${limits.frameHeaderSize} bytes: ${bytes.length} came`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const type = types.get(view.getUint8(0));
  if (type === undefined) {
    throw malformed(`Cannot accept frame: its type ${view.getUint8(0)} is unknown`);
  }
  if (view.getUint8(1) !== schema.protocolVersion) {
    throw malformed(
      `Cannot accept frame ${type} as its version must be ${schema.protocolVersion}: ` +
        `it is ${view.getUint8(1)}`,
    );
  }
  const flags = view.getUint16(2, true);
  if ((flags & ~KNOWN_FLAGS) !== 0) {
    throw malformed(`Cannot accept frame ${type}: its flags ${flags} are unknown`);
  }
  const length = view.getUint32(4, true);
  if (length > sizeMax) {
    throw malformed(
      `Cannot accept frame ${type} as its body may have ${sizeMax} bytes: it has ${length}`,
    );
  }
  return { type, flags, length };
}

/**
 * Encodes a frame's body.
 *
 * @throws {RangeError} If a value does not fit its field.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * assert.equal(encodeFrameBody("snapshot", { request: 7n, json: new Uint8Array() }).length, 12);
 * ```
 */
export function encodeFrameBody<T extends FrameType>(
  type: T,
  values: FrameValues<T>,
): Uint8Array<ArrayBuffer> {
  return encodeBody(frames[type].fields, values as Record<string, AnyValue>);
}

/**
 * Decodes a frame's body (its code, if any, already cut off).
 *
 * @throws {WireError} If it has not exactly the fields of its type.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * const values = { request: 7n, json: new Uint8Array() };
 * const body = encodeFrameBody("snapshot", values);
 * const header = { type: "snapshot", flags: 0, length: body.length } as const;
 * assert.deepEqual(decodeFrameBody(header, body).values, values);
 * ```
 */
export function decodeFrameBody(header: FrameHeader, body: Uint8Array): Frame {
  const fields: Readonly<Record<string, BodyFieldType>> = frames[header.type].fields;
  const values = decodeBody(fields, body);
  const answer = (header.flags & frameFlags.answer) !== 0;
  return { type: header.type, answer, values } as unknown as Frame;
}
