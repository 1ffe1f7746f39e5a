/** Tests of a transfer by events: every one in every phase. */

import assert from "node:assert/strict";
import { Fixture, types } from "../../../tests/core/fixture.ts";
import type { Effect } from "../contract/effect.ts";
import type { Event } from "../contract/event.ts";
import {
  nextPhase,
  type TransferInput,
  transferInputs,
  type TransferPhase,
  transferPhases,
  transferTransitions,
} from "../contract/transitions.ts";

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
