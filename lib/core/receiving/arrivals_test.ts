/** Tests of one balancer: places for what comes, and homecomings. */

import assert from "node:assert/strict";
import { Fixture, types } from "../../../tests/core/fixture.ts";
import type { Event } from "../contract/event.ts";

Deno.test("a node takes a process while its announced letter is U, and answers with the new one", () => {
  const a = new Fixture();
  a.arrive(1);
  a.arrive(2);
  const letter = { letter: "F" as const, epoch: 7, seq: 1 };
  assert.deepEqual(a.step(a.offered(9, 90n)), [
    { type: "announce", announcement: letter },
    {
      type: "answerOffer",
      to: "b",
      ticket: 90n,
      accepted: true,
      announcement: letter,
      reason: null,
    },
  ]);
  const refusal = a.expect("answerOffer", a.offered(10, 91n));
  assert.equal(refusal.accepted, false);
  assert.deepEqual(refusal.announcement, letter);
  assert.match(refusal.reason ?? "", /full/);
});

Deno.test("a node in the band takes a process only if it was U before", () => {
  const a = new Fixture();
  for (const pid of [1, 2, 3]) a.arrive(pid);
  a.step({ type: "processEnded", id: "a/1/1" });
  assert.equal(a.balancer.view().state, "M");
  assert.equal(a.expect("answerOffer", a.offered(9, 90n)).accepted, false);
});

Deno.test("a node takes a process moved by hand whatever its letter, and is not over by its place", () => {
  const a = new Fixture();
  a.peer("b", "U");
  for (const pid of [1, 2, 3]) a.arrive(pid);
  const effects = a.step(a.offered(9, 90n, true));
  assert.deepEqual(types(effects), ["answerOffer"]);
  assert.equal(a.balancer.view().state, "V");
  const process = a.process(9, "b");
  assert.deepEqual(types(a.step({ type: "arrivalConfirmed", ticket: 90n, process })), ["inspect"]);
});

Deno.test("a node refuses for the driver's reason, and a process it has already", () => {
  const a = new Fixture();
  const offered = { ...a.offered(9, 90n), refusal: "needs avx512f" } as Event;
  assert.equal(a.expect("answerOffer", offered).reason, "needs avx512f");
  a.arrive(9, { home: "b" });
  assert.match(a.expect("answerOffer", a.offered(9, 91n)).reason ?? "", /here already/);
});

Deno.test("a place is freed when nothing comes, and the letter follows", () => {
  const a = new Fixture({ thresholds: { thu: 1, thf: 2, thv: 4 }, reservationTimeoutMs: 300 });
  a.arrive(1);
  a.step(a.offered(9, 90n));
  assert.equal(a.balancer.view().announcement.letter, "F");
  a.nowMs = 300;
  assert.deepEqual(types(a.step({ type: "timePassed" })), ["announce"]);
  assert.equal(a.balancer.view().queueLength, 1);
});

Deno.test("a place that times out just now is free for the offer that comes just now", () => {
  const a = new Fixture({ thresholds: { thu: 1, thf: 2, thv: 4 }, reservationTimeoutMs: 300 });
  a.arrive(1);
  a.step(a.offered(9, 90n));
  a.nowMs = 300;
  assert.equal(a.expect("answerOffer", a.offered(10, 91n)).accepted, true);
});

Deno.test("a place in use outlives the first limit and a withdrawal, and ends with its arrival", () => {
  const a = new Fixture({ reservationTimeoutMs: 300 });
  a.step(a.offered(9, 90n));
  a.step({ type: "arrivalStarted", ticket: 90n });
  a.nowMs = 300;
  a.step({ type: "offerWithdrawn", ticket: 90n });
  assert.equal(a.balancer.view().reservations.length, 1);
  a.step({ type: "arrivalConfirmed", ticket: 90n, process: a.process(9, "b") });
  assert.deepEqual(a.balancer.view().reservations, []);
  assert.equal(a.balancer.view().queueLength, 1);
});

Deno.test("a place not in use ends with a withdrawal, one in use with a failure", () => {
  const a = new Fixture();
  a.step(a.offered(9, 90n));
  a.step({ type: "offerWithdrawn", ticket: 90n });
  assert.equal(a.balancer.view().queueLength, 0);
  a.step(a.offered(9, 91n));
  a.step({ type: "arrivalStarted", ticket: 91n });
  a.step({ type: "arrivalFailed", ticket: 91n, reason: "cut" });
  assert.equal(a.balancer.view().queueLength, 0);
});

Deno.test("a process offered again takes its old place, even if that one made the node full", () => {
  const a = new Fixture();
  a.arrive(1);
  a.arrive(2);
  a.step(a.offered(9, 90n));
  assert.equal(a.expect("answerOffer", a.offered(9, 91n)).accepted, true);
  assert.deepEqual(a.balancer.view().reservations, [{ ticket: 91n, id: "b/9/1", weight: 1 }]);
  a.step({ type: "arrivalStarted", ticket: 91n });
  assert.match(a.expect("answerOffer", a.offered(9, 92n)).reason ?? "", /still arriving/);
});

Deno.test("an arrival counts even if its place was freed: what runs is a fact", () => {
  const a = new Fixture();
  a.step({ type: "arrivalConfirmed", ticket: 5n, process: a.process(9, "b") });
  assert.equal(a.balancer.view().queueLength, 1);
});

Deno.test("a process that came home for a call stays there for good, for that reason", () => {
  const a = new Fixture();
  a.peer("b", "U");
  a.step({ type: "cameHome", process: a.process(9), cantmove: "it called io_uring_setup" });
  a.step(a.sampled(["a/9/1"]));
  assert.equal(a.balancer.view().processes[0]?.cantmove, "it called io_uring_setup");
  for (const pid of [1, 2, 3]) a.arrive(pid);
  const offer = a.expect("offer", a.sampled([...a.samples.keys()]));
  assert.equal(offer.id, "a/3/1");
});

Deno.test("a homecoming takes the place that was reserved for it", () => {
  const a = new Fixture();
  a.step(a.offered(9, 90n, false, "a"));
  assert.equal(a.balancer.view().queueLength, 1);
  a.step({ type: "cameHome", process: a.process(9), cantmove: null });
  assert.deepEqual([a.balancer.view().queueLength, a.balancer.nextTimeoutMs()], [1, null]);
});

Deno.test("a homecoming before the report on the move away ends that move", () => {
  const a = new Fixture();
  a.peer("b", "U");
  a.step(a.answer(a.overload(), null));
  a.step({ type: "cameHome", process: a.process(4), cantmove: null });
  assert.equal(a.balancer.view().queueLength, 4);
  assert.deepEqual(a.step({ type: "moveEnded", ticket: 1n, outcome: "moved" }), []);
  assert.equal(a.balancer.view().queueLength, 4);
});

Deno.test("a process that has exec'ed another program is the same one, free of what held it", () => {
  const a = new Fixture();
  a.step({ type: "cameHome", process: a.process(9), cantmove: "it called io_uring_setup" });
  a.step({ type: "processArrived", process: { ...a.process(9), program: "other" } });
  const [process, ...others] = a.balancer.view().processes;
  assert.deepEqual([process?.program, process?.cantmove, others.length], ["other", null, 0]);
});
