/** Tests of the journal. */

import assert from "node:assert/strict";
import { Journal } from "./journal.ts";

const id = "a:1/7/1";

Deno.test("Journal tells the decisions about one process and its node, with their reasons", () => {
  const journal = new Journal();
  const process = { id, homeNode: "a:1", pid: 7, program: "job" };
  journal.event({ type: "processArrived", process }, 1);
  journal.event({ type: "processArrived", process: { ...process, id: "a:1/8/1" } }, 2);
  const fields = { process: id, to: "b:1", reason: "over with 4 processes, thv 4" };
  journal.effect({ type: "log", level: "info", message: "process chosen", fields }, 3);
  journal.effect({ type: "log", level: "info", message: "over, but", fields: {} }, 4);
  journal.effect({ type: "orderMove", ticket: 9n, id, to: "b:1", home: false }, 5);
  journal.event({ type: "moveEnded", ticket: 9n, outcome: "aborted", reason: "no route" }, 6);
  journal.event({ type: "moveEnded", ticket: 9n, outcome: "moved" }, 7);
  assert.deepEqual(journal.last(id, 9).map(({ atMs, text }) => `${atMs} ${text}`), [
    "1 it is in this node's list",
    "3 process chosen, to b:1, over with 4 processes, thv 4",
    "4 over, but",
    "6 its move to b:1 was aborted: no route",
  ]);
  assert.deepEqual(journal.last(id, 1).map(({ atMs }) => atMs), [6]);
});

Deno.test("Journal forgets the oldest decisions", () => {
  const journal = new Journal();
  for (let n = 0; n < 5_000; n++) {
    journal.event({ type: "pinned", id, isPinned: true }, n);
  }
  const kept = journal.last(id, Infinity);
  assert.ok(kept.length <= 2_000 && kept.at(-1)?.atMs === 4_999);
});

Deno.test("Journal counts equal decisions, so that they do not hide the others", () => {
  const journal = new Journal();
  const process = { id, homeNode: "a:1", pid: 7, program: "job" };
  journal.event({ type: "processArrived", process }, 1);
  for (let n = 0; n < 9_000; n++) {
    const message = n % 2 === 0 ? "over, but no node is U" : "over, but nothing can move";
    journal.effect({ type: "log", level: "info", message, fields: {} }, 10 + n);
  }
  assert.deepEqual(
    journal.last(id, 9).map(({ atMs, text, count, sinceMs }) => [atMs, text, count, sinceMs]),
    [
      [1, "it is in this node's list", 1, 1],
      [9008, "over, but no node is U", 4500, 10],
      [9009, "over, but nothing can move", 4500, 11],
    ],
  );
});
