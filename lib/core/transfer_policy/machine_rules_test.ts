/** Tests of rules on other load, pressure and memory. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { findShortage, orderRelief } from "./memory.ts";
import { countOthers, otherProcesses } from "./others.ts";
import { Pressure } from "./pressure.ts";

// ---- other load ----

/** What is measured of processes that all want a processor, on so many cores. */
function shared(own: number, others: number, cores: number) {
  const used = Math.min(cores, own + others);
  const each = own + others === 0 ? 0 : used / (own + others);
  return {
    idleCores: cores - used,
    ownCores: own * each,
    otherCores: others * each,
    ownRunning: own,
  };
}

Deno.test("otherProcesses() finds how many want a processor, however many share it", () => {
  const count = fc.nat({ max: 20 });
  fc.assert(fc.property(count, count, fc.constantFrom(1, 2, 8, 64), (own, others, cores) => {
    const found = otherProcesses(shared(own, others, cores));
    // Where nothing of ours runs it is at least known that all cores are taken.
    const wanted = own === 0 ? Math.min(others, cores) : others;
    assert.ok(Math.abs(found - wanted) < 1e-6 * (1 + wanted), `${found} of ${wanted}`);
  }));
});

Deno.test("otherProcesses() takes what sleeps for no share of a processor", () => {
  const busy = { idleCores: 0, ownCores: 0.001, otherCores: 0.999, ownRunning: 1 };
  assert.ok(otherProcesses(busy) <= 50);
});

Deno.test("countOthers() changes only where it is clear, and never flickers", () => {
  assert.equal(countOthers(0, 0.7), 0);
  assert.equal(countOthers(0, 0.98), 1);
  assert.equal(countOthers(1, 0.3), 1);
  assert.equal(countOthers(1, 0.2), 0);
  assert.equal(countOthers(1, 3.1), 3);
  fc.assert(fc.property(fc.nat({ max: 9 }), fc.double({ min: 0, max: 9, noNaN: true }), (n, x) => {
    const next = countOthers(n, x);
    assert.equal(countOthers(next, x), next);
  }));
});

// ---- pressure ----

const percents = { thu: 10, thf: 40, thv: 70, unit: "percent" } as const;

Deno.test("Pressure is F until it is measured, and again when something has come since", () => {
  const pressure = new Pressure(percents);
  pressure.note(0);
  assert.equal(pressure.forLetter, 40);
  assert.equal(pressure.forSending(3), 0);
  pressure.measure(0.05, 0);
  assert.equal(pressure.forLetter, 5);
  pressure.note(1);
  assert.equal(pressure.forLetter, 40);
  pressure.note(0); // it has ended
  assert.equal(pressure.forLetter, 5);
  pressure.note(1);
  pressure.measure(0, 1);
  assert.equal(pressure.forLetter, 0);
});

Deno.test("Pressure lets one process leave for each measurement", () => {
  const pressure = new Pressure(percents);
  pressure.note(4);
  pressure.measure(0.9, 4);
  assert.equal(pressure.forSending(4), 90);
  assert.equal(pressure.forSending(3), 0);
  pressure.measure(0.8, 3);
  assert.equal(pressure.forSending(3), 80);
  pressure.measure(null, 3);
  assert.equal(pressure.forSending(3), 0);
  assert.equal(pressure.forLetter, 40);
});

// ---- memory ----

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
