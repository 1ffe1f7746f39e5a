/**
 * The preferred list and what is known of its nodes.
 *
 * The associated nodes in their fixed order (Shin and Chang, IEEE Transactions on Computers 38(8), 1989).
 *
 * @module
 */

import type { Receiver } from "./location.ts";
import type { Capacity } from "../contract/capacity.ts";
import type { Announcement, KnownLetter, NodeName } from "../contract/names.ts";

interface Entry {
  known: KnownLetter;
  /** The last announcement; null if there is none, or none since the node was lost. */
  last: Announcement | null;
  /** It is suspected, or has failed: not to be chosen, whatever its letter. */
  isDoubted: boolean;
}

/** What became of an announcement in {@linkcode PreferredList.note}. */
export type Noted = "news" | "known" | "late" | "stranger";

/**
 * The order does not depend on letters: a node that is not U is skipped and regains its place when it is U
 * again, so that each node stays the k-th choice of one other node only (`topology.ts`).
 */
export class PreferredList {
  #entries: ReadonlyMap<NodeName, Entry> = new Map();

  constructor(nodes: readonly NodeName[]) {
    this.replace(nodes);
  }

  /** Has these nodes from now on; what is known of those that stay stands. */
  replace(nodes: readonly NodeName[]): void {
    const unknown = (): Entry => ({ known: " ", last: null, isDoubted: false });
    this.#entries = new Map(nodes.map((node) => [node, this.#entries.get(node) ?? unknown()]));
  }

  /** Notes whether a node may be chosen. */
  doubt(node: NodeName, isDoubted: boolean): void {
    const entry = this.#entries.get(node);
    if (entry !== undefined) entry.isDoubted = isDoubted;
  }

  /** Notes a letter unless a later one was seen; nodes that are not associated are strangers. */
  note(node: NodeName, announcement: Announcement): Noted {
    const entry = this.#entries.get(node);
    if (entry === undefined) return "stranger";
    if (entry.last !== null && isBefore(announcement, entry.last)) return "late";
    const noted = entry.known === announcement.letter ? "known" : "news";
    entry.known = announcement.letter;
    entry.last = withLoad(announcement, entry.last);
    return noted;
  }

  /**
   * Notes that a node could not be reached: it is left out until it answers again. Nothing that it
   * sent before can come any more, so its next announcement counts whatever its stamp: the clock
   * that its epochs come from may have been set back.
   */
  lose(node: NodeName): void {
    const entry = this.#entries.get(node);
    if (entry === undefined) return;
    entry.known = " ";
    entry.last = null;
  }

  /** Finds the most preferred node that is U and acceptable, or null. */
  first(isAcceptable: (node: NodeName) => boolean = () => true): NodeName | null {
    for (const [node, { known, isDoubted }] of this.#entries) {
      if (known === "U" && !isDoubted && isAcceptable(node)) return node;
    }
    return null;
  }

  /** Lists the nodes that are U and acceptable, with the load that they told last. */
  receivers(isAcceptable: (node: NodeName) => boolean): Receiver[] {
    return [...this.#entries].flatMap(([node, { known, last, isDoubted }]) =>
      known === "U" && !isDoubted && isAcceptable(node)
        ? [{ node, load: last?.load ?? null, capacity: last?.capacity }]
        : []
    );
  }

  /** Lists the nodes that are F and acceptable. */
  full(isAcceptable: (node: NodeName) => boolean): NodeName[] {
    return [...this.#entries].flatMap(([node, { known, isDoubted }]) =>
      known === "F" && !isDoubted && isAcceptable(node) ? [node] : []
    );
  }

  /** The loads that were told last, of nodes that can be reached. */
  loads(): number[] {
    return [...this.#entries.values()].flatMap(({ known, last }) =>
      known === " " || last?.load === undefined ? [] : [last.load]
    );
  }

  /** The load that a node told last; null: it told none, or was lost since. */
  loadOf(node: NodeName): number | null {
    return this.#entries.get(node)?.last?.load ?? null;
  }

  /** What a node can do, if it told. */
  capacityOf(node: NodeName): Capacity | undefined {
    return this.#entries.get(node)?.last?.capacity;
  }

  /** Lists all nodes with what is known of them, in order of preference. */
  view(): { node: NodeName; state: KnownLetter }[] {
    return [...this.#entries].map(([node, { known }]) => ({ node, state: known }));
  }
}

/** The answer to an offer has no load: that of the same announcement stands. */
function withLoad(announcement: Announcement, last: Announcement | null): Announcement {
  const isSame = last?.epoch === announcement.epoch && last.seq === announcement.seq;
  if (announcement.load !== undefined || !isSame || last.load === undefined) return announcement;
  const { load, capacity } = last;
  return capacity === undefined ? { ...announcement, load } : { ...announcement, load, capacity };
}

function isBefore(a: Announcement, b: Announcement): boolean {
  return a.epoch === b.epoch ? a.seq < b.seq : a.epoch < b.epoch;
}
