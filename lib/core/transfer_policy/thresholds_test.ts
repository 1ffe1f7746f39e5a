/** Tests of thresholds adapted to a node's capacity. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { unitCapacity } from "../contract/capacity.ts";
import { adaptThresholds } from "./thresholds.ts";

const limits = { thu: 1, thf: 5, thv: 8 };

const capacity = fc.record({
  cores: fc.double({ min: 0.01, max: 512, noNaN: true }),
  speed: fc.double({ min: 0.1, max: 10, noNaN: true }),
}, { noNullPrototype: true });
const thresholds = fc.tuple(fc.nat({ max: 9 }), fc.nat({ max: 9 }), fc.nat({ max: 9 }))
  .map(([thu, band, gap]) => ({ thu, thf: thu + band + 1, thv: thu + band + gap + 2 }));

Deno.test("adaptThresholds() keeps the order on any node, and is the same for one core", () => {
  fc.assert(fc.property(thresholds, capacity, (given, node) => {
    const { thu, thf, thv } = adaptThresholds(given, "per-capacity", node);
    assert.ok([thu, thf, thv].every(Number.isSafeInteger));
    assert.ok(0 <= thu && thu < thf && thf < thv);
    assert.deepEqual(adaptThresholds(given, "per-capacity", unitCapacity), given);
    assert.equal(adaptThresholds(given, "fixed", node), given);
  }));
});

Deno.test("adaptThresholds() counts for each core of speed 1", () => {
  const adapted = adaptThresholds(limits, "per-capacity", { cores: 8, speed: 1.5 });
  assert.deepEqual(adapted, { thu: 12, thf: 60, thv: 96 });
  const small = adaptThresholds(limits, "per-capacity", { cores: 0.4, speed: 1 });
  assert.deepEqual(small, { thu: 0, thf: 2, thv: 4 });
});

Deno.test("adaptThresholds() counts only processes above the cores, without those that have one", () => {
  const one = { thu: 0, thf: 1, thv: 2 };
  const above = (cores: number, given = one) =>
    adaptThresholds(given, "above-cores", { cores, speed: 0.5 });
  assert.deepEqual(above(1), one);
  assert.deepEqual(above(0.3), one);
  assert.deepEqual(above(1.9), one);
  assert.deepEqual(above(8), { thu: 7, thf: 8, thv: 9 });
  assert.deepEqual(above(4, limits), { thu: 4, thf: 8, thv: 11 });
});
