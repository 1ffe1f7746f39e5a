/**
 * Tickets, and the identity that goes with one in frames.
 *
 * @module
 */
import type { WireIdentity } from "../host/handshake.ts";
import type { GuestRecord, LocalRecord } from "./records.ts";

/** Identity and ticket as frames carry them. */
export function wireIdentity(record: LocalRecord | GuestRecord, ticket: bigint): WireIdentity {
  const { startTicks, homePid, homeNode } = record;
  return { ticket, startTicks, homePid, homeNode };
}

/** A random ticket, never 0: unique for ever without asking anybody. */
export function newTicket(): bigint {
  const [value = 0n] = crypto.getRandomValues(new BigUint64Array(1));
  return value | 1n;
}
