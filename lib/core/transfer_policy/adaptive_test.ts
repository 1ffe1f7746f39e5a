/** Tests of thresholds that follow the mean load. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { Rise } from "./adaptive.ts";

Deno.test("Rise follows the mean load by one process a check, and never below what was given", () => {
  const given = { thu: 0, thf: 1, thv: 2 };
  const rise = new Rise(given);
  assert.deepEqual(rise.check([1, 1.5], 1), given);
  assert.equal(rise.check([4, 2], 1).thu, 1);
  assert.deepEqual(rise.check([4, 2], 1), { thu: 2, thf: 3, thv: 4 });
  assert.equal(rise.check([4, 2], 1).thu, 2); // right for it
  assert.equal(rise.check([2.4], 1).thu, 2); // nor does it fall at once
  assert.equal(rise.check([2.3], 1).thu, 1);
  for (let n = 0; n < 5; n++) rise.check([0], 1);
  assert.deepEqual(rise.check([0], 1), given);
  assert.equal(new Rise(given).check([0.5, 0.5], 4).thu, 1); // two processes on four cores
});

Deno.test("Rise does not swing: under any steady mean it comes to rest", () => {
  const mean = fc.double({ min: 0, max: 30, noNaN: true });
  fc.assert(fc.property(fc.array(mean, { maxLength: 20 }), mean, (history, steady) => {
    const rise = new Rise({ thu: 1, thf: 3, thv: 4 });
    for (const one of history) rise.check([one], 1);
    for (let n = 0; n < 12; n++) rise.check([steady], 1);
    assert.deepEqual(rise.check([steady], 1), rise.check([steady], 1));
  }));
});
