/**
 * Whole clusters under crashes, cuts and loss.
 *
 * And reordering and wrong clocks; `lb simulate --check` runs more.
 */

import assert from "node:assert/strict";
import { checkSeed } from "./check.ts";

/** Seeds of `npm test`, in parts so that one sees how far it is. */
const SEEDS = 300;
const PART = 50;

for (let first = 1; first <= SEEDS; first += PART) {
  Deno.test(`seeds ${first} to ${first + PART - 1}: what must hold, holds`, () => {
    let moves = 0, lost = 0;
    for (let seed = first; seed < first + PART; seed++) {
      const result = checkSeed(seed);
      const again = `lb simulate --check --seed ${seed}`;
      assert.equal(result.violation, null, `${again}: ${result.violation}`);
      moves += result.moves;
      lost += result.lost;
    }
    // Scenarios without moves or crashes would prove nothing.
    assert.ok(moves > 100 && lost > 20, `${moves} moves, ${lost} lost`);
  });
}

Deno.test("a seed gives the same run each time", () => {
  assert.deepEqual(checkSeed(11), checkSeed(11));
});
