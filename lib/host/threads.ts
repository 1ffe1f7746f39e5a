/**
 * Tells of single threads of a process.
 *
 * @module
 */
import { parseStatus } from "./proc.ts";

/** Stops a program's threads before a move; no program of the GNU C library blocks it for long. */
const PARK_SIGNAL = 33;

/** What a thread that was to stop for an order does instead, in the kernel's words. */
export function whyNotParked(pid: number, tid: number): string {
  let text: string;
  try {
    text = Deno.readTextFileSync(`/proc/${pid}/task/${tid}/status`);
  } catch {
    return `thread ${tid} did not stop in time, and has ended since`;
  }
  const status = parseStatus(text);
  const blocked = BigInt(`0x${status.get("SigBlk") ?? "0"}`);
  const blocks = (blocked >> BigInt(PARK_SIGNAL - 1) & 1n) === 1n
    ? `, blocks signal ${PARK_SIGNAL}`
    : "";
  return `thread ${tid} (${status.get("Name")}) does not stop: ${status.get("State")}${blocks}`;
}
