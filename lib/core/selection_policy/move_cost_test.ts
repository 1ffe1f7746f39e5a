/** Tests of what a move is estimated to take. */

import assert from "node:assert/strict";
import { MoveCost } from "./move_cost.ts";

Deno.test("MoveCost learns the fixed part from small moves and the link from large ones", () => {
  const cost = new MoveCost({ moveFixedMs: 100, linkBytesPerSecond: 100e6 });
  assert.equal(cost.estimateSeconds(0), 0.1);
  assert.ok(Math.abs(cost.estimateSeconds(1e9) - 10.1) < 1e-9);
  for (let move = 0; move < 60; move++) {
    cost.note(0, 40);
    cost.note(1e9, 1_040);
  }
  assert.ok(Math.abs(cost.estimateSeconds(0) - 0.04) < 0.001);
  assert.ok(Math.abs(cost.estimateSeconds(5e8) - 0.54) < 0.01);
});
