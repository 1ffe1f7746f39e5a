/**
 * The text form of a process's identity.
 *
 * `NODE/PID/START`, the same on every node and in every JSON.
 *
 * @module
 */

import type { NodeName, ProcessId } from "./names.ts";

/** Who a process is, on whatever node it runs. */
export interface ProcessIdentity {
  /** The node it was started on. */
  readonly homeNode: NodeName;
  /** Its PID there, which its shadow keeps. */
  readonly homePid: number;
  /** Its start time there: field 22 of /proc/PID/stat, in clock ticks since boot, proc(5). */
  readonly startTicks: bigint;
}

/**
 * Formats an identity as text.
 *
 * @returns `NODE/PID/START`, for example `192.168.0.1:9734/1669/8371234`.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * const identity = { homeNode: "192.168.0.1:9734", homePid: 1669, startTicks: 8371234n };
 * assert.equal(formatProcessId(identity), "192.168.0.1:9734/1669/8371234");
 * ```
 */
export function formatProcessId(identity: ProcessIdentity): ProcessId {
  return `${identity.homeNode}/${identity.homePid}/${identity.startTicks}`;
}

/**
 * Parses the text form of an identity.
 *
 * @returns The identity, or null if the text is not one.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * assert.equal(parseProcessId("192.168.0.1:9734/1669/8371234")?.homePid, 1669);
 * assert.equal(parseProcessId("1669"), null);
 * ```
 */
export function parseProcessId(id: ProcessId): ProcessIdentity | null {
  const match = /^([^/]+)\/([1-9][0-9]{0,9})\/([0-9]{1,20})$/.exec(id);
  if (match === null) return null;
  const [, homeNode, homePid, startTicks] = match as unknown as [string, string, string, string];
  return { homeNode, homePid: Number(homePid), startTicks: BigInt(startTicks) };
}
