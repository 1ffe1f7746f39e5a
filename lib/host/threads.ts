/**
 * Tells how many threads of a process compute, and what one does.
 *
 * @module
 */
import type { Look } from "./native.ts";
import { parseStatus } from "./proc.ts";

/** Time constant of the exponential smoothing: some checks. */
const SMOOTHING_SECONDS = 5;
/** What was measured over less is an accident of the scheduler's slices. */
const MEASURED_SECONDS_MIN = 0.5;
/** CPU time of a process is told in ticks of 10 ms, for user and system each; threads' in nanoseconds. */
const CPU_TOLERANCE_SECONDS = 0.1;
/** Times of a look in nanoseconds, and start times in ticks. */
const NS_PER_SECOND = 1e9, NS_PER_TICK = 10_000_000n;

/** What is looked at of a process's threads. */
export type ThreadTimes = Pick<
  Look,
  "startTicks" | "cpuSeconds" | "ranNs" | "waitedNs" | "atNs" | "threads"
>;

/** How many threads of a process compute, as measured up to a look. */
export interface Computing {
  /** The look from which on the next measurement counts. */
  readonly since: ThreadTimes;
  /** Smoothed; null: not known yet. */
  readonly computing: number | null;
  /** Only the mean of its whole life until then is known. */
  readonly isOfLife: boolean;
}

/** The threads that ran or waited for a processor between two looks, on average. */
function measureComputing(before: ThreadTimes, now: ThreadTimes): number {
  const seconds = Number(now.atNs - before.atNs) / NS_PER_SECOND;
  const cpu = Math.max(0, now.cpuSeconds - before.cpuSeconds);
  const ran = Number(now.ranNs - before.ranNs) / NS_PER_SECOND;
  const waited = Number(now.waitedNs - before.waitedNs) / NS_PER_SECOND;
  const isWhole = ran >= 0 && waited >= 0 &&
    Math.abs(cpu - ran) <= CPU_TOLERANCE_SECONDS + cpu / 10;
  // Threads that have ended took their times with them: they are taken to have waited as the others did.
  const waits = now.ranNs === 0n ? 0 : Number(now.waitedNs) / Number(now.ranNs);
  const wanted = isWhole ? ran + waited : cpu * (1 + waits);
  return Math.min(now.threads, wanted / seconds);
}

/**
 * Follows how many threads of a process compute.
 *
 * A thread that waits for a processor computes as well as one that has it: by their CPU time alone four threads
 * on two cores would be two. The kernel adds up how long each has waited, which is exact where looking
 * at states now and then is not.
 *
 * @param last What the last look has given; null: it is the first.
 */
export function followComputing(last: Computing | null, now: ThreadTimes): Computing {
  if (now.threads <= 1) return { since: now, computing: 1, isOfLife: false };
  const born = {
    ...now,
    cpuSeconds: 0,
    ranNs: 0n,
    waitedNs: 0n,
    atNs: now.startTicks * NS_PER_TICK,
  };
  const { since, computing, isOfLife } = last ?? { since: born, computing: null, isOfLife: true };
  const seconds = Number(now.atNs - since.atNs) / NS_PER_SECOND;
  if (seconds < MEASURED_SECONDS_MIN) return { since, computing, isOfLife };
  const measured = measureComputing(since, now);
  if (last === null) return { since: now, computing: measured, isOfLife: true };
  const isFirst = computing === null || isOfLife || since.threads <= 1;
  const share = isFirst ? 1 : 1 - Math.exp(-seconds / SMOOTHING_SECONDS);
  const before = computing ?? 0;
  return { since: now, computing: before + share * (measured - before), isOfLife: false };
}

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
