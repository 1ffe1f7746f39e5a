/** Tests of asking a node that is not U. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { isClearlyShorter, isWorthAsking } from "./probing.ts";

Deno.test("isClearlyShorter() never lets a move make the shorter queue the longer one", () => {
  const length = fc.nat({ max: 50 });
  fc.assert(fc.property(length, length, fc.constantFrom(1, 2, 8), (here, there, units) => {
    const taken = isClearlyShorter({ here: here / units, there: there / units, units });
    assert.equal(taken, here + 1 <= there - 1);
  }));
});

Deno.test("isWorthAsking() is false where no node that is not U can have clearly fewer", () => {
  assert.ok(!isWorthAsking(2, 0));
  assert.ok(isWorthAsking(3, 0));
  assert.ok(!isWorthAsking(5, 3));
});
