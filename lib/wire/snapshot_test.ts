/** Tests of the snapshot's parser. */

import assert from "node:assert/strict";
import { WireError } from "../base/errors.ts";
import { parseSnapshot } from "./snapshot.ts";

const snapshot = {
  node: "192.168.0.1:9734",
  state: "F",
  queueLength: 6,
  thresholds: { thu: 1, thf: 3, thv: 9 },
  frequencySeconds: 5,
  associated: [{ node: "192.168.0.3:9734", state: "U" }, { node: "192.168.0.4:9734", state: " " }],
  processes: [{
    id: "192.168.0.1:9734/1669/8371234",
    pid: 1669,
    program: "matmul",
    cpuSeconds: 12.5,
    rssBytes: 25165824,
    home: "192.168.0.1:9734",
    shadowPid: null,
    cantmove: null,
    movingTo: null,
  }],
  shadows: [{ pid: 1700, program: "matmul", runsOn: "192.168.0.3:9734" }],
};

Deno.test("parseSnapshot() gives back what a node has sent", () => {
  assert.deepEqual(parseSnapshot(JSON.stringify(snapshot)), snapshot);
});

Deno.test("parseSnapshot() keeps what a later version has added", () => {
  const later = { ...snapshot, weather: "fine" };
  assert.deepEqual(parseSnapshot(JSON.stringify(later)), later);
});

Deno.test("parseSnapshot() refuses what is not JSON, and names the field that is wrong", () => {
  assert.throws(() => parseSnapshot("{"), WireError);
  const wrong: readonly [unknown, RegExp][] = [
    [null, /its top/],
    [{ ...snapshot, state: "X" }, /state/],
    [{ ...snapshot, queueLength: -1 }, /queueLength/],
    [{ ...snapshot, thresholds: { thu: 1, thf: 3 } }, /thresholds\.thv/],
    [{ ...snapshot, processes: [{ ...snapshot.processes[0], pid: "1" }] }, /processes\.0\.pid/],
  ];
  for (const [value, where] of wrong) {
    assert.throws(() => parseSnapshot(JSON.stringify(value)), (error) => {
      assert.ok(error instanceof WireError);
      assert.match(error.message, where);
      return true;
    });
  }
});
