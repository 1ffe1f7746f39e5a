/** Tests of the transfers under way: every input in every phase. */

import assert from "node:assert/strict";
import { AssertionError } from "../../base/assert.ts";
import { Fixture, types } from "../../../tests/core/fixture.ts";
import {
  nextPhase,
  type TransferInput,
  transferInputs,
  type TransferPhase,
  transferPhases,
  transferTransitions,
} from "../contract/transitions.ts";
import type { Effect } from "../contract/effect.ts";
import type { Event } from "../contract/event.ts";
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

// ---- by events of a balancer ----

const ID = "a/1/1";
const SAMPLE = { id: ID, cpuSeconds: 1, rssBytes: 1, cantmove: null };

/** Phases in which a transfer can be between two events; `choosing` is left in its own step. */
type Resting = Exclude<TransferPhase, "choosing">;

/** A node with one process that a person wants to go wherever it can: to b, then to c. */
class Sender extends Fixture {
  /** Of the last offer. */
  #ticket = 0n;
  #to = "b";
  #hasEnded = false;

  constructor(phase: Resting) {
    super();
    for (const node of ["b", "c"]) this.peer(node, "U");
    this.arrive(1);
    this.step({ type: "moveRequested", requestId: 1, id: ID, node: null });
    if (phase === "inspecting") return;
    this.step(this.eventOf(phase === "ended" ? "gone" : "sampled"));
    if (phase === "moving") this.step(this.eventOf("accepted"));
  }

  override step(event: Event): Effect[] {
    const effects = super.step(event);
    for (const effect of effects) {
      if (effect.type === "offer") [this.#ticket, this.#to] = [effect.ticket, effect.to];
      if (effect.type === "requestDone" || effect.type === "requestFailed") this.#hasEnded = true;
    }
    return effects;
  }

  /** The event that is this input, with the ticket of the last offer. */
  eventOf(input: TransferInput): Event {
    const answer = { type: "offerAnswered", from: this.#to, ticket: this.#ticket } as const;
    const ended = { type: "moveEnded", ticket: this.#ticket } as const;
    switch (input) {
      case "sampled":
        return { type: "sampled", samples: [SAMPLE] };
      case "checked":
        return { type: "check" };
      case "accepted":
        return { ...answer, accepted: true, announcement: null, reason: null };
      case "refused":
        return { ...answer, accepted: false, announcement: null, reason: "no" };
      case "moved":
        return { ...ended, outcome: "moved" };
      case "aborted":
        return { ...ended, outcome: "aborted", reason: "no" };
      case "timedOut":
        this.nowMs += 900_000;
        return { type: "timePassed" };
      case "gone":
        return { type: "processEnded", id: ID };
      default:
        throw new Error(`no event is ${input}`);
    }
  }

  /** The phase, by what an input that is legal in one alone has as effect. It is used up by that. */
  phaseByProbe(): Resting {
    if (this.#hasEnded) return "ended";
    if (types(this.step(this.eventOf("sampled"))).includes("offer")) return "inspecting";
    return types(this.step(this.eventOf("accepted"))).includes("orderMove") ? "offering" : "moving";
  }
}

/** Inputs that come as events. */
const EVENTS = transferInputs.filter((input) => input !== "chosen" && input !== "nobody");

Deno.test("every event takes a transfer from every phase to the one of the table, or nowhere", () => {
  for (const phase of transferPhases) {
    if (phase === "choosing") continue;
    for (const input of EVENTS) {
      const sender: Sender = new Sender(phase);
      sender.step(sender.eventOf(input));
      const next: TransferPhase = nextPhase(transferTransitions, phase, input) ?? phase;
      // There is another node to ask: what is to be chosen is.
      const resting: TransferPhase | undefined = next === "choosing"
        ? transferTransitions.choosing.chosen
        : next;
      assert.equal(sender.phaseByProbe(), resting, `${phase}, ${input}`);
    }
  }
});
