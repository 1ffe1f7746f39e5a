import assert from "node:assert/strict";
import fc from "fast-check";
import { HostError, LbError, UnsupportedError } from "../base/errors.ts";
import { numbers } from "../wire/layout.ts";
import { schema } from "../wire/schema.ts";
import { decodeImageHeader, HEADER_PREFIX_SIZE, headerOffsets } from "./image_header.ts";

/** A header as C writes it. */
function header(): Uint8Array {
  const bytes = new Uint8Array(HEADER_PREFIX_SIZE);
  const view = new DataView(bytes.buffer);
  const text = (offset: number, value: string) =>
    bytes.set(new TextEncoder().encode(value), offset);
  view.setBigUint64(headerOffsets.magic, 0x31474d49424c0a1an, true);
  view.setUint32(headerOffsets.version, numbers.imageVersion, true);
  view.setUint32(headerOffsets.abi_version, schema.abiVersion, true);
  view.setBigUint64(headerOffsets.ticket, 0xfedcba9876543210n, true);
  view.setBigUint64(headerOffsets.start_ticks, 8371234n, true);
  view.setUint32(headerOffsets.home_pid, 1669, true);
  view.setUint32(headerOffsets.segments, 21, true);
  text(headerOffsets.home_node, "192.168.0.1:9734");
  text(headerOffsets.program, "matmul");
  view.setBigUint64(headerOffsets.xcr0, 0xe7n, true);
  view.setBigUint64(headerOffsets.memory_bytes, 25_165_824n, true);
  view.setBigUint64(headerOffsets.range_start, 0x2000_0000_0000n, true);
  return bytes;
}

Deno.test("decodeImageHeader() reads who an image is and what it needs", () => {
  assert.deepEqual(decodeImageHeader(header(), "a.img"), {
    ticket: 0xfedcba9876543210n,
    startTicks: 8371234n,
    homePid: 1669,
    segments: 21,
    homeNode: "192.168.0.1:9734",
    program: "matmul",
    xcr0: 0xe7n,
    memoryBytes: 25_165_824n,
    rangeStart: 0x2000_0000_0000n,
  });
});

Deno.test("decodeImageHeader() rejects what is not an image", () => {
  const reject = (change: (bytes: Uint8Array) => Uint8Array, pattern: RegExp) =>
    assert.throws(
      () => decodeImageHeader(change(header()), "a.img"),
      (error) => error instanceof HostError && pattern.test(error.message),
    );
  reject((bytes) => bytes.subarray(0, HEADER_PREFIX_SIZE - 1), /it has only 191 bytes/);
  reject((bytes) => bytes.fill(0, 0, 1), /does not begin like one/);
  reject((bytes) => bytes.fill(65, headerOffsets.home_node, 104), /names are damaged/);
  reject((bytes) => bytes.fill(0, headerOffsets.home_node, 104), /names are damaged/);
  reject((bytes) => bytes.fill(255, headerOffsets.segments, 40), /tells of 4294967295 segments/);
});

Deno.test("decodeImageHeader() tells an image of another version from a damaged one", () => {
  const bytes = header();
  bytes[headerOffsets.abi_version] = 9;
  assert.throws(() => decodeImageHeader(bytes, "a.img"), UnsupportedError);
});

Deno.test("decodeImageHeader() fails in no other way than by an LbError", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (random, keepStart) => {
    const bytes = new Uint8Array(random);
    if (keepStart) bytes.set(header().subarray(0, Math.min(16, bytes.length)));
    try {
      decodeImageHeader(bytes, "a.img");
    } catch (error) {
      assert.ok(error instanceof LbError, String(error));
    }
  }));
});
