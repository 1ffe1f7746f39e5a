/** Tests of the choice of a victim. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { selections } from "../contract/config.ts";
import { orderVictims } from "./victim.ts";

const candidates = [
  { pid: 11, cpuSeconds: 5, rssBytes: 300 },
  { pid: 12, cpuSeconds: 1, rssBytes: 100 },
  { pid: 13, cpuSeconds: 9, rssBytes: 200 },
];

for (
  const [selection, pids] of [
    ["least-cpu", [12, 11, 13]],
    ["most-cpu", [13, 11, 12]],
    ["least-memory", [12, 13, 11]],
    ["most-memory", [11, 13, 12]],
  ] as const
) {
  Deno.test(`orderVictims() puts the best victim first for ${selection}`, () => {
    assert.deepEqual(orderVictims(candidates, selection).map(({ pid }) => pid), pids);
  });
}

Deno.test("orderVictims() breaks ties by the smallest PID for every selection", () => {
  const equal = [30, 7, 200].map((pid) => ({ pid, cpuSeconds: 1, rssBytes: 1 }));
  for (const selection of selections) {
    assert.deepEqual(orderVictims(equal, selection).map(({ pid }) => pid), [7, 30, 200]);
  }
});

Deno.test("orderVictims() gives the same order whatever the order of arrival", () => {
  const candidate = fc.record({
    pid: fc.integer({ min: 1, max: 4_194_304 }),
    cpuSeconds: fc.double({ min: 0, max: 4, noNaN: true }),
    rssBytes: fc.integer({ min: 0, max: 4 }),
  });
  const list = fc.uniqueArray(candidate, { selector: ({ pid }) => pid, maxLength: 12 });
  fc.assert(fc.property(list, fc.constantFrom(...selections), (some, selection) => {
    const order = orderVictims(some, selection);
    assert.deepEqual(orderVictims(some.toReversed(), selection), order);
    assert.deepEqual(new Set(order), new Set(some));
  }));
});
