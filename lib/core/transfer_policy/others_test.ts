/** Tests of the count of processes that lb did not launch. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { otherProcesses } from "./others.ts";

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
