/** Tests of a shortage of memory, and of what relieves it. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { findShortage, orderRelief } from "./memory.ts";

const MIB = 2 ** 20;
const machine = (availableMib: number, memoryStall: number | null = 0) => ({
  availableBytes: availableMib * MIB,
  totalBytes: 1000 * MIB,
  memoryStall,
});

Deno.test("findShortage() sees too little memory, and its end only with some to spare", () => {
  const policy = { memoryFloor: 0.1, memoryStall: 0 };
  assert.equal(findShortage(machine(100), policy, false), null);
  const shortage = findShortage(machine(99), policy, false);
  assert.ok(shortage !== null && Math.abs(shortage.missingBytes - 51 * MIB) < 1);
  assert.match(shortage.reason, /99 of 1000 MiB are available, less than 100/);
  assert.ok(findShortage(machine(149), policy, true) !== null);
  assert.equal(findShortage(machine(150), policy, true), null);
  assert.equal(findShortage(machine(0), { memoryFloor: 0, memoryStall: 0 }, false), null);
});

Deno.test("findShortage() sees work that waits for memory, however much is available", () => {
  const policy = { memoryFloor: 0, memoryStall: 0.2 };
  assert.equal(findShortage(machine(500, 0.19), policy, false), null);
  assert.match(findShortage(machine(500, 0.2), policy, false)?.reason ?? "", /20 % of the time/);
  assert.ok(findShortage(machine(500, 0.1), policy, true) !== null);
  assert.equal(findShortage(machine(500, 0.09), policy, true), null);
  assert.equal(findShortage(machine(500, null), policy, false), null);
});

Deno.test("orderRelief() puts the smallest that is enough first, and leaves out what does not help", () => {
  const sizes = fc.array(fc.nat({ max: 1_000 }), { minLength: 1 });
  fc.assert(fc.property(sizes, fc.nat({ max: 1_000 }), (given, missing) => {
    const candidates = given.map((rssBytes, pid) => ({ pid, rssBytes }));
    const order = orderRelief(candidates, missing);
    const enough = given.filter((size) => size >= missing && size > 0.1 * missing);
    const [first] = order;
    if (enough.length > 0) {
      const wanted = missing > 0 ? Math.min(...enough) : Math.max(...enough);
      assert.equal(first?.rssBytes, wanted);
    } else if (first !== undefined) assert.equal(first.rssBytes, Math.max(...given));
    assert.ok(order.every(({ rssBytes }) => rssBytes > 0.1 * missing));
    assert.equal(order.length, given.filter((size) => size > 0.1 * missing).length);
  }));
});
