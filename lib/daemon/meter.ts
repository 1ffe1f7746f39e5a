/**
 * Measures the machine for a policy, before each check.
 *
 * What has happened since the last one.
 *
 * @module
 */
import { mapBounded } from "../base/bounded.ts";
import { describe } from "../base/errors.ts";
import { needsMeasures } from "../core/transfer_policy/machine.ts";
import type { Measures } from "../core/contract/measures.ts";
import type { ProcessId } from "../core/contract/names.ts";
import type { Sample } from "../core/contract/process.ts";
import { monotonicMs, wallMs } from "../host/clock.ts";
import { logger } from "../host/log.ts";
import { type MachineState, readMachine } from "../host/machine.ts";
import { readStat } from "../host/proc.ts";
import { terminalIdleMs } from "../host/terminals.ts";
import type { Context } from "./context.ts";

const log = logger("meter");

/** A process of the process table ran if it used so much of a processor. */
const RUNNING_SHARE = 0.05;

/** Of thousands of helpers only so many files are open at a time. */
const LOOKS_AT_ONCE = 20;

/** CPU time of a process at the last check, and its share of a processor before that. */
interface Known {
  readonly cpuSeconds: number;
  readonly share: number;
}

/** Measures one machine. */
export class Meter {
  readonly #context: Context;
  #last: { readonly state: MachineState; readonly atMs: number; readonly helpers: number } | null =
    null;
  #known = new Map<ProcessId, Known>();
  #complaint = "";

  constructor(context: Context) {
    this.#context = context;
  }

  /**
   * Tells the balancer what was done since the last call, if its policy looks at the machine.
   *
   * @param samples Of the whole process table.
   */
  async tell(samples: readonly Sample[]): Promise<void> {
    const { config, records, dispatch } = this.#context;
    if (!needsMeasures(config.policy, config.owner)) return;
    const helpers = [
      Deno.pid,
      ...[...records.guests.values()].map(({ keeperPid }) => keeperPid),
      ...[...records.shadows.values()].map(({ homePid }) => homePid),
    ];
    const measured = await this.#measure(samples, helpers, monotonicMs());
    if (measured === null) return;
    const idleMs = config.owner?.terminals === true ? await this.#terminalIdleMs() : null;
    dispatch({ type: "measured", measures: { ...measured, terminalIdleMs: idleMs } });
  }

  /** A terminal that a program of ours made, to type at another program, is nobody's. */
  async #terminalIdleMs(): Promise<number | null> {
    const { locals, shadows } = this.#context.records;
    const pids = [...locals.values(), ...shadows.values()].map(({ homePid }) => homePid);
    const stats = await mapBounded(pids, LOOKS_AT_ONCE, readStat);
    const made = stats.flatMap((stat, index) =>
      stat !== null && stat.session === pids[index] && stat.terminal !== 0 ? [stat.terminal] : []
    );
    return terminalIdleMs(wallMs(), new Set(made));
  }

  /** Measures since the last call; null: it is the first, or /proc cannot be read. */
  async #measure(
    samples: readonly Sample[],
    helpers: readonly number[],
    nowMs: number,
  ): Promise<Omit<Measures, "terminalIdleMs"> | null> {
    const stats = await mapBounded(helpers, LOOKS_AT_ONCE, readStat);
    const helped = stats.reduce((sum, stat) => sum + (stat?.cpuSeconds ?? 0), 0);
    let state: MachineState;
    try {
      state = readMachine();
    } catch (error) {
      // The balancer goes on with what it knew: no load but the process table's where it knew nothing.
      this.#complain(describe(error));
      this.#last = null;
      return null;
    }
    const last = this.#last;
    this.#last = { state, atMs: nowMs, helpers: helped };
    const seconds = last === null ? 0 : (nowMs - last.atMs) / 1000;
    const own = this.#ownSeconds(samples, seconds);
    if (last === null || seconds <= 0) return null;
    // Ticks are rounded, and a helper that has ended takes its time with it.
    const lent = Math.max(0, helped - last.helpers);
    const busy = state.busySeconds - last.state.busySeconds;
    const share = (now: number | null, then: number | null) =>
      now === null || then === null ? null : Math.min(1, Math.max(0, (now - then) / seconds));
    return {
      cpuStall: share(state.cpuStallSeconds, last.state.cpuStallSeconds),
      memoryStall: share(state.memoryStallSeconds, last.state.memoryStallSeconds),
      availableBytes: state.availableBytes,
      totalBytes: state.totalBytes,
      idleCores: Math.max(0, state.idleSeconds - last.state.idleSeconds) / seconds,
      ownCores: own.seconds / seconds,
      otherCores: Math.max(0, busy - own.seconds - lent) / seconds,
      ownRunning: own.running,
    };
  }

  /** What the process table has used since the last call. */
  #ownSeconds(
    samples: readonly Sample[],
    seconds: number,
  ): { readonly seconds: number; readonly running: number } {
    const known = new Map<ProcessId, Known>();
    let sum = 0, running = 0;
    for (const { id, cpuSeconds, threads = { all: 1, computing: 1 } } of samples) {
      // One that is new has used all of it since, unless it has waited long before it registered.
      const used = Math.min(
        seconds * threads.all,
        Math.max(0, cpuSeconds - (this.#known.get(id)?.cpuSeconds ?? 0)),
      );
      const share = seconds > 0 ? used / seconds : 0;
      known.set(id, { cpuSeconds, share });
      sum += used;
      if (share >= RUNNING_SHARE) running += Math.max(1, threads.computing);
    }
    // Of one that has gone nobody can tell any more: half of the time, on average, as it ran before.
    for (const [id, { share }] of this.#known) if (!known.has(id)) sum += share * seconds / 2;
    this.#known = known;
    return { seconds: sum, running };
  }

  #complain(reason: string): void {
    if (reason === this.#complaint) return;
    this.#complaint = reason;
    log.warning("the machine cannot be measured: only the list counts", { reason });
  }
}
