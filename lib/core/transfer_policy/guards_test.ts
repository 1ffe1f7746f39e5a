/** Tests of what keeps moves few. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { leavesMargin, MoveBudget } from "./guards.ts";

Deno.test("MoveBudget lets so many moves begin in any minute", () => {
  const gaps = fc.array(fc.nat({ max: 20_000 }), { maxLength: 60, size: "max" });
  fc.assert(fc.property(gaps, fc.integer({ min: 1, max: 5 }), (given, movesPerMinute) => {
    const budget = new MoveBudget(movesPerMinute);
    const begun: number[] = [];
    let nowMs = 0;
    for (const gapMs of given) {
      nowMs += gapMs;
      if (!budget.mayBegin(nowMs)) continue;
      budget.begun(nowMs);
      begun.push(nowMs);
    }
    for (const startMs of begun) {
      const within = begun.filter((atMs) => atMs >= startMs && atMs < startMs + 60_000);
      assert.ok(within.length <= movesPerMinute);
    }
  }));
  assert.ok(new MoveBudget(null).mayBegin(0));
});

Deno.test("leavesMargin() asks for nothing by default, else for the difference", () => {
  assert.ok(leavesMargin({ hereAfter: 0, thereAfter: 9, margin: 0 }));
  assert.ok(leavesMargin({ hereAfter: 4, thereAfter: 2, margin: 2 }));
  assert.ok(!leavesMargin({ hereAfter: 4, thereAfter: 2, margin: 2.5 }));
});
