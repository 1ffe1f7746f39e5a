/** Tests of preferred lists for many nodes. */

import assert from "node:assert/strict";
import { LbError } from "../../base/errors.ts";
import { Prng } from "../../base/prng.ts";
import { hypercubeList } from "../../core/topology/topology.ts";
import { listsOfGraph, makeLists, shapes, shuffled } from "./lists.ts";

for (const shape of shapes) {
  for (const nodes of [1, 2, 16, 64, 2048]) {
    Deno.test(`${shape} of ${nodes}: every list is short, without itself, and mutual`, () => {
      const lists = makeLists(shape, nodes, 10);
      assert.equal(lists.length, nodes);
      for (const [node, list] of lists.entries()) {
        assert.ok(list.length <= 10 && (nodes === 1 || list.length >= 1), `${node}: ${list}`);
        assert.equal(new Set([...list, node]).size, list.length + 1);
        assert.ok(list.every((other) => lists[other]?.includes(node)), `${node}: ${list}`);
      }
    });
  }
}

for (const shape of ["hypercube", "ring", "torus", "chord", "full"] as const) {
  Deno.test(`${shape}: each node is the k-th choice of exactly one other`, () => {
    const lists = makeLists(shape, 64, 10);
    const length = lists[0]?.length ?? 0;
    for (let rank = 0; rank < length; rank++) {
      assert.equal(new Set(lists.map((list) => list[rank])).size, 64, `rank ${rank}`);
    }
  });
}

Deno.test("a hypercube's lists are those of the thesis", () => {
  assert.deepEqual(makeLists("hypercube", 16, 15)[6], hypercubeList(6, 4));
});

Deno.test("makeLists() refuses a hypercube of 12", () => {
  assert.throws(() => makeLists("hypercube", 12, 4), LbError);
});

Deno.test("listsOfGraph() refuses one-way links and two parts", () => {
  const links = (text: string) =>
    new Map(
      text.split(";").map((line) => {
        const [node = "", ...others] = line.split(" ");
        return [node, others];
      }),
    );
  assert.deepEqual(listsOfGraph(links("a b;b a c;c b"), 2), [[1, 2], [0, 2], [1, 0]]);
  assert.throws(() => listsOfGraph(links("a b;b"), 2), /links go both ways: "a" has "b"/);
  assert.throws(() => listsOfGraph(links("a b;b a;c d;d c"), 2), /not connected: "c"/);
});

Deno.test("shuffled() keeps each list's members", () => {
  const lists = makeLists("ring", 32, 8);
  const others = shuffled(lists, new Prng(1));
  assert.notDeepEqual(others, lists);
  const sorted = (list: readonly number[]) => list.toSorted((a, b) => a - b);
  assert.deepEqual(others.map(sorted), lists.map(sorted));
});
