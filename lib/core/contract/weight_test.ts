/** Tests of what a process weighs. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { countWhole, weighAgain } from "./weight.ts";

Deno.test("countWhole() changes only where it is clear, and never flickers", () => {
  assert.equal(countWhole(0, 0.7), 0);
  assert.equal(countWhole(0, 0.98), 1);
  assert.equal(countWhole(1, 0.3), 1);
  assert.equal(countWhole(1, 0.2), 0);
  assert.equal(countWhole(1, 3.1), 3);
  fc.assert(fc.property(fc.nat({ max: 9 }), fc.double({ min: 0, max: 9, noNaN: true }), (n, x) => {
    const next = countWhole(n, x);
    assert.equal(countWhole(next, x), next);
  }));
});

Deno.test("weighAgain() is the threads that compute, and one at least", () => {
  assert.equal(weighAgain(1, { all: 65, computing: 1.02 }), 1, "64 threads of a pool sleep");
  assert.equal(weighAgain(1, { all: 4, computing: 3.9 }), 4);
  assert.equal(weighAgain(4, { all: 4, computing: 3.3 }), 4, "no flickering");
  assert.equal(weighAgain(4, { all: 4, computing: 3.2 }), 3);
  assert.equal(weighAgain(4, { all: 9, computing: 0 }), 1, "one that waits counts as ever");
});
