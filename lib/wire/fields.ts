/**
 * Reads and writes the fields of the schema's tables.
 *
 * Little-endian, lengths checked before reading.
 *
 * @module
 */
import { WireError } from "../base/errors.ts";
import type { BodyFieldType, FieldType } from "./schema.ts";

/** The TypeScript type of a field. */
export type FieldValue<T extends FieldType | BodyFieldType> = T extends "u32" | "i32" ? number
  : T extends "u64" | "i64" ? bigint
  : T extends "bytes" ? Uint8Array
  : string;

/** The TypeScript type of a table of fields. */
export type FieldValues<F extends Readonly<Record<string, FieldType | BodyFieldType>>> = {
  readonly [K in keyof F]: FieldValue<F[K]>;
};

/** Any value of any field; the generic codecs below use it. */
export type AnyValue = number | bigint | string | Uint8Array;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });
const SAME_VERSION = "Run the same lb version on both nodes: compare `lb --version`";

/** Makes the error of a malformed message; every decoder throws this one only. */
export function malformed(message: string): WireError {
  return new WireError(message, { fix: SAME_VERSION });
}

/** Size in bytes of a fixed field. */
export function fixedSize(type: FieldType): number {
  if (type === "u32" || type === "i32") return 4;
  if (type === "u64" || type === "i64") return 8;
  return Number(type.slice("char[".length, -1));
}

function decodeText(bytes: Uint8Array, what: string): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw malformed(`Cannot decode ${what} as it must be UTF-8: ${bytes.length} bytes are not`);
  }
}

function checkRange(type: FieldType | BodyFieldType, value: AnyValue, what: string): void {
  const wrong = () => new RangeError(`Cannot encode ${what} as ${type}: current value is ${value}`);
  if (type === "u32" || type === "i32") {
    const [low, high] = type === "u32" ? [0, 0xffff_ffff] : [-0x8000_0000, 0x7fff_ffff];
    if (!Number.isInteger(value) || value as number < low || value as number > high) throw wrong();
  } else if (type === "u64" || type === "i64") {
    if (typeof value !== "bigint") throw wrong();
    const back = type === "u64" ? BigInt.asUintN(64, value) : BigInt.asIntN(64, value);
    if (back !== value) throw wrong();
  }
}

/** Writes one fixed field at `offset`. Text that does not fit with its NUL is a RangeError. */
export function writeFixed(
  view: DataView,
  offset: number,
  field: { readonly type: FieldType; readonly name: string },
  value: AnyValue,
): void {
  const { type, name } = field;
  checkRange(type, value, name);
  if (type === "u32") view.setUint32(offset, value as number, true);
  else if (type === "i32") view.setInt32(offset, value as number, true);
  else if (type === "u64") view.setBigUint64(offset, value as bigint, true);
  else if (type === "i64") view.setBigInt64(offset, value as bigint, true);
  else {
    const size = fixedSize(type);
    const bytes = encoder.encode(String(value));
    if (bytes.length >= size || bytes.includes(0)) {
      throw new RangeError(`Cannot encode ${name} as ${type}: current value is "${value}"`);
    }
    new Uint8Array(view.buffer, view.byteOffset + offset, size).set(bytes);
  }
}

/** Reads one fixed field; text without its NUL, or not UTF-8, is a WireError. */
export function readFixed(
  view: DataView,
  offset: number,
  field: { readonly type: FieldType; readonly name: string },
): AnyValue {
  const { type, name } = field;
  if (type === "u32") return view.getUint32(offset, true);
  if (type === "i32") return view.getInt32(offset, true);
  if (type === "u64") return view.getBigUint64(offset, true);
  if (type === "i64") return view.getBigInt64(offset, true);
  const bytes = new Uint8Array(view.buffer, view.byteOffset + offset, fixedSize(type));
  const end = bytes.indexOf(0);
  if (end < 0) throw malformed(`Cannot decode ${name} as ${type}: it has no NUL`);
  return decodeText(bytes.subarray(0, end), name);
}

/** Encodes the body of a frame. */
export function encodeBody(
  fields: Readonly<Record<string, BodyFieldType>>,
  values: Readonly<Record<string, AnyValue>>,
): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  for (const [name, type] of Object.entries(fields)) {
    const value = values[name];
    if (value === undefined) throw new RangeError(`Cannot encode ${name}: it has no value`);
    if (type === "text" || type === "bytes") {
      const bytes = type === "text" ? encoder.encode(String(value)) : value as Uint8Array;
      const prefix = new DataView(new ArrayBuffer(type === "text" ? 2 : 4));
      if (type === "text" && bytes.length > 0xffff) {
        throw new RangeError(`Cannot encode ${name} as text: it has ${bytes.length} bytes`);
      }
      if (type === "text") prefix.setUint16(0, bytes.length, true);
      else prefix.setUint32(0, bytes.length, true);
      parts.push(new Uint8Array(prefix.buffer), bytes);
    } else {
      const part = new DataView(new ArrayBuffer(fixedSize(type)));
      writeFixed(part, 0, { type, name }, value);
      parts.push(new Uint8Array(part.buffer));
    }
  }
  return concat(parts);
}

/** Decodes the body of a frame; it must be used up exactly. */
export function decodeBody(
  fields: Readonly<Record<string, BodyFieldType>>,
  body: Uint8Array,
): Record<string, AnyValue> {
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const values: Record<string, AnyValue> = {};
  let offset = 0;
  const need = (size: number, name: string) => {
    if (size > body.length - offset) {
      throw malformed(
        `Cannot decode ${name} as it needs ${size} bytes: ${body.length - offset} are left`,
      );
    }
  };
  for (const [name, type] of Object.entries(fields)) {
    if (type === "text" || type === "bytes") {
      const prefix = type === "text" ? 2 : 4;
      need(prefix, name);
      const size = type === "text" ? view.getUint16(offset, true) : view.getUint32(offset, true);
      offset += prefix;
      need(size, name);
      const bytes = body.subarray(offset, offset + size);
      values[name] = type === "text" ? decodeText(bytes, name) : bytes.slice();
      offset += size;
    } else {
      need(fixedSize(type), name);
      values[name] = readFixed(view, offset, { type, name });
      offset += fixedSize(type);
    }
  }
  if (offset !== body.length) {
    throw malformed(`Cannot decode body as it must be ${offset} bytes: it has ${body.length}`);
  }
  return values;
}

/** Joins byte arrays. */
export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}
