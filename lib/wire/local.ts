/**
 * Encodes and decodes the fixed-size messages of the control socket (`schema.local`).
 *
 * @module
 */
import {
  type AnyValue,
  type FieldValues,
  fixedSize,
  malformed,
  readFixed,
  writeFixed,
} from "./fields.ts";
import { type FieldType, limits, local, type StructSchema } from "./schema.ts";

/** Name of a local message. */
export type LocalName = keyof typeof local;

/** Values of the fields of the local message `N`. */
export type LocalValues<N extends LocalName> = FieldValues<(typeof local)[N]["fields"]>;

/** A decoded local message: its name and its values. */
export type LocalMessage = { [N in LocalName]: { readonly name: N } & LocalValues<N> }[LocalName];

const HEADER_SIZE = 8; // type: u32, size: u32
const names = new Map<number, LocalName>(
  (Object.keys(local) as LocalName[]).map((name) => [local[name].id, name]),
);

function fieldsOf(name: LocalName): [string, FieldType][] {
  return Object.entries((local[name] as StructSchema).fields);
}

/** Size in bytes of a local message, its header included. */
export function localSize(name: LocalName): number {
  return fieldsOf(name).reduce((sum, [, type]) => sum + fixedSize(type), HEADER_SIZE);
}

/**
 * Encodes the local message `name`.
 *
 * @throws {RangeError} If a value does not fit its field.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * const bytes = encodeLocal("Ack", { code: 0, flags: 1 });
 * assert.deepEqual(decodeLocal(bytes), { name: "Ack", code: 0, flags: 1 });
 * ```
 */
export function encodeLocal<N extends LocalName>(
  name: N,
  values: LocalValues<N>,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(localSize(name));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, local[name].id, true);
  view.setUint32(4, bytes.length, true);
  let offset = HEADER_SIZE;
  for (const [field, type] of fieldsOf(name)) {
    const value = (values as Record<string, AnyValue>)[field];
    if (value === undefined) {
      throw new RangeError(`Cannot encode ${name}.${field}: it has no value`);
    }
    writeFixed(view, offset, { type, name: `${name}.${field}` }, value);
    offset += fixedSize(type);
  }
  return bytes;
}

/**
 * Decodes one local message.
 *
 * @throws {WireError} If the type is unknown, the size is wrong or a text is malformed.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * assert.throws(() => decodeLocal(new Uint8Array(8)), /its type 0 is unknown/);
 * ```
 */
export function decodeLocal(bytes: Uint8Array): LocalMessage {
  if (bytes.length < HEADER_SIZE || bytes.length > limits.localMessageSizeMax) {
    throw malformed(
      `Cannot decode local message as it must have ${HEADER_SIZE} to ` +
        `${limits.localMessageSizeMax} bytes: it has ${bytes.length}`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const name = names.get(view.getUint32(0, true));
  if (name === undefined) {
    throw malformed(`Cannot decode local message: its type ${view.getUint32(0, true)} is unknown`);
  }
  const size = localSize(name);
  if (view.getUint32(4, true) !== size || bytes.length !== size) {
    throw malformed(
      `Cannot decode ${name} as it must be ${size} bytes: it says ${view.getUint32(4, true)}, ` +
        `${bytes.length} came`,
    );
  }
  const values: Record<string, AnyValue> = { name };
  let offset = HEADER_SIZE;
  for (const [field, type] of fieldsOf(name)) {
    values[field] = readFixed(view, offset, { type, name: `${name}.${field}` });
    offset += fixedSize(type);
  }
  return values as unknown as LocalMessage;
}
