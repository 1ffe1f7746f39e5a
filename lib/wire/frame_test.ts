/** Tests of frames: header, bodies, vectors, malformed input. */
import assert from "node:assert/strict";
import { WireError } from "../base/errors.ts";
import { allVectors, parseVector, sampleValues } from "../../tests/vectors/vectors.ts";
import {
  decodeFrameBody,
  decodeHeader,
  encodeFrameBody,
  encodeHeader,
  type FrameLetter,
} from "./frame.ts";
import { frames, frameTypes, limits } from "./schema.ts";

const letters = Object.keys(frames) as FrameLetter[];

Deno.test("encodeFrameBody() gives the golden vectors and decodeFrameBody() reads them", async () => {
  for (const letter of letters) {
    const file = new URL(`../../tests/vectors/frame_${letter}.hex`, import.meta.url);
    const golden = await Deno.readTextFile(file);
    assert.equal(golden, allVectors().find(([name]) => name === `frame_${letter}.hex`)?.[1]);
    const bytes = parseVector(golden);
    const header = decodeHeader(bytes.subarray(0, limits.frameHeaderSize));
    const body = bytes.subarray(limits.frameHeaderSize);
    assert.deepEqual(header, { letter, flags: 0, length: body.length });
    const values = sampleValues(frames[letter].fields);
    assert.deepEqual(decodeFrameBody(header, body), { letter, answer: false, values });
    // deno-lint-ignore no-explicit-any
    assert.deepEqual(encodeFrameBody(letter, values as any), body);
  }
});

Deno.test("decodeHeader() rejects an unknown type, version, flag or length", () => {
  const good = encodeHeader({ letter: "U", flags: 0, length: 16 });
  const with_ = (offset: number, value: number) =>
    Uint8Array.from(good, (b, i) => i === offset ? value : b);
  assert.throws(() => decodeHeader(with_(0, 0)), WireError);
  assert.throws(() => decodeHeader(with_(0, frameTypes.P)), WireError, "P is local only");
  assert.throws(() => decodeHeader(with_(1, 2)), WireError);
  assert.throws(() => decodeHeader(with_(2, 4)), WireError);
  assert.throws(() => decodeHeader(with_(7, 1)), WireError);
  assert.throws(() => decodeHeader(good, 15), WireError);
  assert.throws(() => decodeHeader(good.subarray(1)), WireError);
});

Deno.test("decodeFrameBody() rejects a body that is short, long or not UTF-8", () => {
  for (const letter of letters) {
    // deno-lint-ignore no-explicit-any
    const body = encodeFrameBody(letter, sampleValues(frames[letter].fields) as any);
    for (const wrong of [body.subarray(1), body.subarray(0, -1), new Uint8Array([...body, 0])]) {
      const header = { letter, flags: 0, length: wrong.length };
      assert.throws(() => decodeFrameBody(header, wrong), WireError);
    }
  }
  const header = { letter: "E" as const, flags: 0, length: 3 };
  assert.throws(() => decodeFrameBody(header, new Uint8Array([1, 0, 0xff])), WireError);
});
