/** Tests of gain and harm of a move. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { unitCapacity } from "../contract/capacity.ts";
import { expectedGainSeconds, harmOf } from "./age_cost.ts";

Deno.test("expectedGainSeconds() moves if a > C / (n - m - 1), on nodes of one core", () => {
  const cases = fc.record({
    age: fc.integer({ min: 0, max: 1_000 }),
    cost: fc.integer({ min: 1, max: 100 }),
    here: fc.integer({ min: 1, max: 20 }),
    there: fc.nat({ max: 20 }),
  });
  fc.assert(fc.property(cases, ({ age, cost, here, there }) => {
    const gain = expectedGainSeconds({
      ageSeconds: age,
      costSeconds: cost,
      processesHere: here,
      loadThere: there,
      capacity: unitCapacity,
    });
    const spare = here - there - 1;
    // Nothing is taken to be younger than a second.
    assert.equal(gain > 0, spare > 0 && Math.max(age, 1) * spare > cost);
  }));
});

Deno.test("expectedGainSeconds() sees no gain where cores are free here", () => {
  const facts = { ageSeconds: 100, costSeconds: 1, processesHere: 4, loadThere: 0 };
  assert.ok(expectedGainSeconds({ ...facts, capacity: { cores: 4, speed: 1 } }) < 0);
  assert.ok(expectedGainSeconds({ ...facts, capacity: { cores: 2, speed: 1 } }) > 0);
});

Deno.test("expectedGainSeconds() counts a core that begins to work, whoever gains by it", () => {
  const capacity = { cores: 8, speed: 2 };
  const facts = { ageSeconds: 10, costSeconds: 15, processesHere: 9, capacity };
  assert.equal(expectedGainSeconds({ ...facts, loadThere: 7 / 16 }), 5);
  // All cores work there already: what is gained is its own little.
  assert.ok(expectedGainSeconds({ ...facts, loadThere: 8 / 16 }) < 0);
});

Deno.test("harmOf() weighs what a move takes by the square root of the age", () => {
  const harm = (ageSeconds: number, costSeconds: number) => harmOf({ ageSeconds, costSeconds });
  assert.equal(harm(0, 3), 3);
  assert.equal(harm(99, 3), 0.3);
  assert.ok(harm(99, 9) < harm(0, 1) && harm(99, 11) > harm(0, 1));
});
