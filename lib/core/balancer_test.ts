/** Tests of one balancer: letters, victims, offers and moves of its own. */

import assert from "node:assert/strict";
import { Fixture, types } from "../../tests/core/fixture.ts";
import type { Effect } from "./contract/effect.ts";
import type { Event } from "./contract/event.ts";

Deno.test("step() announces F at thf and U only at thu again", () => {
  const a = new Fixture();
  assert.deepEqual(types([...a.arrive(1), ...a.arrive(2)]), []);
  assert.deepEqual(a.arrive(3), [
    { type: "announce", announcement: { letter: "F", epoch: 7, seq: 1 } },
  ]);
  assert.deepEqual(a.step({ type: "processEnded", id: "a/1/1" }), []);
  assert.equal(a.balancer.view().state, "M");
  assert.deepEqual(a.step({ type: "processEnded", id: "a/2/1" }), [
    { type: "announce", announcement: { letter: "U", epoch: 7, seq: 2 } },
  ]);
});

Deno.test("step() never announces V: an over node stays F for the others", () => {
  const a = new Fixture();
  for (const pid of [1, 2, 3, 4, 5]) a.arrive(pid);
  assert.equal(a.balancer.view().state, "V");
  assert.deepEqual(a.balancer.view().announcement, { letter: "F", epoch: 7, seq: 1 });
});

Deno.test("step() greets a node it has connected to, and answers a greeting without one", () => {
  const a = new Fixture();
  const announcement = { letter: "U" as const, epoch: 7, seq: 0 };
  assert.deepEqual(a.step({ type: "peerConnected", node: "b" }), [
    { type: "tellLetter", node: "b", greeting: true, announcement },
  ]);
  const greeted = { letter: "F" as const, epoch: 1, seq: 5 };
  assert.deepEqual(a.step({ type: "peerGreeted", node: "b", announcement: greeted }), [
    { type: "tellLetter", node: "b", greeting: false, announcement },
  ]);
  assert.equal(a.balancer.view().associated[0]?.state, "F");
});

Deno.test("step() inspects before it chooses, and offers the best victim to the first U", () => {
  const a = new Fixture();
  a.peer("b", "F");
  a.peer("c", "U");
  const offer = a.overload();
  assert.deepEqual(offer, {
    type: "offer",
    ticket: 1n,
    to: "c",
    id: "a/4/1",
    manual: false,
    home: false,
    weight: 1,
    load: null,
  });
});

Deno.test("step() does nothing about being over without a U node, and takes up one that comes", () => {
  const a = new Fixture();
  for (const pid of [1, 2, 3, 4]) a.arrive(pid);
  assert.deepEqual(a.step({ type: "check" }), []);
  assert.deepEqual(types(a.peer("b", "U")), ["inspect"]);
});

Deno.test("step() skips a victim that cannot move and takes the next best", () => {
  const a = new Fixture();
  a.peer("b", "U");
  for (const pid of [1, 2, 3]) a.arrive(pid);
  a.arrive(4, { cantmove: "it has threads" });
  const offer = a.expect("offer", a.sampled([...a.samples.keys()]));
  assert.equal(offer.id, "a/3/1");
});

Deno.test("step() does not look again and again at processes that cannot move", () => {
  const a = new Fixture();
  a.peer("b", "U");
  for (const pid of [1, 2, 3, 4]) a.arrive(pid, { cantmove: "it has threads" });
  assert.deepEqual(a.step(a.sampled([...a.samples.keys()])), []);
  assert.deepEqual(a.step(a.sampled([...a.samples.keys()])), []);
  assert.deepEqual(types(a.step({ type: "check" })), ["inspect"]);
});

Deno.test("step() looks again when another process arrives that may be able to move", () => {
  const a = new Fixture();
  a.peer("b", "U");
  for (const pid of [1, 2, 3, 4]) a.arrive(pid, { cantmove: "it has threads" });
  a.step(a.sampled([...a.samples.keys()]));
  assert.deepEqual(types(a.arrive(5)), ["inspect"]);
});

Deno.test("step() repeats at the check an inspection that was not answered", () => {
  const a = new Fixture();
  a.peer("b", "U");
  for (const pid of [1, 2, 3, 4]) a.arrive(pid);
  assert.deepEqual(types(a.step({ type: "check" })), ["inspect"]);
});

Deno.test("a refused offer goes to the next U node, with a new ticket", () => {
  const a = new Fixture();
  a.peer("b", "U");
  a.peer("c", "U");
  const first = a.overload();
  assert.equal(first.to, "b");
  const second = a.expect("offer", a.answer(first, "the node is full", "F"));
  assert.deepEqual([second.to, second.id, second.ticket], ["c", "a/4/1", 2n]);
  assert.equal(a.balancer.view().associated[0]?.state, "F");
});

Deno.test("a victim that no node takes is passed over for the next best one", () => {
  const a = new Fixture();
  a.peer("b", "U");
  const first = a.overload();
  const second = a.expect("offer", a.answer(first, "it needs avx512f"));
  assert.deepEqual([second.to, second.id], ["b", "a/3/1"]);
});

Deno.test("a node that cannot be reached is left alone until the next check", () => {
  const a = new Fixture();
  a.peer("b", "U");
  const offer = a.overload();
  assert.deepEqual(a.step(a.answer(offer, "connection refused", null)), []);
  assert.deepEqual(types(a.step({ type: "check" })), ["inspect"]);
});

Deno.test("a node that is back is tried at once, whatever it did before", () => {
  const a = new Fixture();
  a.peer("b", "U");
  const offer = a.overload();
  a.step(a.answer(offer, "connection refused", null));
  a.step({ type: "peerLost", node: "b" });
  const announcement = { letter: "U" as const, epoch: 2, seq: 0 };
  const effects = a.step({ type: "peerGreeted", node: "b", announcement });
  assert.deepEqual(types(effects), ["tellLetter", "inspect"]);
  assert.equal(a.expect("offer", a.sampled([...a.samples.keys()])).to, "b");
});

Deno.test("attempts of one round are bounded, however many processes are refused", () => {
  const a = new Fixture();
  a.peer("b", "U");
  a.overload();
  for (let pid = 5; pid < 100; pid++) a.arrive(pid);
  a.step(a.sampled([...a.samples.keys()]));
  let offer: Effect | undefined = {
    type: "offer",
    ticket: 1n,
    to: "b",
    id: "",
    manual: false,
    home: false,
    weight: 1,
    load: null,
  };
  let offers = 1;
  while (offer?.type === "offer" && offers < 1_000) {
    offer = a.step(a.answer(offer, "no memory"))[0];
    if (offer?.type === "offer") offers++;
    else offer = undefined;
  }
  assert.ok(offers > 8 && offers <= 32, `${offers} offers`);
});

Deno.test("an accepted offer is ordered, and the process counts here until the commit", () => {
  const a = new Fixture();
  a.peer("b", "U");
  const offer = a.overload();
  assert.deepEqual(a.step(a.answer(offer, null)), [
    { type: "orderMove", ticket: 1n, id: "a/4/1", to: "b", home: false },
  ]);
  assert.equal(a.balancer.view().queueLength, 4);
  assert.equal(a.balancer.view().processes[3]?.movingTo, "b");
  assert.deepEqual(a.step({ type: "moveEnded", ticket: 1n, outcome: "moved" }), []);
  assert.equal(a.balancer.view().queueLength, 3);
});

Deno.test("a process in transit triggers no second victim; the next goes after its commit", () => {
  const a = new Fixture();
  a.peer("b", "U");
  const offer = a.overload();
  a.step(a.answer(offer, null));
  assert.deepEqual(a.arrive(5), []);
  assert.deepEqual(a.step({ type: "check" }), []);
  const next = a.step({ type: "moveEnded", ticket: 1n, outcome: "moved" });
  assert.deepEqual(next, [{ type: "inspect", ids: ["a/1/1", "a/2/1", "a/3/1", "a/5/1"] }]);
});

Deno.test("an aborted move makes the process rest, longer each time, and tries another", () => {
  const a = new Fixture({ retryDelayMs: 1_000 });
  a.peer("b", "U");
  a.peer("c", "U");
  a.step(a.answer(a.overload(), null));
  const abort: Event = { type: "moveEnded", ticket: 1n, outcome: "aborted", reason: "cut" };
  assert.deepEqual(a.step(abort), [{ type: "inspect", ids: ["a/1/1", "a/2/1", "a/3/1"] }]);
  const next = a.expect("offer", a.sampled([...a.samples.keys()]));
  assert.deepEqual([next.id, next.to], ["a/3/1", "c"]);
  a.step(a.answer(next, null));
  a.nowMs = 1_000;
  const again = a.step({ type: "moveEnded", ticket: 2n, outcome: "aborted", reason: "cut" });
  assert.deepEqual(again, []);
  assert.deepEqual(a.step({ type: "check" }), [
    { type: "inspect", ids: ["a/1/1", "a/2/1", "a/4/1"] },
  ]);
});

Deno.test("a process rests ten times as long as the move that was aborted has taken, and explain() says so", () => {
  const a = new Fixture({ retryDelayMs: 1_000 });
  a.peer("b", "U");
  a.step(a.answer(a.overload(), null));
  a.nowMs = 20_000;
  a.step({ type: "moveEnded", ticket: 1n, outcome: "aborted", reason: "its time was over" });
  const rest = a.balancer.explain("a/4/1")?.[0] ?? "";
  assert.match(rest, /^its last move failed: it rests for 200 s more/);
  a.nowMs = 219_000;
  assert.ok(
    !a.step({ type: "check" }).some((effect) =>
      effect.type === "inspect" && effect.ids.includes("a/4/1")
    ),
  );
});

Deno.test("the rest of a process is doubled with each aborted move", () => {
  const a = new Fixture({ retryDelayMs: 1_000 });
  a.peer("b", "U");
  for (const pid of [1, 2, 3]) a.arrive(pid, { cantmove: "it has threads" });
  a.arrive(4);
  for (const [ticket, restMs] of [[1n, 1_000], [2n, 2_000], [3n, 4_000]] as const) {
    a.step({ type: "check" });
    const offer = a.expect("offer", a.sampled([...a.samples.keys()]));
    a.step(a.answer(offer, null));
    a.step({ type: "moveEnded", ticket, outcome: "aborted", reason: "cut" });
    a.nowMs += restMs - 1;
    const early = a.step({ type: "check" });
    assert.deepEqual(early, [{ type: "inspect", ids: ["a/1/1", "a/2/1", "a/3/1"] }]);
    a.step(a.sampled(["a/1/1", "a/2/1", "a/3/1"]));
    a.nowMs += 1;
  }
});

Deno.test("an offer without an answer is withdrawn in time and goes to the next node", () => {
  const a = new Fixture({ offerTimeoutMs: 500 });
  a.peer("b", "U");
  a.peer("c", "U");
  const offer = a.overload();
  assert.equal(a.balancer.nextTimeoutMs(), 500);
  a.nowMs = 500;
  const effects = a.step({ type: "timePassed" });
  assert.deepEqual(types(effects), ["withdrawOffer", "offer"]);
  const late = a.step(a.answer(offer, null));
  assert.deepEqual(late, [{ type: "withdrawOffer", ticket: 1n, to: "b" }]);
});

Deno.test("a victim that ends while it is offered frees the place it was to have", () => {
  const a = new Fixture();
  a.peer("b", "U");
  a.overload();
  assert.deepEqual(a.step({ type: "processEnded", id: "a/4/1" }), [
    { type: "withdrawOffer", ticket: 1n, to: "b" },
  ]);
  assert.equal(a.balancer.nextTimeoutMs(), null);
});

Deno.test("a move that never ends does not stop the balancing for good", () => {
  const a = new Fixture({ moveTimeoutMs: 1_000 });
  a.peer("b", "U");
  a.step(a.answer(a.overload(), null));
  a.arrive(5);
  a.nowMs = 1_000;
  const effects = a.step({ type: "timePassed" });
  assert.deepEqual(effects, [{ type: "inspect", ids: ["a/1/1", "a/2/1", "a/3/1", "a/5/1"] }]);
  a.step({ type: "moveEnded", ticket: 1n, outcome: "moved" });
  assert.equal(a.balancer.view().queueLength, 4);
});

Deno.test("a process whose move never ended triggers no second victim", () => {
  const a = new Fixture({ moveTimeoutMs: 1_000 });
  a.peer("b", "U");
  a.step(a.answer(a.overload(), null));
  a.nowMs = 1_000;
  assert.deepEqual(a.step({ type: "timePassed" }), []);
  assert.deepEqual(a.step({ type: "check" }), []);
});

Deno.test("a guest whose home is the chosen node is ordered home", () => {
  const a = new Fixture();
  a.peer("b", "U");
  for (const pid of [1, 2, 3]) a.arrive(pid);
  a.arrive(4, { home: "b" });
  const offer = a.expect("offer", a.sampled([...a.samples.keys()]));
  assert.deepEqual([offer.id, offer.home], ["b/4/1", true]);
  assert.equal(a.expect("orderMove", a.answer(offer, null)).home, true);
});

Deno.test("step() refuses a clock that goes back", () => {
  const a = new Fixture();
  a.nowMs = 10;
  a.step({ type: "check" });
  a.nowMs = 9;
  assert.throws(() => a.step({ type: "check" }), /monotonic/);
});
