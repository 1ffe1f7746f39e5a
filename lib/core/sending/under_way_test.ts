/** Tests of the transfers under way: every input in every phase. */

import assert from "node:assert/strict";
import { AssertionError } from "../../base/assert.ts";
import {
  nextPhase,
  type TransferInput,
  transferInputs,
  type TransferPhase,
  transferPhases,
  transferTransitions,
} from "../contract/transitions.ts";
import { type Offer, type Transfer, UnderWay } from "./under_way.ts";

const offer: Offer = { ticket: 1n, id: "a/1/1", to: "b", beganMs: 0, deadlineMs: 10 };

/** Inputs that lead to a phase from its inspection. */
const WAYS: Readonly<Record<TransferPhase, readonly TransferInput[]>> = {
  inspecting: [],
  choosing: ["sampled"],
  offering: ["sampled", "chosen"],
  moving: ["sampled", "chosen", "accepted"],
  ended: ["sampled", "nobody"],
};

/** A transfer in this phase, in what follows it. */
function transferIn(phase: TransferPhase): { underWay: UnderWay; transfer: Transfer } {
  const underWay = new UnderWay();
  underWay.begin(null, null);
  const [begun] = underWay.list();
  assert.ok(begun !== undefined);
  let transfer: Transfer = begun;
  for (const input of WAYS[phase]) {
    const isOffered = input === "chosen" || input === "accepted";
    transfer = underWay.take(transfer, input, isOffered ? offer : null);
  }
  assert.equal(transfer.phase, phase);
  return { underWay, transfer };
}

Deno.test("take() goes by the table in every phase, and asserts what is not in it", () => {
  for (const phase of transferPhases) {
    for (const input of transferInputs) {
      const { underWay, transfer } = transferIn(phase);
      const next = nextPhase(transferTransitions, phase, input);
      if (next === null) {
        assert.throws(() => underWay.take(transfer, input), AssertionError, `${phase} ${input}`);
        continue;
      }
      assert.equal(underWay.take(transfer, input).phase, next);
      assert.deepEqual(underWay.list().map((one) => one.phase), next === "ended" ? [] : [next]);
    }
  }
});

Deno.test("take() asserts that a transfer is the present one, not what it was before", () => {
  const { underWay, transfer } = transferIn("inspecting");
  underWay.take(transfer, "sampled");
  assert.throws(() => underWay.take(transfer, "sampled"), AssertionError);
});

Deno.test("find() knows a ticket while an input can be of use, and no longer", () => {
  for (const phase of transferPhases) {
    for (const input of transferInputs) {
      const { underWay } = transferIn(phase);
      const isExpected = (phase === "offering" || phase === "moving") &&
        nextPhase(transferTransitions, phase, input) !== null;
      assert.equal(underWay.find(1n, input) !== null, isExpected, `${phase} ${input}`);
      assert.equal(underWay.find(2n, input), null);
    }
  }
});
