/** Tests of frames: header, bodies, vectors, malformed input. */
import assert from "node:assert/strict";
import { WireError } from "../base/errors.ts";
import { allVectors, parseVector, sampleValues } from "../../tests/vectors/vectors.ts";
import {
  decodeFrameBody,
  decodeHeader,
  encodeFrameBody,
  encodeHeader,
  type FrameType,
} from "./frame.ts";
import { frames, frameTypes, limits } from "./schema.ts";

const types = Object.keys(frames) as FrameType[];

Deno.test("encodeFrameBody() gives the golden vectors and decodeFrameBody() reads them", async () => {
  for (const type of types) {
    const file = new URL(`../../tests/vectors/frame_${type}.hex`, import.meta.url);
    const golden = await Deno.readTextFile(file);
    assert.equal(golden, allVectors().find(([name]) => name === `frame_${type}.hex`)?.[1]);
    const bytes = parseVector(golden);
    const header = decodeHeader(bytes.subarray(0, limits.frameHeaderSize));
    const body = bytes.subarray(limits.frameHeaderSize);
    assert.deepEqual(header, { type, flags: 0, length: body.length });
    const values = sampleValues(frames[type].fields);
    assert.deepEqual(decodeFrameBody(header, body), { type, answer: false, values });
    // deno-lint-ignore no-explicit-any
    assert.deepEqual(encodeFrameBody(type, values as any), body);
  }
});

Deno.test("decodeHeader() rejects an unknown type, version, flag or length", () => {
  const good = encodeHeader({ type: "under", flags: 0, length: 20 });
  const with_ = (offset: number, value: number) =>
    Uint8Array.from(good, (b, i) => i === offset ? value : b);
  assert.throws(() => decodeHeader(with_(0, 0)), WireError);
  assert.throws(() => decodeHeader(with_(0, frameTypes.register)), WireError, "it is local only");
  assert.throws(() => decodeHeader(with_(1, 1)), WireError);
  assert.throws(() => decodeHeader(with_(2, 4)), WireError);
  assert.throws(() => decodeHeader(with_(7, 1)), WireError);
  assert.throws(() => decodeHeader(good, 19), WireError);
  assert.throws(() => decodeHeader(good.subarray(1)), WireError);
});

Deno.test("decodeFrameBody() rejects a body that is short, long or not UTF-8", () => {
  for (const type of types) {
    // deno-lint-ignore no-explicit-any
    const body = encodeFrameBody(type, sampleValues(frames[type].fields) as any);
    for (const wrong of [body.subarray(1), body.subarray(0, -1), new Uint8Array([...body, 0])]) {
      const header = { type, flags: 0, length: wrong.length };
      assert.throws(() => decodeFrameBody(header, wrong), WireError);
    }
  }
  const header = { type: "error" as const, flags: 0, length: 3 };
  assert.throws(() => decodeFrameBody(header, new Uint8Array([1, 0, 0xff])), WireError);
});
