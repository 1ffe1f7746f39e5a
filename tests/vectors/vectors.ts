/**
 * Golden vectors of the wire.
 *
 * The values every vector holds, and its text form, which C and TypeScript tests read.
 *
 * A vector is hex bytes, one field a line; `#` starts a comment. Field number i (from 0) of a message
 * holds: u32 0x01020300+i, i32 -(100+i), u64 0x0102030405060700+i, i64 -(100+i), char and text its
 * own name, bytes 01 02 03. Run this file to write the vectors that do not exist yet; one that
 * exists is never changed, because it is what another version on the wire expects.
 *
 * @module
 */
import { encodeBody, fixedSize, writeFixed } from "../../lib/wire/fields.ts";
import type { AnyValue } from "../../lib/wire/fields.ts";
import { encodeHeader, type FrameType } from "../../lib/wire/frame.ts";
import type { LocalName } from "../../lib/wire/local.ts";
import { localSize } from "../../lib/wire/local.ts";
import { type BodyFieldType, type FieldType, frames, local } from "../../lib/wire/schema.ts";

/** The value that field number `index` holds in every vector. */
export function sampleValue(
  type: FieldType | BodyFieldType,
  name: string,
  index: number,
): AnyValue {
  if (type === "u32") return 0x0102_0300 + index;
  if (type === "i32") return -(100 + index);
  if (type === "u64") return 0x0102_0304_0506_0700n + BigInt(index);
  if (type === "i64") return -(100n + BigInt(index));
  if (type === "bytes") return new Uint8Array([1, 2, 3]);
  return name;
}

/** The values of a table of fields. */
export function sampleValues(
  fields: Readonly<Record<string, FieldType | BodyFieldType>>,
): Record<string, AnyValue> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, type], index) => [name, sampleValue(type, name, index)]),
  );
}

/** Reads a vector's bytes. */
export function parseVector(text: string): Uint8Array {
  const hex = text.replaceAll(/#.*$/gm, "").replaceAll(/\s+/g, "");
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

function line(bytes: Uint8Array, comment: string): string {
  return `${
    [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(" ")
  }  # ${comment}\n`;
}

function u32(value: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, value, true);
  return new Uint8Array(view.buffer);
}

/** The vector of a local message. */
export function localVector(name: LocalName): string {
  let text = `# ${name}: ${localSize(name)} bytes\n` + line(u32(local[name].id), "type") +
    line(u32(localSize(name)), "size");
  for (const [index, [field, type]] of Object.entries(local[name].fields).entries()) {
    const view = new DataView(new ArrayBuffer(fixedSize(type)));
    writeFixed(view, 0, { type, name: field }, sampleValue(type, field, index));
    text += line(new Uint8Array(view.buffer), field);
  }
  return text;
}

/** The vector of a frame without its code. */
export function frameVector(type: FrameType): string {
  const fields: Readonly<Record<string, BodyFieldType>> = frames[type].fields;
  const length = encodeBody(fields, sampleValues(fields)).length;
  let text = `# frame ${type}\n` + line(encodeHeader({ type, flags: 0, length }), "header");
  for (const [index, [field, fieldType]] of Object.entries(fields).entries()) {
    text += line(
      encodeBody({ [field]: fieldType }, { [field]: sampleValue(fieldType, field, index) }),
      field,
    );
  }
  return text;
}

/** Every vector's file name with its text. */
export function allVectors(): [string, string][] {
  return [
    ...(Object.keys(local) as LocalName[]).map(
      (name): [string, string] => [`local_${snakeCase(name)}.hex`, localVector(name)],
    ),
    ...(Object.keys(frames) as FrameType[]).map(
      (type): [string, string] => [`frame_${type}.hex`, frameVector(type)],
    ),
  ];
}

function snakeCase(name: string): string {
  return name.replaceAll(/(?<=[a-z])[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
}

if (import.meta.main) {
  for (const [name, text] of allVectors()) {
    const file = new URL(name, import.meta.url);
    await Deno.writeTextFile(file, text, { createNew: true }).catch((error) => {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    });
  }
}
