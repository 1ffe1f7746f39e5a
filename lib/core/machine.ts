/**
 * What a node's machine does besides the list: what was measured last, and what follows from it.
 *
 * @module
 */

import { findShortage, type Shortage } from "./policy/memory.ts";
import type { Policy } from "./policy/policy.ts";
import type { MachineView, Measures } from "./types.ts";

/** The machine of one node. */
export class Machine {
  readonly #policy: Policy;
  #measures: Measures | null = null;
  #shortage: Shortage | null = null;
  /** Processes that were not leaving when it was measured. */
  #settledThen = 0;

  constructor(policy: Policy) {
    this.#policy = policy;
  }

  /**
   * Takes what was measured; `settled`: processes that are not leaving already.
   *
   * @returns What has changed, in words.
   */
  measure(measures: Measures, settled: number): string[] {
    const { cpuStall } = measures;
    const last = this.#shortage;
    const wasTold = this.#measures?.cpuStall !== null;
    this.#measures = measures;
    this.#settledThen = settled;
    this.#shortage = findShortage(measures, this.#policy, last !== null);
    const changes: string[] = [];
    if (last === null && this.#shortage !== null) {
      changes.push(`short of memory: ${this.#shortage.reason}`);
    }
    if (last !== null && this.#shortage === null) changes.push("no longer short of memory");
    if (this.#policy.index === "pressure" && wasTold && cpuStall === null) {
      changes.push("the kernel tells no pressure: the node takes nothing and sends nothing");
    }
    return changes;
  }

  /** Why the node takes nothing and sends; null: it is not short of memory. */
  get shortage(): Shortage | null {
    return this.#shortage;
  }

  /** The shortage that one of so many processes should leave for: one for each measurement. */
  shortageOf(settled: number): Shortage | null {
    return settled < this.#settledThen ? null : this.#shortage;
  }

  /** What a person may want to see; null: nothing was measured. */
  view(others: number): MachineView | null {
    if (this.#measures === null) return null;
    const { cpuStall, memoryStall, availableBytes } = this.#measures;
    const memoryShortage = this.#shortage?.reason ?? null;
    return { others, cpuStall, memoryStall, availableBytes, memoryShortage };
  }
}

/** Whether a policy looks at more than the list, so that a shell must measure. */
export function needsMeasures({ index, memoryFloor, memoryStall }: Policy): boolean {
  return index === "run-queue" || index === "pressure" || memoryFloor > 0 || memoryStall > 0;
}
