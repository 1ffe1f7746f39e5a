/**
 * The fates of moves to this node that failed.
 *
 * The sending node asks, as only this one can know, and tells the person who wanted the move.
 *
 * @module
 */
import { LbError } from "../base/errors.ts";
import { sleep } from "../host/clock.ts";
import { describeCode } from "../../ffi/unwrap.ts";

/** Failed moves that are remembered. */
const FATES_MAX = 256;
/** A source hears of a broken stream at once; here the keeper's end is known a moment later. */
const NEWS_MS_MAX = 1_000;
const NEWS_LOOK_MS = 50;

/** The fates of moves to this node. */
export class Fates {
  readonly #fates = new Map<bigint, string>();
  readonly #ends = new Map<number, number>();

  /** Remembers why a move failed, unless more is known already. */
  note(ticket: bigint, reason: string): void {
    if (this.#fates.has(ticket)) return;
    this.#fates.set(ticket, reason);
    const [oldest] = this.#fates.keys();
    if (this.#fates.size > FATES_MAX && oldest !== undefined) this.#fates.delete(oldest);
  }

  /**
   * Tells what became of a move; "": nothing is known of it.
   *
   * @param arriving Since how many milliseconds its memory arrives; null: it does not any more.
   */
  async tell(ticket: bigint, arriving: () => number | null): Promise<string> {
    for (let waitedMs = 0;; waitedMs += NEWS_LOOK_MS) {
      const reason = this.#fates.get(ticket);
      if (reason !== undefined) return reason;
      const sinceMs = arriving();
      if (sinceMs === null) return "";
      if (waitedMs >= NEWS_MS_MAX) {
        return `its memory has been arriving for ${Math.round(sinceMs / 1000)} s`;
      }
      await sleep(NEWS_LOOK_MS);
    }
  }

  /** A child of this daemon has ended; `waitStatus` as wait(2) has it. */
  ended(pid: number, waitStatus: number | null): void {
    if (waitStatus !== null) this.#ends.set(pid, waitStatus);
    const [oldest] = this.#ends.keys();
    if (this.#ends.size > FATES_MAX && oldest !== undefined) this.#ends.delete(oldest);
  }

  /** Why a keeper has ended before its guest ran. */
  ofKeeper(pid: number, log: string): string {
    const waitStatus = this.#ends.get(pid);
    this.#ends.delete(pid);
    const where = `its keeper writes to ${log}`;
    if (waitStatus === undefined) return `its keeper ended: ${where}`;
    const signal = waitStatus & 0x7f, status = waitStatus >> 8;
    if (signal !== 0) return `its keeper was ended by signal ${signal}${byWhom(signal)}`;
    if (status > 128) {
      return `its copy was ended by signal ${status - 128}${byWhom(status - 128)} before it ran`;
    }
    if (status === 0 || status === 1) return `its copy ended before it ran: ${where}`;
    return `its copy could not be made: ${describeCode(status)}`;
  }
}

function byWhom(signal: number): string {
  return signal === 9 ? ", by a person or for lack of memory: see `dmesg` there" : "";
}

/** An error with what can be done about it, as one text. */
export function withFix(error: unknown): string {
  if (!(error instanceof LbError)) return error instanceof Error ? error.message : String(error);
  return `${error.message}: ${error.fix}`;
}
