/**
 * Preferred lists from the shape of the network.
 *
 * The hypercube of the thesis, and any other graph.
 *
 * A list is ordered by hops. Within a layer the order differs from node to node so that each node is
 * the k-th choice of exactly one other: two overloaded nodes then seldom pick the same receiver.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";

/** Largest dimension we make: 1024 nodes with 1023 others each; lists that long help nobody. */
export const dimensionMax = 10;

/**
 * Makes the preferred list of one node of a hypercube; edge direction d_i flips bit i.
 *
 * The list of node k is that of node 0 XOR k. Node 0's has the immediate neighbours in ascending
 * order; then, up to half the diameter, each layer's nodes without bit 0 before those with it; and
 * each farther layer as the bitwise complement of its opposite. (This is figure 1 of the thesis. Its
 * prose orders layer 2 differently, see {@linkcode graphList}; both are one-to-one.)
 *
 * @param node From 0 to `2 ** dimension - 1`.
 * @param dimension From 1 to {@linkcode dimensionMax}.
 * @returns All other nodes, the most preferred first.
 * @throws {AssertionError} If there is no such node or dimension.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * assert.deepEqual(hypercubeList(0, 3), [1, 2, 4, 6, 5, 3, 7]);
 * ```
 */
export function hypercubeList(node: number, dimension: number): number[] {
  assert(Number.isInteger(dimension) && dimension >= 1, "a hypercube has a dimension");
  assert(dimension <= dimensionMax, "the dimension is not too large");
  assert(Number.isInteger(node) && node >= 0 && node < 2 ** dimension, "the node exists");
  const layers: number[][] = [[0]];
  for (let hops = 1; hops <= dimension; hops++) layers.push(layer(hops, dimension, layers));
  return layers.slice(1).flat().map((offset) => offset ^ node);
}

/** Offsets with `hops` bits, in order of preference. */
function layer(hops: number, dimension: number, layers: readonly number[][]): number[] {
  const allBits = 2 ** dimension - 1;
  if (2 * hops > dimension) {
    return (layers[dimension - hops] ?? []).map((offset) => offset ^ allBits);
  }
  const offsets = Array.from({ length: 2 ** dimension }, (_, offset) => offset)
    .filter((offset) => bitCount(offset) === hops);
  if (hops === 1) return offsets;
  return [...offsets.filter((offset) => offset % 2 === 0), ...offsets.filter((o) => o % 2 === 1)];
}

function bitCount(value: number): number {
  let count = 0;
  for (let rest = value; rest !== 0; rest >>= 1) count += rest & 1;
  return count;
}

/**
 * Makes the preferred list of one node of any graph, by the procedure of the thesis: the first layer
 * are the neighbours in edge order; each next one walks the last in order and appends every node's
 * neighbours in edge order, without those that are placed already.
 *
 * On a graph that looks the same from every node (a ring, a torus, a hypercube, with edges in the
 * same order everywhere) each node is the k-th choice of exactly one other.
 *
 * @param edges The neighbours of each node, in edge order; none may be missing as a key.
 * @returns All nodes that can be reached, the most preferred first.
 * @throws {AssertionError} If a node that can be reached is no key.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * const edges = new Map([["a", ["b"]], ["b", ["c", "a"]], ["c", ["b"]]]);
 * assert.deepEqual(graphList("a", edges), ["b", "c"]);
 * ```
 */
export function graphList<Node>(
  node: Node,
  edges: ReadonlyMap<Node, readonly Node[]>,
): Node[] {
  const placed = new Set([node]);
  // A set keeps the order of insertion and is walked to its end while it grows: layer after layer.
  for (const next of placed) {
    const neighbours = edges.get(next);
    assert(neighbours !== undefined, `node ${next} has a line of its own`);
    for (const neighbour of neighbours) placed.add(neighbour);
  }
  placed.delete(node);
  return [...placed];
}

/** Most nodes of a network that lists are made for: those of the largest hypercube. */
export const nodesMax = 2 ** dimensionMax;

/** The neighbours of each node, in edge order. */
export type Edges<Node> = ReadonlyMap<Node, readonly Node[]>;

/** Edges of a network whose nodes are numbered, from a rule for one node; itself is no neighbour. */
function edgesBy(count: number, neighboursOf: (node: number) => number[]): Map<number, number[]> {
  assert(Number.isInteger(count) && count >= 1 && count <= nodesMax, "so many nodes can be");
  const nodes = Array.from({ length: count }, (_, node) => node);
  return new Map(nodes.map((node) => {
    const neighbours = new Set(neighboursOf(node));
    neighbours.delete(node); // as in a ring of one
    return [node, [...neighbours]];
  }));
}

/** Edges of a ring: to the next node, then to the one before. */
export function ringEdges(count: number): Map<number, number[]> {
  return edgesBy(count, (node) => [(node + 1) % count, (node + count - 1) % count]);
}

/**
 * Edges of a network where each node reaches each other in one hop. Each begins with the one after
 * it, so that all orders differ.
 */
export function fullEdges(count: number): Map<number, number[]> {
  return edgesBy(
    count,
    (node) => Array.from({ length: count - 1 }, (_, step) => (node + step + 1) % count),
  );
}

/** Edges of a grid with borders, numbered row by row: right, left, down, up. */
export function meshEdges(rows: number, columns: number): Map<number, number[]> {
  return edgesBy(rows * columns, (node) => {
    const [row, column] = [Math.floor(node / columns), node % columns];
    return [[0, 1], [0, -1], [1, 0], [-1, 0]]
      .map(([down = 0, right = 0]) => [row + down, column + right] as const)
      .filter(([r, c]) => r >= 0 && r < rows && c >= 0 && c < columns)
      .map(([r, c]) => r * columns + c);
  });
}

/** Edges of a grid whose borders meet, numbered row by row: right, left, down, up. */
export function torusEdges(rows: number, columns: number): Map<number, number[]> {
  return edgesBy(rows * columns, (node) => {
    const [row, column] = [Math.floor(node / columns), node % columns];
    const at = (r: number, c: number) => ((r + rows) % rows) * columns + (c + columns) % columns;
    return [at(row, column + 1), at(row, column - 1), at(row + 1, column), at(row - 1, column)];
  });
}
