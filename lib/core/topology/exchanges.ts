/**
 * Evens out choices by exchanging them within layers.
 *
 * Those that are not one-to-one.
 *
 * Lists are an edge colouring: node u's k-th choice v is an edge from u to v of colour k, every u has each
 * colour once, and no v should have one twice. Take two colours a and b, and the nodes whose a-th and b-th
 * choice are in one layer: such a node may exchange the two. As in Kempe's chains, and in the proof that
 * a bipartite graph of degree d needs d colours only (König, 1916), one exchange is followed by another
 * where it makes a choice too many, until the chain ends where one was missing. A chain that makes the
 * counts more even is taken; when no pair of colours has one the lists are done.
 *
 * @module
 */

/** Lists to improve, by node number. */
export interface Layered {
  /** The choices of each node, changed in place. */
  readonly lists: number[][];
  /** The number of the layer that each choice of a list is in, by its place. */
  readonly layers: readonly ArrayLike<number>[];
  /** The places that may change; the others are one-to-one already. */
  readonly places: readonly number[];
}

/** Steps of the search for one set of lists, so that it ends soon on a large network. */
const STEPS_MAX = 4e8;

/** Exchanges choices until no chain of two places makes the lists better. */
export function exchange({ lists, layers, places }: Layered): void {
  const nodes = lists.length;
  const length = Math.max(0, ...lists.map((list) => list.length));
  // How often each node is the k-th choice, by k and node.
  const counts = Array.from({ length }, () => new Int32Array(nodes));
  for (const list of lists) {
    for (const [place, choice] of list.entries()) add(counts, place, choice, 1);
  }
  let steps = 0;
  for (let isBetter = true; isBetter;) {
    isBetter = false;
    for (const a of places) {
      for (const b of places) {
        if (a === b) continue;
        steps += nodes;
        if (steps > STEPS_MAX) return;
        while (flipChain(lists, layers, counts, a, b)) isBetter = true;
      }
    }
  }
}

function add(counts: readonly Int32Array[], place: number, node: number, by: number): void {
  const row = counts[place] as Int32Array;
  row[node] = (row[node] as number) + by;
}

/** Finds one chain from a node with too many a to one with too many b, and flips it. */
function flipChain(
  lists: readonly number[][],
  layers: Layered["layers"],
  counts: readonly Int32Array[],
  a: number,
  b: number,
): boolean {
  const inA = counts[a] as Int32Array, inB = counts[b] as Int32Array;
  const starts: number[] = [];
  for (let v = 0; v < inA.length; v++) {
    if ((inA[v] as number) > 1 && (inA[v] as number) > (inB[v] as number)) starts.push(v);
  }
  if (starts.length === 0) return false;
  // Nodes that may exchange, by their a-th choice.
  const byChoice = new Map<number, number[]>();
  for (const [u, list] of lists.entries()) {
    const layer = layers[u] as ArrayLike<number>;
    if (a >= list.length || b >= list.length || layer[a] !== layer[b]) continue;
    const choice = list[a] as number;
    const others = byChoice.get(choice);
    if (others === undefined) byChoice.set(choice, [u]);
    else others.push(u);
  }
  const surplus = (v: number) => (inA[v] as number) - (inB[v] as number);
  for (const start of starts) {
    const via = new Map<number, number>([[start, -1]]); // node → the one whose exchange leads to it
    for (const v of via.keys()) {
      for (const u of byChoice.get(v) ?? []) {
        const w = (lists[u] as number[])[b] as number;
        if (via.has(w)) continue;
        via.set(w, u);
        // The sum of the squares of the counts changes by 2 (2 - surplus(start) + surplus(w)).
        if (surplus(start) - surplus(w) <= 2) continue;
        flip(lists, counts, via, w, a, b);
        return true;
      }
    }
  }
  return false;
}

function flip(
  lists: readonly number[][],
  counts: readonly Int32Array[],
  via: ReadonlyMap<number, number>,
  end: number,
  a: number,
  b: number,
): void {
  for (let v = end;;) {
    const u = via.get(v) as number;
    if (u < 0) return;
    const list = lists[u] as number[];
    const before = list[a] as number;
    add(counts, a, before, -1);
    add(counts, b, before, 1);
    add(counts, b, v, -1);
    add(counts, a, v, 1);
    [list[a], list[b]] = [v, before];
    v = before;
  }
}
