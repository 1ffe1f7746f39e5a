/** Tests of the load index. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { unitCapacity } from "../contract/capacity.ts";
import { policies, type Policy } from "../contract/policy.ts";
import { LoadIndex } from "./load_index.ts";

const limits = { thu: 1, thf: 5, thv: 8 };
const thesis: Policy = policies.thesis;

Deno.test("LoadIndex is the queue length, or that for each core of speed 1", () => {
  const plain = new LoadIndex(thesis, { cores: 4, speed: 2 }, limits);
  plain.note(6, 0);
  assert.equal(plain.forLetter, 6);
  assert.equal(plain.forSending(5), 5);
  const divided = new LoadIndex(
    { ...thesis, index: "per-capacity" },
    { cores: 4, speed: 2 },
    limits,
  );
  divided.note(6, 0);
  assert.equal(divided.forLetter, 0.75);
  assert.equal(divided.forSending(4), 0.5);
});

Deno.test("LoadIndex smoothed follows with its time constant, and only ever delays", () => {
  const index = new LoadIndex({ ...thesis, smoothingMs: 1_000 }, unitCapacity, limits);
  index.note(0, 0);
  index.note(8, 0); // a burst
  assert.equal(index.forLetter, 8);
  assert.equal(index.forSending(8), 0);
  index.note(8, 1_000);
  assert.ok(Math.abs(index.forSending(8) - 8 * (1 - Math.exp(-1))) < 1e-9);
  index.note(8, 60_000);
  assert.equal(index.forSending(8), 8);
  index.note(0, 60_000); // a lull
  assert.equal(index.forSending(0), 0);
  assert.equal(index.forLetter, 8);
  index.note(0, 61_000);
  assert.ok(Math.abs(index.forLetter - 8 * Math.exp(-1)) < 1e-9);
});

Deno.test("LoadIndex tells when it will reach a limit, and does reach it then", () => {
  const steps = fc.array(fc.tuple(fc.nat({ max: 12 }), fc.integer({ min: 0, max: 3_000 })), {
    minLength: 1,
  });
  fc.assert(fc.property(steps, fc.integer({ min: 1, max: 10_000 }), (history, smoothingMs) => {
    const index = new LoadIndex({ ...thesis, smoothingMs }, unitCapacity, limits);
    let nowMs = 0;
    let length = 0;
    for (const [queueLength, gapMs] of history) {
      index.note(length, nowMs += gapMs);
      index.note(length = queueLength, nowMs);
    }
    const settled = () =>
      index.forLetter <= 4 === length <= 4 &&
      index.forSending(length) >= 8 === length >= 8;
    for (let rounds = 0; !settled(); rounds++) {
      assert.ok(rounds < 20, "it comes to rest");
      const nextMs = index.nextTimeoutMs([4, 8]);
      assert.ok(nextMs !== null && nextMs > nowMs);
      index.note(length, nowMs = nextMs);
    }
  }));
});
