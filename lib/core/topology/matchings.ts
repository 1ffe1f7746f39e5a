/**
 * Preferred lists of a graph whose nodes differ.
 *
 * With as many choices one-to-one as are found.
 *
 * A choice k is one-to-one if the nodes and their k-th choices are a perfect matching. One after the
 * other gets a matching of what the ones before have left; which of the many matchings each takes
 * decides how many later ones there can be, so all is drawn by chance and tried again, and the best
 * attempt counts. That is a search without proof: on meshes up to 4x5 it finds as many as there can be
 * (by an integer program), and for some choices Hall's theorem proves that there is no matching.
 *
 * @module
 */

import { Prng } from "../../base/prng.ts";

/** Nodes by number; what each may choose as its k-th choice: the layer that k is in. */
export interface Layers {
  /** By node, then hops less one: the nodes at that distance. */
  readonly of: readonly (readonly (readonly number[])[])[];
  /** By node, then place in its list: the index of its layer. */
  readonly at: readonly Uint16Array[];
}

/** Edges looked at by all attempts together, so that even the largest network takes seconds. */
const STEPS_MAX = 5e6;
const ATTEMPTS_MAX = 500;

/** A set of lists, and the places that are not one-to-one in them. */
interface Attempt {
  readonly lists: number[][];
  readonly open: readonly number[];
}

/** Numbers places by layer, and leaves out layers beyond the end of the lists. */
export function layersOf(
  layers: readonly (readonly (readonly number[])[])[],
  length: number,
): Layers {
  const at = layers.map((given) =>
    Uint16Array.from(given.flatMap((layer, index) => layer.map(() => index)).slice(0, length))
  );
  return { of: layers.map((given, node) => given.slice(0, (at[node]?.at(-1) ?? -1) + 1)), at };
}

/** The places for which there is no perfect matching whatever the others are (Hall's theorem). */
export function findImpossible(layers: Layers, length: number): Set<number> {
  const impossible = new Set<number>();
  const search = new Search(layers, new Prng(1));
  for (let place = 0; place < length; place++) {
    if (!search.match(place)) impossible.add(place);
  }
  return impossible;
}

/** Makes lists of which as many places are one-to-one as a bounded search finds. */
export function matchLists(
  layers: Layers,
  length: number,
  impossible: ReadonlySet<number>,
): Attempt {
  const prng = new Prng(1);
  let steps = 0;
  let best: { search: Search; open: number[] } | null = null;
  for (let attempt = 0; attempt < ATTEMPTS_MAX && steps < STEPS_MAX; attempt++) {
    const search = new Search(layers, prng);
    const open: number[] = [];
    for (let place = 0; place < length; place++) {
      if (impossible.has(place) || !search.match(place)) open.push(place);
      else search.take(place);
    }
    steps += search.steps;
    if (best === null || open.length < best.open.length) best = { search, open };
    if (open.length === impossible.size) break;
  }
  if (best === null) return { lists: [], open: [] };
  for (const place of best.open) best.search.fill(place);
  return { lists: best.search.lists, open: best.open };
}

/** One attempt: what is left of each node's layers, and the matching that was found last. */
class Search {
  readonly lists: number[][];
  steps = 0;
  readonly #prng: Prng;
  readonly #at: Layers["at"];
  readonly #left: number[][][];
  /** By node: which one has chosen it; -1: none. */
  readonly #chosenBy: Int32Array;
  readonly #seen: Int32Array;
  #round = 0;

  constructor({ of, at }: Layers, prng: Prng) {
    this.#prng = prng;
    this.#at = at;
    this.#left = of.map((layers) => layers.map((layer) => [...layer]));
    this.lists = at.map((places) => new Array<number>(places.length));
    for (const layers of of) for (const layer of layers) this.steps += layer.length;
    this.#chosenBy = new Int32Array(of.length);
    this.#seen = new Int32Array(of.length).fill(-1);
  }

  /** Finds a matching of all nodes that have this place, by augmenting paths (Kuhn, 1955). */
  match(place: number): boolean {
    this.#chosenBy.fill(-1);
    const nodes = this.#shuffle(this.lists.map((_, node) => node));
    for (const node of nodes) {
      if (this.#layer(node, place) === undefined) continue;
      this.#round++;
      if (!this.#augment(node, place)) return false;
    }
    return true;
  }

  /** Puts the matching that was found into the lists. */
  take(place: number): void {
    for (const [choice, node] of this.#chosenBy.entries()) {
      if (node >= 0) this.#choose(node, place, choice);
    }
  }

  /** Gives a place the largest matching, and the others what the fewest have. */
  fill(place: number): void {
    this.#chosenBy.fill(-1);
    const nodes = this.lists.map((_, node) => node).filter((node) =>
      this.#layer(node, place) !== undefined
    );
    for (const node of nodes) {
      this.#round++;
      this.#augment(node, place);
    }
    const counts = new Int32Array(this.lists.length);
    const matched = new Set<number>();
    for (const [choice, node] of this.#chosenBy.entries()) {
      if (node < 0) continue;
      counts[choice] = 1;
      matched.add(node);
    }
    this.take(place);
    for (const node of nodes) {
      if (matched.has(node)) continue;
      const choice = (this.#layer(node, place) as number[])
        .reduce((a, b) => (counts[b] as number) < (counts[a] as number) ? b : a);
      counts[choice] = (counts[choice] as number) + 1;
      this.#choose(node, place, choice);
    }
  }

  /** What is left of the layer that a node's place is in. */
  #layer(node: number, place: number): number[] | undefined {
    const index = this.#at[node]?.[place];
    return index === undefined ? undefined : this.#left[node]?.[index];
  }

  #augment(node: number, place: number): boolean {
    const layer = this.#layer(node, place) as number[];
    this.steps += layer.length;
    // From somewhere in it on, round to where it began: as good as a shuffled copy.
    const from = this.#prng.nextInt(layer.length);
    for (let step = 0; step < layer.length; step++) {
      const choice = layer[(from + step) % layer.length] as number;
      if (this.#seen[choice] === this.#round) continue;
      this.#seen[choice] = this.#round;
      const holder = this.#chosenBy[choice] as number;
      if (holder >= 0 && !this.#augment(holder, place)) continue;
      this.#chosenBy[choice] = node;
      return true;
    }
    return false;
  }

  #choose(node: number, place: number, choice: number): void {
    (this.lists[node] as number[])[place] = choice;
    const layer = this.#layer(node, place) as number[];
    layer.splice(layer.indexOf(choice), 1);
  }

  #shuffle(nodes: number[]): number[] {
    for (let last = nodes.length - 1; last > 0; last--) {
      const other = this.#prng.nextInt(last + 1);
      [nodes[last], nodes[other]] = [nodes[other] as number, nodes[last] as number];
    }
    return nodes;
  }
}
