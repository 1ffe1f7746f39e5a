/**
 * The preferred list of a member.
 *
 * What its config names, then members by a rule that all apply alike.
 *
 * @module
 */

import type { NodeName } from "../contract/names.ts";
import type { Claim } from "./types.ts";

/** What a list is made of. */
export interface AssociateOptions {
  readonly node: NodeName;
  /** What the config names, in this order. */
  readonly configured: readonly NodeName[];
  /** All that is known, this node among it. */
  readonly members: readonly Pick<Claim, "node" | "status" | "isOpen">[];
  /** So long the list may become by members that the config does not name. */
  readonly listMax: number;
}

/**
 * Makes the preferred list of a node.
 *
 * The config's nodes come first. Then the members in the order of their names are a circle, and the
 * list goes on with those 1, 2, 4, 8, ... places away and then with the rest, each distance both ways:
 * where no config says otherwise each member is the k-th choice of exactly one other, and stands in the
 * list of each that stands in its own. Two members of which neither is open stay as their configs have
 * them. A member that has failed keeps its place; one that has left has none, not even by config.
 *
 * @returns Never more than `listMax` nodes, unless the config names more.
 */
export function associate(options: AssociateOptions): NodeName[] {
  const { node, configured, members, listMax } = options;
  const left = new Set(members.filter(({ status }) => status === "left").map((one) => one.node));
  if (left.has(node)) return [];
  const list = new Set(configured.filter((other) => other !== node && !left.has(other)));
  const circle = members.filter((one) => !left.has(one.node))
    .sort((a, b) => a.node < b.node ? -1 : a.node > b.node ? 1 : 0);
  const here = circle.findIndex((one) => one.node === node);
  if (here < 0) return [...list];
  const isOpen = circle[here]?.isOpen ?? false;
  const size = circle.length;
  for (const distance of distances(size)) {
    const both = [circle[(here + distance) % size], circle[(here - distance + size) % size]];
    const added = new Set(
      both.flatMap((other) =>
        other === undefined || list.has(other.node) || !(isOpen || other.isOpen) ? [] : [other.node]
      ),
    );
    // One of two would stand in a list without having that node in its own.
    if (list.size + added.size > listMax) continue;
    for (const other of added) list.add(other);
  }
  return [...list];
}

/** Distances on a circle in the order of preference: far ones early keep the graph small across. */
function distances(size: number): number[] {
  const half = Math.floor(size / 2);
  const all = Array.from({ length: half }, (_, index) => index + 1);
  const isPower = (distance: number) => (distance & (distance - 1)) === 0;
  return [...all.filter(isPower), ...all.filter((distance) => !isPower(distance))];
}
