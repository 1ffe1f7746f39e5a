/** Tests of the preferred lists that follow from the network's shape. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { graphList, hypercubeList } from "./topology.ts";

/** Figure 1 of the thesis. */
const figure1 = [
  [1, 2, 4, 8, 6, 10, 12, 3, 5, 9, 14, 13, 11, 7, 15],
  [0, 3, 5, 9, 7, 11, 13, 2, 4, 8, 15, 12, 10, 6, 14],
  [3, 0, 6, 10, 4, 8, 14, 1, 7, 11, 12, 15, 9, 5, 13],
  [2, 1, 7, 11, 5, 9, 15, 0, 6, 10, 13, 14, 8, 4, 12],
  [5, 6, 0, 12, 2, 14, 8, 7, 1, 13, 10, 9, 15, 3, 11],
  [4, 7, 1, 13, 3, 15, 9, 6, 0, 12, 11, 8, 14, 2, 10],
  [7, 4, 2, 14, 0, 12, 10, 5, 3, 15, 8, 11, 13, 1, 9],
  [6, 5, 3, 15, 1, 13, 11, 4, 2, 14, 9, 10, 12, 0, 8],
  [9, 10, 12, 0, 14, 2, 4, 11, 13, 1, 6, 5, 3, 15, 7],
  [8, 11, 13, 1, 15, 3, 5, 10, 12, 0, 7, 4, 2, 14, 6],
  [11, 8, 14, 2, 12, 0, 6, 9, 15, 3, 4, 7, 1, 13, 5],
  [10, 9, 15, 3, 13, 1, 7, 8, 14, 2, 5, 6, 0, 12, 4],
  [13, 14, 8, 4, 10, 6, 0, 15, 9, 5, 2, 1, 7, 11, 3],
  [12, 15, 9, 5, 11, 7, 1, 14, 8, 4, 3, 0, 6, 10, 2],
  [15, 12, 10, 6, 8, 4, 2, 13, 11, 7, 0, 3, 5, 9, 1],
  [14, 13, 11, 7, 9, 5, 3, 12, 10, 6, 1, 2, 4, 8, 0],
];

function hypercubeEdges(dimension: number): Map<number, number[]> {
  const bits = Array.from({ length: dimension }, (_, bit) => 1 << bit);
  const nodes = Array.from({ length: 2 ** dimension }, (_, node) => node);
  return new Map(nodes.map((node) => [node, bits.map((bit) => node ^ bit)]));
}

/** Each node is the k-th choice of exactly one other, for every k. */
function assertOneToOne(lists: readonly (readonly number[])[]): void {
  for (let k = 0; k < lists.length - 1; k++) {
    const choices = lists.map((list) => list[k]);
    assert.equal(new Set(choices).size, lists.length, `choice ${k + 1}: ${choices}`);
  }
}

function hops(a: number, b: number): number {
  return (a ^ b).toString(2).replaceAll("0", "").length;
}

Deno.test("hypercubeList() gives all 16 rows of the thesis's figure 1", () => {
  assert.deepEqual(figure1.map((_, node) => hypercubeList(node, 4)), figure1);
});

Deno.test("hypercubeList() makes each node the k-th choice of exactly one other", () => {
  for (let dimension = 1; dimension <= 8; dimension++) {
    const nodes = Array.from({ length: 2 ** dimension }, (_, node) => node);
    assertOneToOne(nodes.map((node) => hypercubeList(node, dimension)));
  }
});

Deno.test("hypercubeList() has every other node once, by hops", () => {
  const cube = fc.integer({ min: 1, max: 10 }).chain((dimension) =>
    fc.tuple(fc.constant(dimension), fc.nat({ max: 2 ** dimension - 1 }))
  );
  fc.assert(
    fc.property(cube, ([dimension, node]) => {
      const list = hypercubeList(node, dimension);
      assert.equal(new Set([...list, node]).size, 2 ** dimension);
      const distances = list.map((other) => hops(node, other));
      assert.deepEqual(distances, distances.toSorted((a, b) => a - b));
    }),
    { numRuns: 30 },
  );
});

Deno.test("hypercubeList() refuses a node that does not exist", () => {
  assert.throws(() => hypercubeList(16, 4));
  assert.throws(() => hypercubeList(0, 0));
  assert.throws(() => hypercubeList(0, 11));
});

Deno.test("graphList() orders layer 2 of the hypercube as the prose of the thesis has it", () => {
  const list = graphList(0, hypercubeEdges(4));
  assert.deepEqual(list.slice(0, 10), [1, 2, 4, 8, 3, 5, 9, 6, 10, 12]);
});

Deno.test("graphList() is one-to-one where all nodes look the same", () => {
  // Circulant graphs: node i is linked to i + s for each step s, in the same order everywhere.
  const circulant = fc.integer({ min: 3, max: 24 }).chain((size) =>
    fc.tuple(
      fc.constant(size),
      fc.uniqueArray(fc.integer({ min: 2, max: size - 1 }), { maxLength: 4 }),
    ).map(([size, steps]) => ({ size, steps: [1, ...steps] }))
  );
  fc.assert(fc.property(circulant, ({ size, steps }) => {
    const nodes = Array.from({ length: size }, (_, node) => node);
    const edges = new Map(nodes.map((node) => [node, steps.map((step) => (node + step) % size)]));
    const lists = nodes.map((node) => graphList(node, edges));
    assert.ok(lists.every((list) => list.length === size - 1));
    assertOneToOne(lists);
  }));
});

Deno.test("graphList() leaves out what cannot be reached", () => {
  const edges = new Map([["a", ["b"]], ["b", ["a"]], ["c", []]]);
  assert.deepEqual(graphList("a", edges), ["b"]);
  assert.deepEqual(graphList("c", edges), []);
});
