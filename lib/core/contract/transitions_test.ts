/** Tests of the tables of a transfer's life by themselves. */

import assert from "node:assert/strict";
import {
  nextPhase,
  placeInputs,
  placePhases,
  placeTransitions,
  transferInputs,
  transferPhases,
  transferTransitions,
  type Transitions,
} from "./transitions.ts";

/** Phases that some inputs lead to from this one. */
function reachable<P extends string, I extends string>(
  transitions: Transitions<P, I>,
  inputs: readonly I[],
  from: P,
): Set<P> {
  const found = new Set([from]);
  for (const phase of found) {
    for (const input of inputs) {
      const next = nextPhase(transitions, phase, input);
      if (next !== null) found.add(next);
    }
  }
  return found;
}

Deno.test("each phase of a transfer is reached from its inspection, and each can end", () => {
  const inputs = transferInputs;
  const all = reachable(transferTransitions, inputs, "inspecting");
  assert.deepEqual([...all].sort(), [...transferPhases].sort());
  for (const phase of transferPhases) {
    assert.ok(reachable(transferTransitions, inputs, phase).has("ended"), phase);
  }
  assert.deepEqual([...reachable(transferTransitions, inputs, "ended")], ["ended"]);
});

Deno.test("a transfer ends whenever its process is gone, but in the middle of a choice", () => {
  for (const phase of ["inspecting", "offering", "moving"] as const) {
    assert.equal(nextPhase(transferTransitions, phase, "gone"), "ended");
  }
  assert.equal(nextPhase(transferTransitions, "choosing", "gone"), null);
});

Deno.test("what has a deadline has an end of it", () => {
  for (const phase of ["offering", "moving"] as const) {
    assert.notEqual(nextPhase(transferTransitions, phase, "timedOut"), null);
  }
  for (const phase of ["reserved", "arriving"] as const) {
    assert.equal(nextPhase(placeTransitions, phase, "timedOut"), "free");
  }
});

Deno.test("each phase of a place is reached from a free one, and leads back to it", () => {
  const all = reachable(placeTransitions, placeInputs, "free");
  assert.deepEqual([...all].sort(), [...placePhases].sort());
  for (const phase of placePhases) {
    assert.ok(reachable(placeTransitions, placeInputs, phase).has("free"), phase);
  }
});
