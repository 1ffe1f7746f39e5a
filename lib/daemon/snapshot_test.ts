/** Tests of the node's snapshot. */
import assert from "node:assert/strict";
import { Balancer } from "../core/balancer.ts";
import { parseSnapshot } from "../wire/snapshot.ts";
import type { GuestRecord, ShadowRecord } from "./records.ts";
import { encodeSnapshot, makeSnapshot } from "./snapshot.ts";

function snapshotOf(count: number) {
  const balancer = new Balancer({
    node: "a:1",
    epoch: 1,
    associated: ["b:1"],
    thresholds: { thu: 1, thf: 3, thv: 9 },
    select: "most-cpu",
    nextTicket: () => 1n,
  });
  for (let pid = 1; pid <= count; pid++) {
    const homeNode = pid === 1 ? "b:1" : "a:1";
    const process = { id: `${homeNode}/${pid}/5`, homeNode, pid: pid + 100, program: "matmul" };
    balancer.step({ type: "processArrived", process }, pid);
  }
  const guest = { homePid: 1 } as GuestRecord;
  const shadow = { homePid: 7, program: "sleep", runsOn: "b:1" } as ShadowRecord;
  const guests = new Map([["b:1/1/5", guest]]);
  const alive = { node: "a:1", incarnation: 7, status: "alive", isOpen: true, ageMs: 0 } as const;
  const members = {
    incarnation: 7,
    hasJoined: false,
    hasLeft: false,
    members: [alive, { ...alive, node: "b:1", status: "suspected" } as const],
    associated: ["b:1"],
    health: 2,
  };
  const records = { guests, shadows: new Map([["x", shadow]]) };
  return makeSnapshot(balancer.view(), records, { frequencySeconds: 5, members });
}

Deno.test("makeSnapshot() tells guests, local processes and shadows apart", () => {
  const snapshot = snapshotOf(2);
  const { processes, shadows, queueLength, state, associated, members, health } = snapshot;
  assert.deepEqual(processes.map(({ home, shadowPid }) => [home, shadowPid]), [
    ["b:1", 1],
    ["a:1", null],
  ]);
  assert.deepEqual(shadows, [{ pid: 7, program: "sleep", runsOn: "b:1" }]);
  assert.deepEqual([queueLength, state], [2, "M"]);
  assert.deepEqual(associated, [{ node: "b:1", state: " ", suspected: true }]);
  assert.deepEqual([members?.[0], health], [
    { node: "a:1", status: "alive", incarnation: 7, open: true },
    2,
  ]);
});

Deno.test("encodeSnapshot() leaves the last processes out where all do not fit", () => {
  const snapshot = snapshotOf(500);
  const decode = (bytes: Uint8Array) => parseSnapshot(new TextDecoder().decode(bytes));
  assert.equal(decode(encodeSnapshot(snapshot, 1 << 20)).processes.length, 500);
  const bytes = encodeSnapshot(snapshot, 20_000);
  assert.ok(bytes.length <= 20_000);
  const cut = decode(bytes);
  assert.ok(cut.processes.length > 10 && cut.processes.length < 500);
  assert.deepEqual(cut.processes, snapshot.processes.slice(0, cut.processes.length));
  assert.equal(cut.queueLength, 500);
});
