/** Tests of processes with several computing threads. */

import assert from "node:assert/strict";
import fc from "fast-check";
import type { Capacity } from "./contract/capacity.ts";
import type { Effect } from "./contract/effect.ts";
import type { Event } from "./contract/event.ts";
import { policies, sharingThresholds } from "./contract/policy.ts";
import { Cluster } from "../../tests/core/cluster.ts";
import { Fixture } from "../../tests/core/fixture.ts";

const twoCores: Capacity = { cores: 2, speed: 1 };
const sharing = { policy: policies.sharing, thresholds: sharingThresholds, capacity: twoCores };

/** A process that is looked at as soon as it is there. */
function arrive(a: Fixture, pid: number, computing: number): Effect[] {
  a.arrive(pid, {
    cpuSeconds: 100,
    rssBytes: 1e6,
    threads: { all: Math.max(1, computing), computing },
  });
  return a.step(a.sampled([a.process(pid).id]));
}

/** Node b says that it is U, with what it has and can. */
function under(a: Fixture, load: number, capacity: Capacity, seq = 0): Effect[] {
  const announcement = { letter: "U", epoch: 1, seq, load, capacity } as const;
  return a.step({ type: "peerLetter", node: "b", announcement });
}

/** What a node offers at a check, which it looks for first. */
function offered(a: Fixture): Effect | undefined {
  const effects = a.step({ type: "check" });
  const inspect = effects.find((effect) => effect.type === "inspect");
  if (inspect?.type !== "inspect") return undefined;
  return a.step(a.sampled(inspect.ids)).find(({ type }) => type === "offer");
}

/** Node b offers a process that counts as so many, of a load. */
function offerReceived(weight: number, load: number | null, ticket = 7n): Event {
  const id = `b/${ticket}/1`;
  return {
    type: "offerReceived",
    from: "b",
    ticket,
    id,
    manual: false,
    weight,
    load,
    refusal: null,
  };
}

Deno.test("a process counts as its computing threads, and as one if they sleep", () => {
  const a = new Fixture(sharing);
  arrive(a, 1, 0);
  assert.equal(a.balancer.view().load, 1);
  assert.equal(a.balancer.view().state, "U");
  arrive(a, 2, 4);
  const view = a.balancer.view();
  assert.equal(view.load, 5);
  assert.equal(view.queueLength, 2);
  assert.equal(view.state, "V");
  assert.deepEqual(view.processes.map(({ weight }) => weight), [1, 4]);
  a.step({ type: "processEnded", id: a.process(2).id });
  assert.equal(a.balancer.view().load, 1);
});

Deno.test("by the thesis's policy a process counts as one, whatever its threads do", () => {
  const a = new Fixture({ capacity: twoCores });
  arrive(a, 1, 4);
  assert.equal(a.balancer.view().load, 1);
  assert.equal(a.balancer.view().state, "U");
  assert.deepEqual(a.balancer.view().processes[0]?.threads, { all: 4, computing: 4 });
  const answers = a.step(offerReceived(4, 9));
  assert.ok(answers.some((effect) => effect.type === "answerOffer" && effect.accepted));
  assert.equal(a.balancer.view().load, 2);
});

Deno.test("a process goes only where its threads have room, or where they run faster", () => {
  for (
    const [load, capacity, goes] of [
      [0, { cores: 8, speed: 1 }, true],
      [4 / 8, { cores: 8, speed: 1 }, true],
      // 3.0 here, 1.25 there.
      [6 / 8, { cores: 8, speed: 1 }, true],
      // 3.0 here, 3.0 there: they only change places.
      [1, { cores: 2, speed: 1 }, false],
      // 3.0 here, 2.0 there.
      [0, { cores: 2, speed: 1 }, true],
      [0, { cores: 1, speed: 1 }, false],
    ] as const
  ) {
    const a = new Fixture(sharing);
    arrive(a, 1, 4);
    arrive(a, 2, 2);
    // The other stays, so that it is a matter of the four threads.
    a.step({ type: "pinned", id: a.process(2).id, isPinned: true });
    under(a, load, capacity);
    const offer = offered(a);
    const what = `${load} of ${capacity.cores}`;
    assert.equal(offer?.type === "offer" ? offer.id : null, goes ? a.process(1).id : null, what);
    if (offer?.type === "offer") assert.deepEqual([offer.weight, offer.load], [4, 3], what);
    const why = a.balancer.explain(a.process(1).id)?.join() ?? "";
    assert.equal(/no room for its 4 computing threads at b/.test(why), !goes, why);
    const noRoom = a.balancer.view().processes[0]?.noRoom ?? null;
    assert.equal(noRoom !== null, !goes, what);
  }
});

Deno.test("among nodes that are U that which has room is chosen, not the first", () => {
  const a = new Fixture(sharing);
  arrive(a, 1, 4);
  under(a, 0, { cores: 1, speed: 1 });
  const announcement = { letter: "U", epoch: 1, seq: 0, load: 0 } as const;
  const capacity = { cores: 8, speed: 1 };
  a.step({ type: "peerLetter", node: "c", announcement: { ...announcement, capacity } });
  const offer = offered(a);
  assert.ok(offer?.type === "offer" && offer.to === "c");
});

Deno.test("a node takes only what its threads have room for, and keeps as many places", () => {
  const a = new Fixture({ ...sharing, capacity: { cores: 4, speed: 1 } });
  const accepts = (event: Event) => {
    const answer = a.step(event).find(({ type }) => type === "answerOffer");
    return answer?.type === "answerOffer" ? answer.reason ?? "accepted" : null;
  };
  assert.equal(accepts(offerReceived(3, 2)), "accepted");
  assert.equal(a.balancer.view().load, 3);
  assert.match(accepts(offerReceived(2, 1.2, 8n)) ?? "", /no room for its 2 .*: 1 of 4 cores/);
  // They would run faster than at the other node.
  assert.equal(accepts(offerReceived(2, 2, 9n)), "accepted");
  a.step({ type: "offerWithdrawn", ticket: 9n });
  assert.equal(accepts(offerReceived(2, null, 10n)), "accepted", "it has to leave there");
  a.step({ type: "arrivalConfirmed", ticket: 7n, process: a.process(7, "b") });
  assert.equal(a.balancer.view().processes[0]?.weight, 3, "until it is looked at");
});

Deno.test("of a process with threads and single ones those leave first that fit anywhere", () => {
  const a = new Fixture(sharing);
  arrive(a, 1, 4);
  arrive(a, 2, 1);
  under(a, 0, twoCores);
  const offer = offered(a);
  assert.ok(offer?.type === "offer" && offer.id === a.process(2).id);
});

Deno.test("a parallel process settles on the node that has the cores for it", () => {
  const cluster = new Cluster({ a: ["b"], b: ["a"] }, {
    ...sharing,
    capacity: { cores: 4, speed: 1 },
  });
  const jobs = [4, 1, 1, 1].map((computing) =>
    cluster.start("a", { computing, cpuSeconds: 100, rssBytes: 1 })
  );
  for (const node of ["a", "b"]) cluster.look(node);
  cluster.runChecked(60);
  const [wide = "", ...narrow] = jobs;
  const at = cluster.jobs.get(wide)?.node;
  assert.ok(narrow.every((id) => cluster.jobs.get(id)?.node !== at), "its cores are its own");
});

Deno.test("processes of whatever threads do not wander for ever", () => {
  const drawn = fc.array(fc.tuple(fc.constantFrom("a", "b", "c"), fc.integer({ min: 1, max: 6 })), {
    maxLength: 10,
  });
  fc.assert(
    fc.property(drawn, fc.constantFrom(1, 2, 4), (starts, cores) => {
      const trio = { a: ["b", "c"], b: ["c", "a"], c: ["a", "b"] };
      const cluster = new Cluster(trio, { ...sharing, capacity: { cores, speed: 1 } });
      for (const [node, computing] of starts) {
        cluster.start(node, { computing, cpuSeconds: 100, rssBytes: 1 });
        cluster.look(node);
      }
      const checked = (rounds: number) => {
        for (let round = 0; round < rounds; round++) {
          for (const node of ["a", "b", "c"]) cluster.look(node);
          cluster.runChecked(5);
        }
      };
      checked(60);
      const moves = () =>
        [...cluster.jobs.values()].reduce((sum, job) => sum + job.moves.length, 0);
      const before = moves();
      checked(20);
      assert.equal(moves(), before);
    }),
    { numRuns: 60 },
  );
});
