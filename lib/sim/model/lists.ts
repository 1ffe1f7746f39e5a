/**
 * Preferred lists for thousands of nodes.
 *
 * The order of `lib/core/topology/topology.ts`, cut to a few nodes.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { UsageError } from "../../base/errors.ts";
import type { Prng } from "../../base/prng.ts";
import { dimensionMax, graphList, hypercubeList } from "../../core/topology/topology.ts";

/** Shapes of a network that the simulator makes. */
export const shapes = ["hypercube", "ring", "torus", "mesh", "chord", "full"] as const;
/** One of {@linkcode shapes}. */
export type Shape = (typeof shapes)[number];

/** Preferred lists by node. */
export type Lists = readonly (readonly number[])[];

/** Rows and columns of a grid, as near to a square as the number of nodes allows. */
function gridSides(nodes: number): [rows: number, columns: number] {
  let rows = Math.floor(Math.sqrt(nodes));
  while (nodes % rows !== 0) rows--;
  return [rows, nodes / rows];
}

/** Neighbours of a node in a grid, right, left, down, up; a torus has no edge. */
function gridEdges(node: number, nodes: number, wraps: boolean): number[] {
  const [rows, columns] = gridSides(nodes);
  const row = Math.floor(node / columns), column = node % columns;
  const steps = [[0, 1], [0, -1], [1, 0], [-1, 0]] as const;
  return steps.flatMap(([down, right]) => {
    const r = row + down, c = column + right;
    if (wraps) return [(r + rows) % rows * columns + (c + columns) % columns];
    return r < 0 || r >= rows || c < 0 || c >= columns ? [] : [r * columns + c];
  });
}

/** Distances of a circle's edges, both ways in turn: every one (full), or powers of two (chord). */
function circleEdges(node: number, nodes: number, shape: Shape, most: number): number[] {
  const edges: number[] = [];
  const last = shape === "ring" ? 1 : shape === "full" ? Math.min(nodes >> 1, most) : nodes >> 1;
  for (let step = 1; step <= last; step = shape === "chord" ? 2 * step : step + 1) {
    edges.push((node + step) % nodes, (node - step + nodes) % nodes);
  }
  return edges;
}

function edgesOf(shape: Shape, node: number, nodes: number, most: number): number[] {
  if (shape === "torus" || shape === "mesh") return gridEdges(node, nodes, shape === "torus");
  if (shape !== "hypercube") return circleEdges(node, nodes, shape, most);
  const edges = [];
  for (let bit = 1; bit < nodes; bit *= 2) edges.push(node ^ bit);
  return edges;
}

/** The first nodes of `graphList()` without walking the rest of the graph. */
function nearest(node: number, most: number, edges: (node: number) => number[]): number[] {
  const placed = new Set([node]);
  for (const next of placed) {
    for (const neighbour of edges(next)) {
      placed.add(neighbour);
      if (placed.size > most) break;
    }
    if (placed.size > most) break;
  }
  placed.delete(node);
  return [...placed];
}

/**
 * Keeps of each list the nodes that have this one in theirs: who is not told a node's letter must
 * not rely on it.
 */
function mutual(lists: Lists): number[][] {
  const sets = lists.map((list) => new Set(list));
  return lists.map((list, node) => list.filter((other) => sets[other]?.has(node)));
}

/**
 * Makes the preferred lists of a network.
 *
 * @param most Length of a list at most; it is less where a list's end is not mutual.
 * @throws {UsageError} If the shape cannot have so many nodes.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * assert.deepEqual(makeLists("ring", 4, 2), [[1, 3], [2, 0], [3, 1], [0, 2]]);
 * ```
 */
export function makeLists(shape: Shape, nodes: number, most: number): number[][] {
  assert(nodes >= 1 && most >= 1, "there are nodes and a length");
  if (shape === "hypercube" && (nodes & (nodes - 1)) !== 0) {
    throw new UsageError(`Cannot make a hypercube of ${nodes} nodes as it has a power of two`, {
      fix: "Give such a number of --nodes, or --topology chord",
    });
  }
  const dimension = Math.log2(nodes);
  if (shape === "hypercube" && dimension >= 1 && dimension <= dimensionMax) {
    const list = (_: unknown, node: number) => hypercubeList(node, dimension).slice(0, most);
    return Array.from({ length: nodes }, list);
  }
  const edges = (node: number) => edgesOf(shape, node, nodes, most);
  return mutual(Array.from({ length: nodes }, (_, node) => nearest(node, most, edges)));
}

/**
 * Makes the preferred lists of any graph, its nodes numbered in the order of its lines.
 *
 * @throws {UsageError} If an edge has no opposite, or some node cannot be reached.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * const edges = new Map([["a", ["b"]], ["b", ["c", "a"]], ["c", ["b"]]]);
 * assert.deepEqual(listsOfGraph(edges, 2), [[1, 2], [2, 0], [1, 0]]);
 * ```
 */
export function listsOfGraph(
  edges: ReadonlyMap<string, readonly string[]>,
  most: number,
): number[][] {
  const names = [...edges.keys()];
  const numbers = new Map(names.map((name, index) => [name, index]));
  for (const [node, others] of edges) {
    const oneWay = others.find((other) => !edges.get(other)?.includes(node));
    if (oneWay === undefined) continue;
    throw new UsageError(
      `Cannot use the graph as links go both ways: "${node}" has "${oneWay}", not the other way`,
      { fix: `Add ${node} to the line of ${oneWay}` },
    );
  }
  const [first] = names;
  const reached = first === undefined ? [] : graphList(first, edges);
  const lost = names.find((name) => name !== first && !reached.includes(name));
  if (lost !== undefined) {
    throw new UsageError(
      `Cannot use the graph as it is not connected: "${lost}" cannot be reached from "${first}"`,
      { fix: "Add the links that are missing" },
    );
  }
  const edgesOfNode = (node: number) =>
    (edges.get(names[node] ?? "") ?? []).map((name) => numbers.get(name) ?? 0);
  return mutual(names.map((_, node) => nearest(node, most, edgesOfNode)));
}

/**
 * Puts each list in an order of its own, to compare the preferred order with chance.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * import { Prng } from "lb/sim";
 * assert.deepEqual(shuffled([[1], [0]], new Prng(7)), [[1], [0]]);
 * ```
 */
export function shuffled(lists: Lists, prng: Prng): number[][] {
  return lists.map((list) => {
    const copy = [...list];
    for (let last = copy.length - 1; last > 0; last--) {
      const other = prng.nextInt(last + 1);
      [copy[last], copy[other]] = [copy[other] as number, copy[last] as number];
    }
    return copy;
  });
}
