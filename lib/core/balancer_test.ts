/** Tests of one balancer: each event's effects. */

import assert from "node:assert/strict";
import { Balancer } from "./balancer.ts";
import type { BalancerConfig, Effect, Event, Letter, Process, Sample } from "./types.ts";

type EffectOf<T extends Effect["type"]> = Extract<Effect, { type: T }>;

/** A balancer of node a with what its tests need around it. */
class Fixture {
  readonly balancer: Balancer;
  nowMs = 0;
  readonly samples = new Map<string, Sample>();

  constructor(config: Partial<BalancerConfig> = {}) {
    let ticket = 0n;
    this.balancer = new Balancer({
      node: "a",
      epoch: 7,
      associated: ["b", "c"],
      thresholds: { thu: 1, thf: 3, thv: 4 },
      select: "most-cpu",
      nextTicket: () => ++ticket,
      ...config,
    });
  }

  /** Steps; log lines are left out, as no test depends on their text. */
  step(event: Event): Effect[] {
    return this.balancer.step(event, this.nowMs).filter(({ type }) => type !== "log");
  }

  /** Steps, and expects one effect of this type among the others. */
  expect<T extends Effect["type"]>(type: T, event: Event): EffectOf<T> {
    const effects = this.step(event);
    const found = effects.filter((effect): effect is EffectOf<T> => effect.type === type);
    assert.equal(found.length, 1, `one ${type} in ${effects.map((effect) => effect.type)}`);
    return found[0] as EffectOf<T>;
  }

  process(pid: number, home = "a"): Process {
    return { id: `${home}/${pid}/1`, homeNode: home, pid, program: "job" };
  }

  /** A process arrives that will be sampled with as many CPU seconds as its PID. */
  arrive(pid: number, known: Partial<Sample> & { home?: string } = {}): Effect[] {
    const { home, ...figures } = known;
    const process = this.process(pid, home);
    const sample = { cpuSeconds: pid, rssBytes: pid, cantmove: null, ...figures, id: process.id };
    this.samples.set(process.id, sample);
    return this.step({ type: "processArrived", process });
  }

  sampled(ids: readonly string[]): Event {
    return { type: "sampled", samples: ids.flatMap((id) => this.samples.get(id) ?? []) };
  }

  peer(node: string, letter: Letter, seq = 0): Effect[] {
    return this.step({ type: "peerLetter", node, announcement: { letter, epoch: 1, seq } });
  }

  /** Makes node a over with processes 1 to 4 and answers its inspection. */
  overload(): EffectOf<"offer"> {
    for (const pid of [1, 2, 3]) this.arrive(pid);
    const inspect = this.arrive(4).find((effect) => effect.type === "inspect");
    assert.ok(inspect !== undefined, "an over node looks at its processes");
    return this.expect("offer", this.sampled(inspect.ids));
  }

  answer(
    { ticket, to }: EffectOf<"offer">,
    reason: string | null,
    letter: Letter | null = "U",
  ): Event {
    const announcement = letter === null ? null : { letter, epoch: 1, seq: letter === "U" ? 0 : 1 };
    const accepted = reason === null;
    return { type: "offerAnswered", from: to, ticket, accepted, announcement, reason };
  }

  offered(pid: number, ticket: bigint, manual = false, home = "b"): Event {
    const { id } = this.process(pid, home);
    return { type: "offerReceived", from: "b", ticket, id, manual, refusal: null };
  }
}

const types = (effects: readonly Effect[]) => effects.map(({ type }) => type);

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

Deno.test("a node refuses for the shell's reason, and a process it has already", () => {
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
  assert.deepEqual(a.balancer.view().reservations, [{ ticket: 91n, id: "b/9/1" }]);
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

Deno.test("step() refuses a clock that goes back", () => {
  const a = new Fixture();
  a.nowMs = 10;
  a.step({ type: "check" });
  a.nowMs = 9;
  assert.throws(() => a.step({ type: "check" }), /monotonic/);
});
