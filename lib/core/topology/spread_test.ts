/** Tests of preferred lists of any graph. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { excessOf, findCrowds, spreadLists } from "./spread.ts";
import {
  type Edges,
  fullEdges,
  graphList,
  hypercubeList,
  meshEdges,
  ringEdges,
  torusEdges,
} from "./topology.ts";

/** Hops from one node to all others. */
function distances<Node>(from: Node, edges: Edges<Node>): Map<Node, number> {
  const found = new Map([[from, 0]]);
  for (const [node, hops] of found) {
    for (const next of edges.get(node) ?? []) if (!found.has(next)) found.set(next, hops + 1);
  }
  return found;
}

/** Each list has every other node once, by hops. */
function assertComplete<Node>(lists: Edges<Node>, edges: Edges<Node>): void {
  for (const [node, list] of lists) {
    assert.equal(new Set([...list, node]).size, edges.size);
    assert.equal(list.length, edges.size - 1);
    const hops = distances(node, edges);
    const ordered = list.map((other) => hops.get(other) ?? Infinity);
    assert.deepEqual(ordered, ordered.toSorted((a, b) => a - b));
  }
}

const size = fc.integer({ min: 1, max: 7 });
const symmetric = fc.oneof(
  fc.integer({ min: 2, max: 24 }).map(ringEdges),
  fc.integer({ min: 2, max: 24 }).map(fullEdges),
  fc.tuple(size, size).map(([rows, columns]) => torusEdges(rows, columns)),
);

Deno.test("spreadLists() of a ring, a torus and a full network are one-to-one", () => {
  fc.assert(fc.property(symmetric, (edges) => {
    const { lists } = spreadLists(edges);
    assert.deepEqual(findCrowds(lists), []);
    assertComplete(lists, edges);
  }));
});

/** The edges of each node shuffled: the same graph, whose procedure of the thesis is in no order. */
function shuffled(edges: Edges<number>, seed: number): Map<number, number[]> {
  let state = seed;
  const next = () => state = (state * 1103515245 + 12345) % 2 ** 31;
  return new Map([...edges].map(([node, others]) => {
    const keyed = others.map((other) => [next(), other] as const).sort((a, b) => a[0] - b[0]);
    return [node, keyed.map(([, other]) => other)];
  }));
}

Deno.test("spreadLists() stay one-to-one if links are in another order at each node", () => {
  fc.assert(fc.property(symmetric, fc.nat(), (edges, seed) => {
    const mixed = shuffled(edges, seed);
    const { lists } = spreadLists(mixed);
    assert.deepEqual(findCrowds(lists), []);
    assertComplete(lists, mixed);
  }));
});

Deno.test("spreadLists() take the thesis's procedure where that is one-to-one", () => {
  const edges = torusEdges(4, 4);
  const { lists } = spreadLists(edges);
  for (const node of edges.keys()) assert.deepEqual(lists.get(node), graphList(node, edges));
});

/** Whether the nodes and their k-th choices are a perfect matching, for each k. */
function matchings<Node>(lists: Edges<Node>): boolean[] {
  const length = Math.max(0, ...[...lists.values()].map((list) => list.length));
  return Array.from(
    { length },
    (_, index) => new Set([...lists.values()].map((list) => list[index])).size === lists.size,
  );
}

Deno.test("spreadLists() decompose regular networks into perfect matchings, on many sizes", () => {
  for (let count = 2; count <= 40; count++) {
    for (const edges of [ringEdges(count), fullEdges(count)]) {
      const mixed = shuffled(edges, count);
      assert.ok(matchings(spreadLists(mixed).lists).every(Boolean), `${count} nodes`);
    }
  }
  for (let rows = 2; rows <= 9; rows++) {
    for (let columns = rows; columns <= 9; columns++) {
      const mixed = shuffled(torusEdges(rows, columns), rows);
      assert.ok(matchings(spreadLists(mixed).lists).every(Boolean), `torus ${rows}x${columns}`);
    }
  }
});

/** Choices of meshes that are not one-to-one in the best lists, by an integer program; the excess, too. */
const best: readonly [rows: number, columns: number, crowds: number, excess: number][] = [
  [1, 3, 2, 2],
  [1, 4, 2, 4],
  [1, 5, 4, 8],
  [1, 6, 4, 10],
  [2, 2, 0, 0],
  [2, 3, 2, 4],
  [2, 4, 2, 8],
  [3, 3, 7, 16],
  [3, 4, 4, 20],
  [4, 4, 6, 36],
  [4, 5, 9, 62],
];
for (const [rows, columns, crowds, excess] of best) {
  Deno.test(`spreadLists() of a ${rows}x${columns} mesh has as few crowded choices as can be`, () => {
    const edges = meshEdges(rows, columns);
    const { lists, impossible } = spreadLists(edges);
    assertComplete(lists, edges);
    assert.equal(findCrowds(lists).length, crowds);
    assert.ok(impossible.size <= crowds);
    assert.ok(excessOf(lists) <= 1.25 * excess, `${excessOf(lists)} of ${excess}`);
  });
}

Deno.test("spreadLists() of a mesh are in order of hops and no worse than the procedure", () => {
  fc.assert(
    fc.property(size, size, (rows, columns) => {
      const edges = meshEdges(rows, columns);
      const procedure = new Map([...edges.keys()].map((node) => [node, graphList(node, edges)]));
      const { lists, impossible } = spreadLists(edges);
      assertComplete(lists, edges);
      const crowds = findCrowds(lists);
      assert.ok(crowds.length <= findCrowds(procedure).length);
      assert.ok(excessOf(lists) <= excessOf(procedure));
      // What cannot be is not.
      const choices = new Set(crowds.map(({ choice }) => choice));
      for (const choice of impossible) assert.ok(choices.has(choice), `choice ${choice}`);
    }),
    { numRuns: 30 },
  );
});

/** A connected graph of a few nodes: a tree and some edges more. */
const graph = fc.tuple(
  fc.array(fc.nat(), { minLength: 1, maxLength: 11 }),
  fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 12 }),
)
  .map(([parents, more]) => {
    const edges = new Map<number, number[]>([[0, []]]);
    const edge = (a: number, b: number) => {
      if (a === b || edges.get(a)?.includes(b)) return;
      edges.get(a)?.push(b);
      edges.get(b)?.push(a);
    };
    for (const [index, parent] of parents.entries()) {
      edges.set(index + 1, []);
      edge(index + 1, parent % (index + 1));
    }
    for (const [a, b] of more) edge(a % edges.size, b % edges.size);
    return edges;
  });

Deno.test("spreadLists() of any graph are complete, by hops, and the same each time", () => {
  fc.assert(
    fc.property(graph, (edges) => {
      const { lists, impossible } = spreadLists(edges);
      assertComplete(lists, edges);
      const choices = new Set(findCrowds(lists).map(({ choice }) => choice));
      for (const choice of impossible) assert.ok(choices.has(choice), `choice ${choice}`);
      assert.deepEqual(spreadLists(edges).lists, lists);
    }),
    { numRuns: 40 },
  );
});

Deno.test("spreadLists() tell that a line of three allows no one-to-one first choice", () => {
  const { impossible } = spreadLists(meshEdges(1, 3));
  assert.ok(impossible.has(1));
});

Deno.test("spreadLists() pairs the nodes of a line of four", () => {
  const { lists } = spreadLists(meshEdges(1, 4));
  assert.deepEqual([...lists.values()].map(([first]) => first), [1, 0, 3, 2]);
});

Deno.test("findCrowds() names a node that two have as their k-th choice", () => {
  const lists = new Map([["a", ["b", "c"]], ["b", ["a"]], ["c", ["b", "a"]]]);
  assert.deepEqual(findCrowds(lists), [
    { choice: 1, crowded: new Map([["b", ["a", "c"]]]) },
  ]);
  const cube = new Map(Array.from({ length: 8 }, (_, node) => [node, hypercubeList(node, 3)]));
  assert.deepEqual(findCrowds(cube), []);
});

Deno.test("spreadLists() cuts lists where it is told", () => {
  const { lists } = spreadLists(meshEdges(32, 32), 3);
  assert.equal(lists.size, 1024);
  assert.ok([...lists.values()].every((list) => list.length === 3));
});
