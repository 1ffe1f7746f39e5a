/**
 * A shortage of memory: take nothing, and send.
 *
 * Thrashing is worse than queueing.
 *
 * That free memory below a limit must override the balance of load, and that the process to leave is
 * the smallest whose departure is enough, is the memory ushering of Barak and Braverman, "Memory
 * Ushering in a Scalable Computing Cluster", Microprocessors and Microsystems 22, 1998. Theirs knows
 * free memory alone; the kernel's pressure stall information (Documentation/accounting/psi.rst) also
 * tells that work waits for memory now.
 *
 * @module
 */

import type { Measures } from "../contract/measures.ts";
import type { Policy } from "../contract/policy.ts";

/** A shortage is over when so many times the floor is available: else the next arrival brings it back. */
const RELIEF = 1.5;
/** ... and when work waits for memory for less than so much of the limit. */
const CALM = 0.5;
/** What has less than this part of what is missing does not help by leaving. */
const HELP_MIN = 0.1;

/** A shortage of memory. */
export interface Shortage {
  /** What should become available; 0 if enough is, but work waits for it. */
  readonly missingBytes: number;
  /** In words. */
  readonly reason: string;
}

/** Tells whether a node is short of memory; `wasShort`: whether it was before these measures. */
export function findShortage(
  { availableBytes, totalBytes, memoryStall }: Pick<
    Measures,
    "availableBytes" | "totalBytes" | "memoryStall"
  >,
  { memoryFloor, memoryStall: stallMax }: Pick<Policy, "memoryFloor" | "memoryStall">,
  wasShort: boolean,
): Shortage | null {
  const wanted = memoryFloor * totalBytes * (wasShort ? RELIEF : 1);
  const missingBytes = Math.max(0, memoryFloor * totalBytes * RELIEF - availableBytes);
  if (availableBytes < wanted) {
    const reason = `${mebibytes(availableBytes)} of ${mebibytes(totalBytes)} MiB are available, ` +
      `less than ${mebibytes(wanted)}`;
    return { missingBytes, reason };
  }
  const limit = stallMax * (wasShort ? CALM : 1);
  if (stallMax > 0 && memoryStall !== null && memoryStall >= limit) {
    const reason = `work waits for memory for ${percent(memoryStall)} of the time, ` +
      `at least ${percent(limit)}`;
    return { missingBytes, reason };
  }
  return null;
}

/** Orders those whose departure helps: the smallest that is enough first, then the largest. */
export function orderRelief<T extends { readonly pid: number; readonly rssBytes: number }>(
  candidates: readonly T[],
  missingBytes: number,
): T[] {
  const isEnough = (one: T) => one.rssBytes >= missingBytes;
  return candidates.filter(({ rssBytes }) => rssBytes > HELP_MIN * missingBytes).toSorted(
    (a, b) => {
      if (isEnough(a) !== isEnough(b)) return isEnough(a) ? -1 : 1;
      // Where nothing is missing but work waits, what has most memory is what the kernel reclaims from.
      const ascending = isEnough(a) && missingBytes > 0;
      return (ascending ? a.rssBytes - b.rssBytes : b.rssBytes - a.rssBytes) || a.pid - b.pid;
    },
  );
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}

function percent(share: number): string {
  return `${Math.round(share * 1000) / 10} %`;
}
