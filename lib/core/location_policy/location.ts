/**
 * Where a process goes.
 *
 * One of the nodes that are U, as far as this node knows.
 *
 * - "preferred-list": the first of the list. Lists differ from node to node so that two over nodes
 *   seldom meet (Shin and Chang, IEEE Transactions on Computers 38(8), 1989).
 * - "random": any of them (Eager, Lazowska and Zahorjan, "Adaptive Load Sharing in Homogeneous
 *   Distributed Systems", IEEE TSE 12(5), 1986; theirs is any node at all, as they know nothing).
 * - "two-random": the less loaded of any two; it gains most of what full knowledge gains and does not
 *   herd when that knowledge is old (Mitzenmacher, "The Power of Two Choices in Randomized Load
 *   Balancing", IEEE TPDS 12(10), 2001; "How Useful Is Old Information?", IEEE TPDS 11(1), 2000).
 * - "least-loaded": the least loaded of all. All nodes see the same one, and meet there, when what they
 *   know is old (the same).
 *
 * @module
 */

import type { Prng } from "../../base/prng.ts";
import type { Capacity } from "../contract/capacity.ts";
import type { NodeName } from "../contract/names.ts";
import type { Location } from "../contract/policy.ts";

/** A node that may take the process. */
export interface Receiver {
  readonly node: NodeName;
  /** Its processes per unit of capacity when it last told; null: it never did. */
  readonly load: number | null;
  /** What it can do, if it told. */
  readonly capacity?: Capacity | undefined;
}

/** A node that was chosen, and why. */
export interface Located {
  readonly receiver: Receiver;
  readonly reason: string;
}

/**
 * Chooses one of the nodes.
 *
 * @param receivers Nodes that are U, the most preferred first.
 * @param assumedLoad What a node that never told its load is taken to have.
 * @returns null if there is none.
 */
export function locate(
  receivers: readonly Receiver[],
  location: Location,
  { prng, assumedLoad }: { readonly prng: Prng; readonly assumedLoad: number },
): Located | null {
  const [first] = receivers;
  if (first === undefined) return null;
  const loadOf = ({ load }: Receiver): number => load ?? assumedLoad;
  switch (location) {
    case "preferred-list":
      return { receiver: first, reason: "the first of the list that is U" };
    case "random":
      return { receiver: prng.pick(receivers), reason: `any of ${receivers.length} that are U` };
    case "two-random": {
      const one = prng.nextInt(receivers.length);
      // Another one, each as likely; the same if there is only one.
      const step = receivers.length === 1 ? 0 : 1 + prng.nextInt(receivers.length - 1);
      const [a, b] = [receivers[one] ?? first, receivers[(one + step) % receivers.length] ?? first];
      const receiver = loadOf(b) < loadOf(a) ? b : a;
      return { receiver, reason: `the less loaded of two of ${receivers.length} that are U` };
    }
    case "least-loaded": {
      const receiver = receivers.reduce((a, b) => loadOf(b) < loadOf(a) ? b : a);
      return { receiver, reason: `the least loaded of ${receivers.length} that are U` };
    }
  }
}
