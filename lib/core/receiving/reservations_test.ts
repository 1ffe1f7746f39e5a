/** Tests of the reserved places. */

import assert from "node:assert/strict";
import { AssertionError } from "../../base/assert.ts";
import {
  nextPhase,
  type PlaceInput,
  placeInputs,
  type PlacePhase,
  placePhases,
  placeTransitions,
} from "../contract/transitions.ts";
import { Reservations } from "./reservations.ts";

function places() {
  const places = new Reservations({ reservationTimeoutMs: 100, moveTimeoutMs: 1_000 });
  places.reserve({ ticket: 1n, id: "p", from: "b" }, 0);
  places.reserve({ ticket: 2n, id: "q", from: "c" }, 50);
  return places;
}

Deno.test("expire() frees each place at its own deadline and returns it", () => {
  const some = places();
  assert.equal(some.nextTimeoutMs(), 100);
  assert.deepEqual(some.expire(99), []);
  assert.deepEqual(some.expire(100).map(({ id }) => id), ["p"]);
  assert.equal(some.nextTimeoutMs(), 150);
  assert.deepEqual(some.expire(1_000).map(({ id }) => id), ["q"]);
  assert.equal(some.nextTimeoutMs(), null);
});

Deno.test("start() gives a place the time of a whole move; an unknown ticket is nothing", () => {
  const some = places();
  some.start(1n, 90);
  some.start(77n, 90);
  assert.equal(some.size, 2);
  assert.deepEqual(some.expire(500).map(({ id }) => id), ["q"]);
  assert.equal(some.nextTimeoutMs(), 1_090);
});

Deno.test("release() frees a place once", () => {
  const some = places();
  assert.equal(some.release(1n)?.id, "p");
  assert.equal(some.release(1n), null);
  some.releaseProcess("q");
  assert.equal(some.size, 0);
});

/** Inputs that lead to a phase from a free place. */
const WAYS: Readonly<Record<PlacePhase, readonly PlaceInput[]>> = {
  free: [],
  reserved: ["reserved"],
  arriving: ["reserved", "started"],
};

function give(places: Reservations, input: PlaceInput): void {
  switch (input) {
    case "reserved":
      return places.reserve({ ticket: 1n, id: "p", from: "b" }, 0);
    case "started":
      return places.start(1n, 0);
    case "released":
      return void places.release(1n);
    case "withdrawn":
      return places.withdraw(1n);
    case "superseded":
      return places.releaseProcess("p");
    case "timedOut":
      return void places.expire(1_000);
  }
}

Deno.test("every input takes a place from every phase to the one of the table, or nowhere", () => {
  for (const phase of placePhases) {
    for (const input of placeInputs) {
      const some = new Reservations({ reservationTimeoutMs: 100, moveTimeoutMs: 1_000 });
      for (const way of WAYS[phase]) give(some, way);
      assert.equal(some.find("p")?.phase ?? "free", phase);
      const next = nextPhase(placeTransitions, phase, input) ?? phase;
      if (input === "reserved" && phase !== "free") {
        assert.throws(() => give(some, input), AssertionError);
      } else give(some, input);
      assert.equal(some.find("p")?.phase ?? "free", next, `${phase}, ${input}`);
    }
  }
});
