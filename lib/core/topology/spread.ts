/**
 * Spreads the preferred lists of any graph.
 *
 * So that few nodes are the k-th choice of several others.
 *
 * @module
 */

import { exchange } from "./exchanges.ts";
import { findImpossible, layersOf, matchLists } from "./matchings.ts";
import { type Edges, graphList } from "./topology.ts";

/** What is wrong with the k-th choices of a set of lists; see {@linkcode findCrowds}. */
export interface Crowd<Node> {
  /** The k, from 1. */
  readonly choice: number;
  /** Nodes that are the k-th choice of several others, with those. */
  readonly crowded: ReadonlyMap<Node, readonly Node[]>;
}

/** Finds the choices for which some node is that of several others; none: the lists are one-to-one. */
export function findCrowds<Node>(lists: Edges<Node>): Crowd<Node>[] {
  const length = Math.max(0, ...[...lists.values()].map((list) => list.length));
  const crowds: Crowd<Node>[] = [];
  for (let index = 0; index < length; index++) {
    const chosenBy = new Map<Node, Node[]>();
    for (const [node, list] of lists) {
      const choice = list[index];
      if (choice === undefined) continue;
      const others = chosenBy.get(choice);
      if (others === undefined) chosenBy.set(choice, [node]);
      else others.push(node);
    }
    const crowded = new Map([...chosenBy].filter(([, others]) => others.length > 1));
    if (crowded.size > 0) crowds.push({ choice: index + 1, crowded });
  }
  return crowds;
}

/** How many choices there are too many: of a node that is the k-th choice of n others n - 1. */
export function excessOf<Node>(lists: Edges<Node>): number {
  let excess = 0;
  for (const { crowded } of findCrowds(lists)) {
    for (const others of crowded.values()) excess += others.length - 1;
  }
  return excess;
}

/** Preferred lists, and what the graph allows. */
export interface SpreadLists<Node> {
  /** All other nodes by node, the most preferred first. */
  readonly lists: ReadonlyMap<Node, readonly Node[]>;
  /**
   * The choices k for which no lists in order of hops are one-to-one on this graph: by Hall's
   * theorem, some nodes together have too few nodes at the distance of their k-th choice.
   */
  readonly impossible: ReadonlySet<number>;
}

/**
 * Makes the preferred lists of a graph: by the procedure of the thesis if that is one-to-one, else,
 * again in order of hops, with as many choices one-to-one as a search finds (`matchings.ts`), the
 * others as even as chains of exchanges make them (`exchanges.ts`).
 *
 * Where all nodes have equally many others at each distance the result is one-to-one for every k: the
 * pairs at one distance are a regular bipartite graph, and what is left of it without a perfect matching
 * is one again, which has another (König, 1916). Elsewhere the search proves nothing.
 *
 * @param edges The neighbours of each node, in edge order; symmetric and connected.
 * @param lengthMax Where to cut each list; long ones of a large graph take their time.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * const edges = new Map([["a", ["b"]], ["b", ["c", "a"]], ["c", ["b"]]]);
 * const { lists } = spreadLists(edges);
 * assert.deepEqual(lists.get("a"), ["b", "c"]);
 * ```
 */
export function spreadLists<Node>(edges: Edges<Node>, lengthMax = Infinity): SpreadLists<Node> {
  const nodes = [...edges.keys()];
  const byProcedure = new Map(
    nodes.map((node) => [node, graphList(node, edges).slice(0, lengthMax)]),
  );
  if (findCrowds(byProcedure).length === 0) return { lists: byProcedure, impossible: new Set() };
  const numbers = new Map(nodes.map((node, number) => [node, number]));
  const length = Math.min(lengthMax, nodes.length - 1);
  const layers = layersOf(
    nodes.map((node) => hopsFrom(node, edges).map((hop) => hop.map((n) => numbers.get(n) ?? 0))),
    length,
  );
  const impossible = findImpossible(layers, length);
  const { lists, open } = matchLists(layers, length, impossible);
  exchange({ lists, layers: layers.at, places: open });
  const named = lists.map((list, node) =>
    [nodes[node] as Node, list.map((other) => nodes[other] as Node)] as const
  );
  return {
    lists: new Map(named),
    impossible: new Set([...impossible].map((place) => place + 1)),
  };
}

/** The other nodes by distance. */
function hopsFrom<Node>(node: Node, edges: Edges<Node>): Node[][] {
  const placed = new Set([node]);
  const layers: Node[][] = [];
  for (let last = [node]; last.length > 0;) {
    const layer: Node[] = [];
    for (const next of last.flatMap((member) => edges.get(member) ?? [])) {
      if (placed.has(next)) continue;
      placed.add(next);
      layer.push(next);
    }
    if (layer.length > 0) layers.push(layer);
    last = layer;
  }
  return layers;
}
