/**
 * Treats guests while the owner of their node works.
 *
 * First they get a low priority, then they are stopped, then they leave; when the owner has gone
 * each step is undone.
 *
 * That a guest must give way to the owner, waits for a while as most visits are short, and leaves if this
 * one is not: Litzkow, Livny and Mutka, "Condor - A Hunter of Idle Workstations", ICDCS 1988, and Douglis
 * and Ousterhout, "Transparent Process Migration: Design Alternatives and the Sprite Implementation",
 * Software - Practice and Experience 21(8), 1991. That a low priority often does for the owner and costs
 * the guest less: Ryu and Hollingsworth, "Exploiting Fine-Grained Idle Periods in Networks of
 * Workstations", IEEE TPDS 11(7), 2000.
 *
 * @module
 */

import type { OwnerRule, Treatment } from "../contract/owner.ts";
import type { Measures } from "../contract/measures.ts";

/** Whether an owner is active, since when, and what that means for guests. */
export class Owner {
  readonly #rule: OwnerRule;
  #lastMs = -Infinity;
  /** When the activity began; null: the owner has gone. */
  #sinceMs: number | null = null;
  /** How long it had lasted when this began; for the first measurement alone. */
  #earlierMs: number;

  /** @param earlierMs How long it had lasted, as an earlier run of the daemon has seen. */
  constructor(rule: OwnerRule, earlierMs: number) {
    this.#rule = rule;
    this.#earlierMs = earlierMs;
  }

  /** Takes what was measured. */
  measure(
    { terminalIdleMs, otherCores }: Pick<Measures, "terminalIdleMs" | "otherCores">,
    nowMs: number,
  ): void {
    const { terminals, cpuLimit, idleAfterMs } = this.#rule;
    if (terminals && terminalIdleMs !== null) {
      this.#lastMs = Math.max(this.#lastMs, nowMs - terminalIdleMs);
    }
    if (cpuLimit !== null && otherCores > cpuLimit) this.#lastMs = nowMs;
    if (nowMs - this.#lastMs >= idleAfterMs) this.#sinceMs = null;
    else this.#sinceMs ??= nowMs - this.#earlierMs;
    this.#earlierMs = 0;
  }

  /** How long the owner has been active; null: not at all. */
  activeForMs(nowMs: number): number | null {
    return this.#sinceMs === null ? null : nowMs - this.#sinceMs;
  }

  /** How guests are to be treated now. */
  treatment(nowMs: number): Treatment {
    const activeMs = this.activeForMs(nowMs);
    if (activeMs === null) return "none";
    const { niceAfterMs, stopAfterMs, leaveAfterMs } = this.#rule;
    const isDue = (afterMs: number | null) => afterMs !== null && activeMs >= afterMs;
    if (isDue(leaveAfterMs)) return "leave";
    if (isDue(stopAfterMs)) return "stop";
    return isDue(niceAfterMs) ? "nice" : "none";
  }
}
