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

/** Letter of a frame that may travel between nodes. */
export type FrameLetter = keyof typeof frames;

/** Values of the body of the frame `L`. */
export type FrameValues<L extends FrameLetter> = FieldValues<(typeof frames)[L]["fields"]>;

/** A decoded frame: its letter, whether it is an answer, and its values. */
export type Frame = {
  [L in FrameLetter]:
    & { readonly letter: L; readonly answer: boolean }
    & { readonly values: FrameValues<L> };
}[FrameLetter];

/** A decoded header. */
export interface FrameHeader {
  readonly letter: FrameLetter;
  readonly flags: number;
  /** Bytes of the body, its code included. */
  readonly length: number;
}

const letters = new Map<number, FrameLetter>(
  (Object.keys(frames) as FrameLetter[]).map((letter) => [frameTypes[letter], letter]),
);
const KNOWN_FLAGS = frameFlags.authenticated | frameFlags.answer;

/** Writes a frame's header. */
export function encodeHeader(header: FrameHeader): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(limits.frameHeaderSize));
  view.setUint8(0, frameTypes[header.letter]);
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
  const letter = letters.get(view.getUint8(0));
  if (letter === undefined) {
    throw malformed(`Cannot accept frame: its type ${view.getUint8(0)} is unknown`);
  }
  if (view.getUint8(1) !== schema.protocolVersion) {
    throw malformed(
      `Cannot accept frame ${letter} as its version must be ${schema.protocolVersion}: ` +
        `it is ${view.getUint8(1)}`,
    );
  }
  const flags = view.getUint16(2, true);
  if ((flags & ~KNOWN_FLAGS) !== 0) {
    throw malformed(`Cannot accept frame ${letter}: its flags ${flags} are unknown`);
  }
  const length = view.getUint32(4, true);
  if (length > sizeMax) {
    throw malformed(
      `Cannot accept frame ${letter} as its body may have ${sizeMax} bytes: it has ${length}`,
    );
  }
  return { letter, flags, length };
}

/** Encodes a frame's body. */
export function encodeFrameBody<L extends FrameLetter>(
  letter: L,
  values: FrameValues<L>,
): Uint8Array<ArrayBuffer> {
  return encodeBody(frames[letter].fields, values as Record<string, AnyValue>);
}

/**
 * Decodes a frame's body (its code, if any, already cut off).
 *
 * @throws {WireError} If it has not exactly the fields of its letter.
 */
export function decodeFrameBody(header: FrameHeader, body: Uint8Array): Frame {
  const fields: Readonly<Record<string, BodyFieldType>> = frames[header.letter].fields;
  const values = decodeBody(fields, body);
  const answer = (header.flags & frameFlags.answer) !== 0;
  return { letter: header.letter, answer, values } as unknown as Frame;
}
