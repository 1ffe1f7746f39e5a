/** Tests of the pictures: golden text from fixed snapshots. */

import assert from "node:assert/strict";
import fc from "fast-check";
import type { Snapshot, SnapshotProcess } from "../wire/snapshot.ts";
import { drawProcesses } from "./processes.ts";
import { render } from "./render.ts";

const everything = { columns: Infinity, rows: Infinity };

function process(pid: number, change: Partial<SnapshotProcess> = {}): SnapshotProcess {
  return {
    id: `192.168.0.1:9734/${pid}/8371234`,
    pid,
    program: "matmul",
    cpuSeconds: 12.5,
    rssBytes: 24 * 1024 * 1024,
    home: "192.168.0.1:9734",
    shadowPid: null,
    cantmove: null,
    movingTo: null,
    ...change,
  };
}

const snapshot: Snapshot = {
  node: "192.168.0.1:9734",
  state: "F",
  queueLength: 3,
  thresholds: { thu: 1, thf: 3, thv: 9 },
  frequencySeconds: 5,
  associated: [{ node: "192.168.0.3:9734", state: "U" }, { node: "192.168.0.4:9735", state: " " }],
  processes: [
    process(1670, { movingTo: "192.168.0.3:9734" }),
    process(1669, {
      cpuSeconds: 184,
      threads: { all: 4, computing: 2.6 },
      weight: 3,
      cantmove: "it has 4 threads",
    }),
    process(20011, {
      threads: { all: 1, computing: 1 },
      id: "192.168.0.3:9734/812/55",
      program: "fit",
      rssBytes: 2 * 1024 ** 3,
      home: "192.168.0.3:9734",
      shadowPid: 812,
    }),
  ],
  shadows: [
    { pid: 1700, program: "matmul", runsOn: "192.168.0.3:9734" },
    { pid: 1701, program: "sort", runsOn: null },
  ],
};

const golden = `\
Node 192.168.0.1:9734   state F (full)   queue length 3, which weighs 5 by its threads
THu 1   THf 3   THv 9   checks every 5 s

ASSOCIATED NODE   STATE
192.168.0.3:9734  U under
192.168.0.4:9735  - unreachable

  PID  PROGRAM  RUNS ON                               HOME              SHADOW  THR        CPU    MEMORY  CANNOT MOVE
 1669  matmul   192.168.0.1:9734                      192.168.0.1:9734       -  3/4  3 min 4 s  24.0 MiB  it has 4 threads
 1670  matmul   192.168.0.1:9734 -> 192.168.0.3:9734  192.168.0.1:9734       -    -     12.5 s  24.0 MiB  -
20011  fit      192.168.0.1:9734                      192.168.0.3:9734     812    1     12.5 s   2.0 GiB  -
 1700  matmul   192.168.0.3:9734                      192.168.0.1:9734    1700    -          -         -  -
 1701  sort     (waits for restart)                   192.168.0.1:9734    1701    -          -         -  -`;

Deno.test("render() draws state, thresholds, associated nodes and processes", () => {
  assert.deepEqual(render(snapshot, everything), golden.split("\n"));
});

Deno.test("render() says so where there is nothing", () => {
  const idle: Snapshot = {
    ...snapshot,
    state: "U",
    queueLength: 0,
    associated: [],
    processes: [],
    shadows: [],
  };
  assert.deepEqual(render(idle, everything), [
    "Node 192.168.0.1:9734   state U (under)   queue length 0",
    "THu 1   THf 3   THv 9   checks every 5 s",
    "",
    "No associated nodes: nothing moves by itself",
    "",
    "No processes",
  ]);
});

Deno.test("render() tells who is a member, and who is not as it should be", () => {
  const member = (node: string, status: "alive" | "suspected" | "failed" | "left") => ({
    node,
    status,
    incarnation: 1,
    open: true,
  });
  const text = (change: Partial<Snapshot>) =>
    render({ ...snapshot, ...change }, everything).join("\n");
  const own = member(snapshot.node, "alive");
  const members = [own, member("b:1", "failed"), member("c:1", "left"), member("d:1", "suspected")];
  assert.match(text({ members }), /^Members 3 {3}b:1 failed {3}c:1 has left {3}d:1 suspected$/m);
  assert.match(
    text({ members: [own, member("b:1", "alive")], health: 3 }),
    /^Members 2 {3}.*3, 0 is/m,
  );
  assert.equal(text({ members: [own] }), golden, "a node by itself has no cluster");
  const associated = [{ node: "b:1", state: "U" as const, suspected: true }];
  assert.match(text({ associated }), /^b:1 +U under, suspected$/m);
  const left = [member(snapshot.node, "left"), member("b:1", "alive")];
  assert.match(text({ members: left }), /has left its cluster/);
});

Deno.test("render() tells how many lines it had no room for", () => {
  assert.deepEqual(render(snapshot, { columns: 40, rows: 5 }), [
    "Node 192.168.0.1:9734   state F (full) …",
    "THu 1   THf 3   THv 9   checks every 5 s",
    "",
    "ASSOCIATED NODE   STATE",
    "(9 more lines)",
  ]);
});

Deno.test("render() never exceeds its room", () => {
  const size = fc.record({ columns: fc.nat({ max: 130 }), rows: fc.nat({ max: 20 }) });
  fc.assert(fc.property(size, ({ columns, rows }) => {
    const lines = render(snapshot, { columns, rows });
    assert.ok(lines.length <= rows);
    assert.ok(lines.every((line) => line.length <= Math.max(columns, 1)));
  }));
});

Deno.test("render() shows nothing that a terminal would obey", () => {
  const evil = "\u001b]0;owned\u0007\u009b31m";
  const bad: Snapshot = {
    ...snapshot,
    node: evil,
    associated: [{ node: evil, state: "U" }],
    processes: [process(1, { program: evil, cantmove: `a\nb`, home: evil, movingTo: evil })],
    shadows: [{ pid: 2, program: evil, runsOn: evil }],
  };
  // deno-lint-ignore no-control-regex
  assert.doesNotMatch(render(bad, everything).join(""), /[\u0000-\u001f\u007f-\u009f]/);
});

Deno.test("drawProcesses() has its titles even without a process", () => {
  const [titles, ...lines] = drawProcesses({ ...snapshot, processes: [], shadows: [] });
  assert.match(
    titles ?? "",
    /^PID +PROGRAM +RUNS ON +HOME +SHADOW +THR +CPU +MEMORY +CANNOT MOVE$/,
  );
  assert.deepEqual(lines, []);
});

Deno.test("drawProcesses() says that threads have no room where nothing else keeps a process", () => {
  const noRoom = "no room for its 4 computing threads at b:1: 1 of 2 cores is free";
  const draw = (change: Partial<SnapshotProcess>) =>
    drawProcesses({ ...snapshot, processes: [process(1, { noRoom, ...change })], shadows: [] })[1];
  assert.match(draw({}) ?? "", /no room for its 4 computing threads at b:1/);
  assert.match(draw({ cantmove: "it is stopped" }) ?? "", /MiB {2}it is stopped$/);
});
