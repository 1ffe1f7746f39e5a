/** Tests of moves by hand: `lb migrate` and `lb home`. */

import assert from "node:assert/strict";
import { Balancer } from "./balancer.ts";
import type { Effect } from "./contract/effect.ts";
import type { Event } from "./contract/event.ts";
import type { Sample } from "./contract/process.ts";

/** Node a with processes 1 and 2; b is F and c is U. */
function twoProcesses(cantmove: string | null = null) {
  let ticket = 0n;
  const balancer = new Balancer({
    node: "a",
    epoch: 1,
    associated: ["b", "c"],
    thresholds: { thu: 1, thf: 3, thv: 4 },
    select: "least-cpu",
    nextTicket: () => ++ticket,
  });
  const step = (event: Event) => balancer.step(event, 0).filter(({ type }) => type !== "log");
  for (const pid of [1, 2]) {
    const process = { id: `a/${pid}/1`, homeNode: "a", pid, program: "job" };
    step({ type: "processArrived", process });
  }
  for (const [node, letter] of [["b", "F"], ["c", "U"]] as const) {
    step({ type: "peerLetter", node, announcement: { letter, epoch: 1, seq: 0 } });
  }
  const sample = (pid: number): Sample => ({
    id: `a/${pid}/1`,
    cpuSeconds: 0,
    rssBytes: 0,
    cantmove,
  });
  const ask = (requestId: number, node: string | null, pid = 1) =>
    step({ type: "moveRequested", requestId, id: `a/${pid}/1`, node });
  const look = (pid = 1) => step({ type: "sampled", samples: [sample(pid)] });
  const answer = (from: string, ticket: bigint, reason: string | null) =>
    step({
      type: "offerAnswered",
      from,
      ticket,
      accepted: reason === null,
      announcement: null,
      reason,
    });
  return { balancer, step, ask, look, answer };
}

const failure = (effects: readonly Effect[]) =>
  effects.map((effect) => effect.type === "requestFailed" ? effect.reason : effect.type).join();

Deno.test("a move by hand goes to the given node whatever its letter", () => {
  const { step, ask, look, answer } = twoProcesses();
  assert.deepEqual(ask(5, "b"), [{ type: "inspect", ids: ["a/1/1"] }]);
  const [offer] = look();
  assert.deepEqual(offer, {
    type: "offer",
    ticket: 1n,
    to: "b",
    id: "a/1/1",
    manual: true,
    home: false,
    weight: 1,
    load: null,
  });
  assert.equal(answer("b", 1n, null)[0]?.type, "orderMove");
  assert.deepEqual(step({ type: "moveEnded", ticket: 1n, outcome: "moved" }), [
    { type: "requestDone", requestId: 5, node: "b" },
  ]);
});

Deno.test("a move by hand may go to a node that is not associated", () => {
  const { ask, look } = twoProcesses();
  ask(5, "z");
  const [offer] = look();
  assert.equal(offer?.type === "offer" && offer.to, "z");
});

Deno.test("a move by hand without a node goes to the first U one, and on if refused", () => {
  const { step, ask, look, answer } = twoProcesses();
  step({ type: "peerLetter", node: "b", announcement: { letter: "U", epoch: 1, seq: 1 } });
  ask(5, null);
  const [first] = look();
  assert.equal(first?.type === "offer" && first.to, "b");
  const [second] = answer("b", 1n, "no memory");
  assert.equal(second?.type === "offer" && second.to, "c");
  const refused = /b, c refused \(b: no memory; c: it is full\)/;
  assert.match(failure(answer("c", 2n, "it is full")), refused);
});

Deno.test("a move by hand fails at once for what is not here, or is here already", () => {
  const { ask } = twoProcesses();
  assert.match(failure(ask(1, "b", 99)), /no such process/);
  assert.match(failure(ask(2, "a")), /runs here already/);
});

Deno.test("a move by hand of a process that cannot move fails with its reason", () => {
  const { ask, look } = twoProcesses("it has threads");
  ask(1, "b");
  assert.equal(failure(look()), "it has threads");
});

Deno.test("a move by hand that is refused, aborted or without a U node fails with the reason", () => {
  const { step, ask, look, answer } = twoProcesses();
  ask(1, "b");
  look();
  assert.match(failure(answer("b", 1n, "no memory")), /b refused: no memory/);
  ask(2, "b");
  look();
  answer("b", 2n, null);
  const aborted = step({ type: "moveEnded", ticket: 2n, outcome: "aborted", reason: "link cut" });
  assert.equal(failure(aborted), "link cut");
  step({ type: "peerLost", node: "c" });
  ask(3, null);
  assert.match(failure(look()), /no associated node is U/);
});

Deno.test("moves by hand of different processes do not wait for each other", () => {
  const { step, ask, look, answer } = twoProcesses();
  ask(1, "b", 1);
  look(1);
  assert.deepEqual(ask(2, "c", 2), [{ type: "inspect", ids: ["a/2/1"] }]);
  look(2);
  assert.equal(answer("c", 2n, null)[0]?.type, "orderMove");
  assert.deepEqual(step({ type: "moveEnded", ticket: 2n, outcome: "moved" }), [
    { type: "requestDone", requestId: 2, node: "c" },
  ]);
  assert.match(failure(answer("b", 1n, "no memory")), /b refused: no memory/);
});

Deno.test("no more moves by hand are under way at once than can end in time", () => {
  const { step, ask, look, answer } = twoProcesses();
  const pids = Array.from({ length: 10 }, (_, index) => index + 1);
  for (const pid of pids.slice(2)) {
    const process = { id: `a/${pid}/1`, homeNode: "a", pid, program: "job" };
    step({ type: "processArrived", process });
  }
  const begun = pids.filter((pid) => ask(pid, "b", pid).length > 0);
  assert.deepEqual(begun, pids.slice(0, 8));
  look(1);
  assert.equal(failure(answer("b", 1n, "no memory")), "b refused: no memory,inspect");
});

Deno.test("moves by hand of one process wait for their turn, and fail if it ends meanwhile", () => {
  const { step, ask, look } = twoProcesses();
  ask(1, "b", 1);
  assert.deepEqual(ask(2, "c", 1), []);
  look(1);
  assert.deepEqual(step({ type: "processEnded", id: "a/1/1" }), [
    { type: "requestFailed", requestId: 2, reason: "the process is gone" },
    { type: "withdrawOffer", ticket: 1n, to: "b" },
    { type: "requestFailed", requestId: 1, reason: "the process is gone" },
  ]);
});

Deno.test("a second move of a process that moves already is refused", () => {
  const { ask, look, answer } = twoProcesses();
  ask(1, "b");
  look();
  answer("b", 1n, null);
  assert.match(failure(ask(2, "c")), /moving to b already/);
});

Deno.test("the queue of moves by hand is bounded", () => {
  const { ask } = twoProcesses();
  ask(0, "b", 2);
  for (let i = 1; i <= 64; i++) assert.deepEqual(ask(i, "b", 2), []);
  assert.match(failure(ask(65, "b", 2)), /waiting already/);
});

Deno.test("an inspection of other processes does not answer a move by hand", () => {
  const { ask, look } = twoProcesses();
  ask(1, "b", 1);
  assert.deepEqual(look(2), []);
  assert.equal(look(1)[0]?.type, "offer");
});
