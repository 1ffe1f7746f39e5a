/** Tests of nodes that ask for processes, alone and together. */

import assert from "node:assert/strict";
import { Prng } from "../../base/prng.ts";
import { Cluster } from "../../../tests/core/cluster.ts";
import { Fixture, types } from "../../../tests/core/fixture.ts";
import { policies } from "../contract/policy.ts";
import { PreferredList } from "../location_policy/preferred_list.ts";
import { Seeker } from "./seeker.ts";

const symmetric = policies.symmetric;
const receiver = policies.receiver;

/** A seeker of a node whose associated nodes are all F; whom it has asked. */
function seek(asksMax: number, nodes: readonly string[]) {
  const preferred = new PreferredList(nodes);
  for (const node of nodes) preferred.note(node, { letter: "F", epoch: 1, seq: 0 });
  const asked: string[] = [];
  const seeker = new Seeker({
    asksMax,
    preferred,
    prng: new Prng(1),
    isIdle: () => true,
    ask: (node) => asked.push(node),
  });
  return { seeker, asked, preferred };
}

Deno.test("a seeker asks one node after the other, each once, so many in a round", () => {
  const { seeker, asked } = seek(3, ["b", "c", "d", "e"]);
  seeker.advance();
  seeker.advance();
  assert.equal(asked.length, 1); // it waits for the answer
  for (let n = 0; n < 9; n++) {
    seeker.refused(asked.at(-1) as string);
    seeker.advance();
  }
  assert.equal(asked.length, 3);
  assert.equal(new Set(asked).size, 3);
});

Deno.test("a seeker in vain waits for twice as many checks each time, until there is reason to hope", () => {
  const { seeker, asked } = seek(1, ["b"]);
  const rounds: number[] = [];
  for (let check = 0; check < 40; check++) {
    seeker.advance();
    if (asked.length > rounds.length) rounds.push(check);
    seeker.refused("b");
    seeker.check();
  }
  const gaps = rounds.map((at, index) => at - (rounds[index - 1] ?? 0)).slice(1);
  assert.deepEqual(gaps, [1, 2, 4, 8, 16]);
  seeker.wake();
  seeker.advance();
  assert.equal(asked.length, rounds.length + 1);
});

Deno.test("a node whose policy is the sender's never asks, and refuses who asks", () => {
  const fixture = new Fixture();
  fixture.peer("b", "F");
  assert.deepEqual(types(fixture.step({ type: "check" })), []);
  for (const pid of [1, 2, 3]) fixture.arrive(pid);
  const announcement = { letter: "U", epoch: 1, seq: 0, load: 0 } as const;
  const effects = fixture.step({ type: "asked", node: "b", announcement });
  assert.deepEqual(types(effects), ["refuseAsk"]);
});

Deno.test("who is asked gives only to one that has clearly fewer", () => {
  for (const [load, given] of [[1, true], [2, false]] as const) {
    const fixture = new Fixture({ policy: receiver });
    for (const pid of [1, 2, 3]) fixture.arrive(pid);
    const announcement = { letter: "U", epoch: 1, seq: 0, load } as const;
    const effects = fixture.step({ type: "asked", node: "b", announcement });
    assert.deepEqual(types(effects), [given ? "inspect" : "refuseAsk"]);
    if (!given) continue;
    const ids = [1, 2, 3].map((pid) => fixture.process(pid).id);
    const offer = fixture.expect("offer", fixture.sampled(ids));
    assert.deepEqual([offer.to, offer.id, offer.manual], ["b", "a/3/1", false]);
    // While that is under way the next one gets nothing.
    const again = fixture.step({ type: "asked", node: "c", announcement });
    assert.deepEqual(types(again), ["refuseAsk"]);
    // Refused by the one that asked: nobody else is offered it, as the node is not over.
    assert.deepEqual(types(fixture.step(fixture.answer(offer, "it is full now", "F"))), []);
  }
});

Deno.test("whom nobody can take from refuses: pinned, resting, or about to leave", () => {
  const fixture = new Fixture({ policy: symmetric });
  for (const pid of [1, 2, 3]) {
    fixture.arrive(pid);
    fixture.step({ type: "pinned", id: fixture.process(pid).id, isPinned: true });
  }
  const announcement = { letter: "U", epoch: 1, seq: 0, load: 0 } as const;
  assert.deepEqual(types(fixture.step({ type: "asked", node: "b", announcement })), ["refuseAsk"]);
});

Deno.test("by receiver an over node waits until one that is U asks, as it hears of it or at a check", () => {
  const cluster = new Cluster({ a: ["b"], b: ["a"] }, { policy: receiver });
  for (let n = 0; n < 6; n++) cluster.start("a");
  cluster.run(1_000);
  assert.deepEqual(cluster.lengths, [5, 1]);
  cluster.check("a");
  cluster.run(1_000);
  assert.deepEqual(cluster.lengths, [5, 1]);
  cluster.check("b");
  cluster.run(1_000);
  assert.deepEqual(cluster.lengths, [4, 2]);
  cluster.runChecked(60);
  assert.deepEqual(cluster.lengths, [4, 2]); // b is not U any more, thu is 1
});

Deno.test("by symmetric both begin, and the queues come as near as the thresholds let them", () => {
  const cluster = new Cluster({ a: ["b"], b: ["a"] }, { policy: symmetric });
  for (let n = 0; n < 3; n++) cluster.start("a"); // not over: thv is 4
  cluster.runChecked(10);
  assert.deepEqual(cluster.lengths, [2, 1]);
});

Deno.test("where all are idle nobody asks, and where all are full few do", () => {
  const trio = { a: ["b", "c"], b: ["c", "a"], c: ["a", "b"] };
  const cluster = new Cluster(trio, { policy: symmetric });
  const asks = () => cluster.trace.filter((line) => line.includes('"type":"ask"')).length;
  cluster.runChecked(600);
  assert.equal(asks(), 0);
  for (const node of ["a", "b"]) {
    for (let n = 0; n < 3; n++) cluster.start(node, { cantmove: "it has 2 threads" });
  }
  cluster.runChecked(600); // c is U and learns that nobody can give
  assert.ok(asks() > 0 && asks() <= 30, `${asks()} asks in 120 checks`);
});
