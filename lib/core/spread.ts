/**
 * Preferred lists of any graph, spread so that few nodes are the k-th choice of several others.
 *
 * @module
 */

import { assert } from "../base/assert.ts";
import { graphList, type Links } from "./topology.ts";

/** What is wrong with the k-th choices of a set of lists; see {@linkcode findCrowds}. */
export interface Crowd<Node> {
  /** The k, from 1. */
  readonly choice: number;
  /** Nodes that are the k-th choice of several others, with those. */
  readonly crowded: ReadonlyMap<Node, readonly Node[]>;
}

/** Finds the choices for which some node is that of several others; none: the lists are one-to-one. */
export function findCrowds<Node>(lists: Links<Node>): Crowd<Node>[] {
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

/** Preferred lists, and what the graph allows. */
export interface SpreadLists<Node> {
  readonly lists: ReadonlyMap<Node, readonly Node[]>;
  /**
   * The choices k for which no lists in order of hops are one-to-one on this graph: by Hall's
   * theorem, some nodes together have too few nodes at the distance of their k-th choice.
   */
  readonly impossible: ReadonlySet<number>;
}

/**
 * Makes the preferred lists of a graph: by the procedure of the thesis if that is one-to-one, else,
 * again in order of hops, by one maximum matching for each k.
 *
 * Where all nodes have equally many others at each distance the result is one-to-one for every k:
 * the pairs at one distance are a regular bipartite graph, which falls into perfect matchings
 * (König, 1916). Elsewhere a choice that could be one-to-one may be missed.
 *
 * @param links The neighbours of each node, in link order; symmetric and connected.
 * @param lengthMax Where to cut each list; long ones of a large graph take their time.
 */
export function spreadLists<Node>(links: Links<Node>, lengthMax = Infinity): SpreadLists<Node> {
  const nodes = [...links.keys()];
  const byProcedure = new Map(
    nodes.map((node) => [node, graphList(node, links).slice(0, lengthMax)]),
  );
  const crowds = findCrowds(byProcedure);
  if (crowds.length === 0) return { lists: byProcedure, impossible: new Set() };
  const layers = new Map(nodes.map((node) => [node, layersOf(node, links)]));
  const impossible = new Set(
    crowds.map(({ choice }) => choice).filter((choice) => {
      const at = (node: Node) => layerOf(layers.get(node), choice);
      return match(nodes, at).size < nodes.filter((node) => at(node).length > 0).length;
    }),
  );
  const lists = matchedLists(nodes, layers, lengthMax);
  return findCrowds(lists).length < crowds.length
    ? { lists, impossible }
    : { lists: byProcedure, impossible };
}

/** The other nodes by distance, each layer in the order of the thesis's procedure. */
function layersOf<Node>(node: Node, links: Links<Node>): Node[][] {
  const placed = new Set([node]);
  const layers: Node[][] = [];
  for (let last = [node]; last.length > 0;) {
    const layer: Node[] = [];
    for (const next of last.flatMap((member) => links.get(member) ?? [])) {
      if (placed.has(next)) continue;
      placed.add(next);
      layer.push(next);
    }
    if (layer.length > 0) layers.push(layer);
    last = layer;
  }
  return layers;
}

/** The layer that a node's k-th choice is in; empty: its list is shorter. */
function layerOf<Node>(layers: readonly Node[][] | undefined, choice: number): readonly Node[] {
  let seen = 0;
  for (const layer of layers ?? []) {
    seen += layer.length;
    if (choice <= seen) return layer;
  }
  return [];
}

function matchedLists<Node>(
  nodes: readonly Node[],
  layers: ReadonlyMap<Node, readonly Node[][]>,
  lengthMax: number,
): Map<Node, Node[]> {
  const lists = new Map<Node, Node[]>(nodes.map((node) => [node, []]));
  const open = new Map(nodes.map((node) => [node, (layers.get(node) ?? []).map((l) => [...l])]));
  for (let length = 0; length < lengthMax; length++) {
    if ([...open.values()].every((rest) => rest.length === 0)) break;
    const at = (node: Node) => open.get(node)?.[0] ?? [];
    const matched = match(nodes, at);
    const load = new Map<Node, number>([...matched.values()].map((choice) => [choice, 1]));
    for (const node of nodes) {
      const rest = at(node);
      if (rest.length === 0) continue;
      // A node without a match of its own joins where the fewest are.
      const choice = matched.get(node) ??
        rest.reduce((a, b) => (load.get(b) ?? 0) < (load.get(a) ?? 0) ? b : a);
      if (!matched.has(node)) load.set(choice, (load.get(choice) ?? 0) + 1);
      lists.get(node)?.push(choice);
      rest.splice(rest.indexOf(choice), 1);
      if (rest.length === 0) open.get(node)?.shift();
    }
  }
  return lists;
}

/**
 * Finds a maximum matching of nodes with choices, by augmenting paths (Kuhn, 1955). What a search
 * without success has visited leads nowhere until another one succeeds.
 */
function match<Node>(
  nodes: readonly Node[],
  choicesOf: (node: Node) => readonly Node[],
): Map<Node, Node> {
  const takenBy = new Map<Node, Node>();
  const visited = new Set<Node>();
  const waiting: Node[] = [];
  for (const node of nodes) {
    const free = choicesOf(node).find((choice) => !takenBy.has(choice));
    if (free === undefined) waiting.push(node);
    else takenBy.set(free, node);
  }
  for (const node of waiting) {
    if (augment(node, choicesOf, takenBy, visited)) visited.clear();
  }
  return new Map([...takenBy].map(([choice, node]) => [node, choice]));
}

/** Searches breadth first: paths may be as long as there are nodes, too long for recursion. */
function augment<Node>(
  start: Node,
  choicesOf: (node: Node) => readonly Node[],
  takenBy: Map<Node, Node>,
  visited: Set<Node>,
): boolean {
  const cameFrom = new Map<Node, Node>(); // choice → the node that would take it
  const queue = [start];
  for (const node of queue) {
    for (const choice of choicesOf(node)) {
      if (visited.has(choice)) continue;
      visited.add(choice);
      cameFrom.set(choice, node);
      const holder = takenBy.get(choice);
      if (holder !== undefined) {
        queue.push(holder);
        continue;
      }
      flip(choice, start, cameFrom, takenBy);
      return true;
    }
  }
  return false;
}

/** Gives each node on the path the choice that the next one has held. */
function flip<Node>(
  end: Node,
  start: Node,
  cameFrom: ReadonlyMap<Node, Node>,
  takenBy: Map<Node, Node>,
): void {
  const held = new Map([...takenBy].map(([choice, node]) => [node, choice]));
  for (let choice: Node = end;;) {
    const node = cameFrom.get(choice);
    assert(node !== undefined, "the path leads back to its start");
    takenBy.set(choice, node);
    if (node === start) return;
    const next = held.get(node);
    assert(next !== undefined, "a node on the path held a choice");
    choice = next;
  }
}
