/**
 * The first bytes of an image file: `struct lb_image_header` of c/include/lb_image.h.
 *
 * Its offsets are the compiler's: lib/wire/layout.ts.
 *
 * @module
 */
import { describe, HostError, LbError, UnsupportedError } from "../base/errors.ts";
import { imageHeader, imageRun, imageSegment, magics, numbers, runFlags } from "../wire/layout.ts";
import { schema } from "../wire/schema.ts";

/** Where each field lies, in bytes from the beginning. */
export const headerOffsets = imageHeader.offsets;

/** Bytes of the header that are decoded here; the whole one is longer. */
export const HEADER_PREFIX_SIZE = headerOffsets.range_start + 8;
/** Bytes of struct lb_image_header, lb_image_segment and lb_image_run. */
export const imageSizes = {
  header: imageHeader.size,
  segment: imageSegment.size,
  run: imageRun.size,
} as const;

/** Flags of a run's size from this on say that no bytes follow. */
const RUN_FLAG_LEAST = runFlags.guard;

/** Who an image is, and what it needs. */
export interface ImageHeader {
  /** Names the move that this image is. */
  readonly ticket: bigint;
  /** When the process was started at home, in clock ticks since boot. */
  readonly startTicks: bigint;
  /** Its PID at home. */
  readonly homePid: number;
  /** Number of memory segments. */
  readonly segments: number;
  /** Where its shadow waits. */
  readonly homeNode: string;
  /** File name of its program. */
  readonly program: string;
  /** Register sets that its processor had: a mask as in XCR0. */
  readonly xcr0: bigint;
  /** Size of its memory. */
  readonly memoryBytes: bigint;
  /** Address of the room that it leaves for its shadow. */
  readonly rangeStart: bigint;
}

function text(bytes: Uint8Array, offset: number, size: number): string | null {
  const field = bytes.subarray(offset, offset + size);
  const end = field.indexOf(0);
  return end < 0 ? null : new TextDecoder().decode(field.subarray(0, end));
}

function notAnImage(path: string, current: string): HostError {
  return new HostError(`Cannot read ${path} as it must be an image: ${current}`, {
    fix: "Name a file that `lb checkpoint` has written",
  });
}

/**
 * Decodes the beginning of an image.
 *
 * @param bytes At least its first {@linkcode HEADER_PREFIX_SIZE} bytes.
 * @param path The file's path, for messages.
 * @throws {HostError} If it is not an image, or not a whole one.
 * @throws {UnsupportedError} If another version of lb wrote it.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * assert.throws(() => decodeImageHeader(new Uint8Array(9), "a.image"), /only 9 bytes/);
 * ```
 */
export function decodeImageHeader(bytes: Uint8Array, path: string): ImageHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const bad = (current: string) => notAnImage(path, current);
  if (bytes.length < HEADER_PREFIX_SIZE) throw bad(`it has only ${bytes.length} bytes`);
  if (view.getBigUint64(headerOffsets.magic, true) !== magics.image) {
    throw bad("it does not begin like one");
  }
  const version = view.getUint32(headerOffsets.version, true);
  const abiVersion = view.getUint32(headerOffsets.abi_version, true);
  if (version !== numbers.imageVersion || abiVersion !== schema.abiVersion) {
    throw new UnsupportedError(
      `Cannot restart ${path} as its format must be ${numbers.imageVersion}.${schema.abiVersion}: ` +
        `it is ${version}.${abiVersion}`,
      { fix: "Use the lb version that wrote it", what: "an image of another lb version" },
    );
  }
  const homeNode = text(bytes, headerOffsets.home_node, schema.limits.nodeNameSize);
  const program = text(bytes, headerOffsets.program, schema.limits.programNameSize);
  const segments = view.getUint32(headerOffsets.segments, true);
  if (homeNode === null || homeNode === "" || program === null) throw bad("its names are damaged");
  if (segments === 0 || segments > schema.limits.segmentsMax) {
    throw bad(`it tells of ${segments} segments`);
  }
  return {
    ticket: view.getBigUint64(headerOffsets.ticket, true),
    startTicks: view.getBigUint64(headerOffsets.start_ticks, true),
    homePid: view.getUint32(headerOffsets.home_pid, true),
    segments,
    homeNode,
    program,
    xcr0: view.getBigUint64(headerOffsets.xcr0, true),
    memoryBytes: view.getBigUint64(headerOffsets.memory_bytes, true),
    rangeStart: view.getBigUint64(headerOffsets.range_start, true),
  };
}

/** Reads as many bytes as there are, at most as many as `bytes` has. */
async function readSome(file: Deno.FsFile, bytes: Uint8Array): Promise<Uint8Array> {
  let size = 0;
  while (size < bytes.length) {
    const got = await file.read(bytes.subarray(size));
    if (got === null || got === 0) break;
    size += got;
  }
  return bytes.subarray(0, size);
}

/** Whether all that an image tells of is there: its tables and its runs, up to the empty one at the end. */
async function isWhole(file: Deno.FsFile, segments: number): Promise<boolean> {
  const { size } = await file.stat();
  await file.seek(headerOffsets.files_size, Deno.SeekMode.Start);
  const files = await readSome(file, new Uint8Array(8));
  if (files.length < 8) return false;
  let at = imageSizes.header + segments * imageSizes.segment +
    Number(new DataView(files.buffer).getBigUint64(0, true));
  for (;;) {
    await file.seek(at, Deno.SeekMode.Start);
    const run = await readSome(file, new Uint8Array(imageSizes.run));
    if (run.length < imageSizes.run) return false;
    const bytes = new DataView(run.buffer).getBigUint64(imageRun.offsets.size, true);
    if (bytes === 0n) return true;
    at += imageSizes.run + (bytes < RUN_FLAG_LEAST ? Number(bytes & ~runFlags.file) : 0);
    if (at >= size) return false;
  }
}

/**
 * Reads the header of an image file.
 *
 * @throws {HostError} If it cannot be read, or is not an image, or only the beginning of one.
 * @throws {UnsupportedError} If another version of lb wrote it.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * await assert.rejects(readImageHeader("/nowhere/a.image"), /Cannot read the image/);
 * ```
 */
export async function readImageHeader(path: string): Promise<ImageHeader> {
  try {
    using file = await Deno.open(path);
    const bytes = await readSome(file, new Uint8Array(HEADER_PREFIX_SIZE));
    const header = decodeImageHeader(bytes, path);
    if (!await isWhole(file, header.segments)) throw notAnImage(path, "it ends in the middle");
    return header;
  } catch (error) {
    if (error instanceof LbError) throw error;
    throw new HostError(
      `Cannot read the image ${path}: ${describe(error)}`,
      { fix: "Check the path and the file's mode", cause: error },
    );
  }
}
