/** Tests of the states and of the announced letter. */

import assert from "node:assert/strict";
import { assertThresholds, nextLetter, stateOf } from "./load_state.ts";
import type { Letter } from "../contract/names.ts";

const thesis = { thu: 1, thf: 3, thv: 9 };

Deno.test("stateOf() follows the table of the three thresholds", () => {
  const states = Array.from({ length: 11 }, (_, length) => stateOf(length, thesis)).join("");
  assert.equal(states, "UUMFFFFFFVV");
});

Deno.test("stateOf() shows F for three processes with thf 3, as the thesis's monitor does", () => {
  assert.equal(stateOf(3, { thu: 1, thf: 3, thv: 4 }), "F");
});

Deno.test("stateOf() has no M where thf follows thu at once", () => {
  const states = [0, 1, 2, 3].map((length) => stateOf(length, { thu: 0, thf: 1, thv: 2 }));
  assert.equal(states.join(""), "UFVV");
});

Deno.test("nextLetter() keeps the last letter in the band between thu and thf", () => {
  let letter: Letter = "U";
  const letters = [0, 1, 2, 3, 2, 3, 4, 9, 2, 1, 2, 0].map((length) =>
    letter = nextLetter(letter, length, thesis)
  );
  assert.equal(letters.join(""), "UUUFFFFFFUUU");
});

Deno.test("assertThresholds() refuses thresholds that are not in order", () => {
  assertThresholds({ thu: 0, thf: 1, thv: 2 });
  for (const [thu, thf, thv] of [[1, 1, 2], [1, 2, 2], [3, 2, 4], [-1, 1, 2], [0, 1.5, 2]]) {
    assert.throws(() =>
      assertThresholds({ thu: thu as number, thf: thf as number, thv: thv as number })
    );
  }
});
