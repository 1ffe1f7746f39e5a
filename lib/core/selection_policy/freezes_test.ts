/** Tests of moves not begun as they would be late. */

import assert from "node:assert/strict";
import { Fixture, types } from "../../../tests/core/fixture.ts";

const MIB = 1 << 20;
const IO_TIMEOUT_MS = 10_000;

/** A node whose moves to b are slow: 1 MB/s, as process 9 has shown; b and c are U. */
function slowWayToB(): Fixture {
  const a = new Fixture({ ioTimeoutMs: IO_TIMEOUT_MS });
  a.arrive(9);
  a.peer("b", "U");
  a.peer("c", "U");
  a.step({ type: "moveRequested", requestId: 1, id: "a/9/1", node: "b" });
  const offer = a.expect("offer", a.sampled(["a/9/1"]));
  const { ticket } = a.expect("orderMove", a.answer(offer, null));
  const carried = { bytes: 2 * MIB, ms: 2 * MIB / 1000 };
  a.step({ type: "moveEnded", ticket, outcome: "moved", carried });
  return a;
}

/** What becomes of a request to move a process of so much memory to b. */
function request(a: Fixture, pid: number, memoryBytes: number): string {
  a.arrive(pid, { memoryBytes });
  const id = `a/${pid}/1`;
  a.step({ type: "moveRequested", requestId: pid, id, node: "b" });
  const [effect] = a.step(a.sampled([id]));
  return effect?.type === "requestFailed" ? effect.reason : effect?.type ?? "nothing";
}

Deno.test("step() fails a request whose move would not end in time, and says why", () => {
  assert.equal(request(slowWayToB(), 1, 20 * MIB), "offer");
  assert.equal(
    request(slowWayToB(), 1, 100 * MIB),
    "it would stand still for 106 s, more than the 41 s that a move may take: 100 MiB to b at " +
      "1.0 MB/s, as measured in moves before",
  );
});

Deno.test("step() forgets after ten minutes how slow a link was", () => {
  const a = slowWayToB();
  a.nowMs += 601_000;
  assert.equal(request(a, 1, 100 * MIB), "offer");
});

Deno.test("step() learns how slow a link is from a move whose time was over", () => {
  const a = new Fixture({ ioTimeoutMs: IO_TIMEOUT_MS });
  a.arrive(9);
  a.step({ type: "moveRequested", requestId: 1, id: "a/9/1", node: "b" });
  const { ticket } = a.expect(
    "orderMove",
    a.answer(a.expect("offer", a.sampled(["a/9/1"])), null),
  );
  const carried = { bytes: 100 * MIB, ms: 41_000 };
  a.step({ type: "moveEnded", ticket, outcome: "aborted", reason: "its time was over", carried });
  assert.match(request(a, 1, 1000 * MIB), /at 2\.6 MB\/s/);
});

Deno.test("step() offers a victim to a node that it reaches in time, or another victim", () => {
  const a = slowWayToB();
  for (const pid of [1, 2, 3]) a.arrive(pid);
  const inspect = a.arrive(4, { memoryBytes: 100 * MIB }).find(({ type }) => type === "inspect");
  assert.ok(inspect?.type === "inspect");
  const first = a.expect("offer", a.sampled(inspect.ids));
  assert.deepEqual([first.id, first.to], ["a/4/1", "c"]);
  const second = a.expect("offer", a.answer(first, "it is full", "F"));
  assert.deepEqual([second.id, second.to], ["a/3/1", "b"]);
});

Deno.test("explain() says of a process that it would not arrive in time", () => {
  const a = slowWayToB();
  a.peer("c", "F", 1);
  for (const pid of [1, 2, 3]) a.arrive(pid, { memoryBytes: 100 * MIB });
  const inspect = a.arrive(4, { memoryBytes: 100 * MIB }).find(({ type }) => type === "inspect");
  assert.ok(inspect?.type === "inspect");
  assert.deepEqual(types(a.step(a.sampled(inspect.ids))), []);
  assert.match(a.balancer.explain("a/4/1")?.join() ?? "", /^it would stand still for 106 s/);
});
