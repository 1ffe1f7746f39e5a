/**
 * Puts the launcher (c/launch/) in front of a runtime.
 *
 * The result is an ELF program whose first instruction is ours.
 *
 * Its bytes go behind the file's own, into a segment that takes the place of the notes in the table of
 * program headers: there is no room for one more, and nobody reads an executable's build id and
 * ABI tag at run time. Deno finds what is compiled into it by the end of the file.
 *
 * @module
 */
import { HostError } from "../lib/base/errors.ts";

const PAGE = 4096;
const PT_LOAD = 1;
const PT_NOTE = 4;
const READ_EXECUTE = 5;
const HEADER_SIZE = 56;

/** What the launcher is told in its first bytes: struct lb_front of c/launch/launch.h. */
export interface FrontFacts {
  /** SHA-256 of the library, hexadecimal. */
  readonly hash: string;
  /** Its size in bytes. */
  readonly librarySize: number;
}

function roundUp(size: number): number {
  return Math.ceil(size / PAGE) * PAGE;
}

/**
 * Makes a runtime that begins with the launcher.
 *
 * @throws {HostError} If the runtime is laid out in a way that this does not know.
 */
export function putInFront(
  runtime: Uint8Array,
  launcher: Uint8Array,
  facts: FrontFacts,
): Uint8Array {
  const offset = roundUp(runtime.length);
  const result = new Uint8Array(offset + launcher.length);
  result.set(runtime);
  result.set(launcher, offset);
  const view = new DataView(result.buffer);
  const entry = Number(view.getBigUint64(24, true));
  const table = Number(view.getBigUint64(32, true));
  const count = view.getUint16(56, true);
  let notes: number | undefined;
  let end = 0;
  for (let at = table; at < table + count * HEADER_SIZE; at += HEADER_SIZE) {
    const type = view.getUint32(at, true);
    if (type === PT_NOTE) notes = at;
    if (type !== PT_LOAD) continue;
    // Segments are in the order of their addresses, elf(5): ours, the last, has the highest.
    if (notes !== undefined) notes = undefined;
    end = Number(view.getBigUint64(at + 16, true) + view.getBigUint64(at + 40, true));
  }
  if (notes === undefined || view.getUint16(16, true) !== 3 /* ET_DYN */) {
    throw new HostError(
      "Cannot put the launcher in front of the runtime as its last notes must lie behind its " +
        "segments, in a position-independent program: they do not",
      { fix: "Use the pinned runtime: unset DENORT_BIN" },
    );
  }
  const address = roundUp(end);
  view.setUint32(notes, PT_LOAD, true);
  view.setUint32(notes + 4, READ_EXECUTE, true);
  const fields = [offset, address, address, launcher.length, launcher.length, PAGE];
  fields.forEach((value, index) => view.setBigUint64(notes + 8 + 8 * index, BigInt(value), true));
  view.setBigUint64(24, BigInt(address), true);
  view.setBigInt64(offset + 8, BigInt(entry - address), true);
  result.set(new TextEncoder().encode(facts.hash.slice(0, 16)), offset + 16);
  view.setBigUint64(offset + 32, BigInt(facts.librarySize), true);
  return result;
}
