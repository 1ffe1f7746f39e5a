/**
 * The table of members and their claims.
 *
 * Claims come in any order, any number of times, and end in the same table.
 *
 * @module
 */

import { hashText } from "../../base/prng.ts";
import type { NodeName } from "../contract/names.ts";
import { type Claim, statuses } from "./types.ts";

/**
 * So long a member that has failed or left is remembered: until then no claim of its last incarnation
 * makes it a member again, and one that has failed is tried. As Serf does.
 */
export const forgetMs = 24 * 3600 * 1000;

/** A claim with the time since when it has been so, by this node's clock. */
interface Entry extends Omit<Claim, "ageMs"> {
  readonly sinceMs: number;
}

/** Who is a member, and in what state, as far as this node knows. */
export class Members {
  readonly #entries = new Map<NodeName, Entry>();
  #digest: bigint | null = null;

  /** What is held of a node; undefined: nothing. */
  get(node: NodeName): Omit<Claim, "ageMs"> | undefined {
    return this.#entries.get(node);
  }

  /** All claims, by name. */
  list(nowMs: number): Claim[] {
    return [...this.#entries.keys()].sort().flatMap((node) => this.claim(node, nowMs) ?? []);
  }

  /** The claim about one node. */
  claim(node: NodeName, nowMs: number): Claim | undefined {
    const entry = this.#entries.get(node);
    if (entry === undefined) return undefined;
    const { incarnation, status, isOpen, sinceMs } = entry;
    return { node, incarnation, status, isOpen, ageMs: Math.max(0, nowMs - sinceMs) };
  }

  /**
   * Takes a claim, if it says more than what is held: of a later incarnation, or worse of the same
   * (Das, Gupta and Motivala, DSN 2002, section 4.2). So late claims and duplicates change nothing.
   */
  merge(claim: Claim, nowMs: number): boolean {
    const known = this.#entries.get(claim.node);
    if (known === undefined ? isOver(claim.status, claim.ageMs) : !supersedes(claim, known)) {
      return false;
    }
    const { ageMs, ...said } = claim;
    this.#entries.set(claim.node, { ...said, sinceMs: nowMs - ageMs });
    this.#digest = null;
    return true;
  }

  /** Forgets members that have failed or left long ago; returns whether there were any. */
  forget(nowMs: number): boolean {
    let forgot = false;
    for (const [node, { status, sinceMs }] of this.#entries) {
      if (!isOver(status, nowMs - sinceMs)) continue;
      this.#entries.delete(node);
      this.#digest = null;
      forgot = true;
    }
    return forgot;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Forgets everything. */
  clear(): void {
    this.#entries.clear();
    this.#digest = null;
  }

  /** A number of 64 bits that is the same where the tables are. */
  get digest(): bigint {
    if (this.#digest !== null) return this.#digest;
    let [high, low] = [0, 0];
    for (const { node, incarnation, status, isOpen } of this.#entries.values()) {
      const text = `${node} ${incarnation} ${status} ${isOpen}`;
      // A sum does not depend on the order.
      high = (high + hashText(`high ${text}`)) >>> 0;
      low = (low + hashText(`low ${text}`)) >>> 0;
    }
    this.#digest = BigInt(high) << 32n | BigInt(low);
    return this.#digest;
  }
}

function isOver(status: Claim["status"], ageMs: number): boolean {
  return (status === "failed" || status === "left") && ageMs >= forgetMs;
}

/** Whether a claim counts against another one about the same node. */
export function supersedes(
  claim: Pick<Claim, "incarnation" | "status">,
  known: Pick<Claim, "incarnation" | "status">,
): boolean {
  if (claim.incarnation !== known.incarnation) return claim.incarnation > known.incarnation;
  return statuses.indexOf(claim.status) > statuses.indexOf(known.status);
}
