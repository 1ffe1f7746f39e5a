/**
 * What a node's machine does besides its processes.
 *
 * What was measured last, and what follows from it.
 *
 * @module
 */

import type { SendCause } from "./cause.ts";
import { findShortage, type Shortage } from "./memory.ts";
import { type OwnerRule, type Treatment } from "../contract/owner.ts";
import { Owner } from "./owner.ts";
import { policies, type Policy } from "../contract/policy.ts";
import type { BalancerConfig } from "../contract/config.ts";
import type { Effect } from "../contract/effect.ts";
import type { Measures } from "../contract/measures.ts";
import type { MachineView, OwnerView } from "../contract/view.ts";

/** What a treatment means, for the log. */
const MESSAGES: Readonly<Record<Treatment, string>> = {
  none: "the owner is at work: no guest is taken",
  nice: "the owner is at work: guests get a low priority",
  stop: "the owner is at work: guests are stopped",
  leave: "the owner is at work: guests leave",
};

/** The machine of one node. */
export class Machine {
  readonly #policy: Policy;
  #measures: Measures | null = null;
  #shortage: Shortage | null = null;
  /** Processes that were not leaving when it was measured. */
  #settledThen = 0;
  readonly #owner: Owner | null;
  #treatment: Treatment = "none";
  #activeForMs: number | null = null;

  constructor({ policy = policies.thesis, owner = null, ownerActiveForMs = 0 }: BalancerConfig) {
    this.#policy = policy;
    this.#owner = owner === null ? null : new Owner(owner, ownerActiveForMs);
  }

  /** Looks at the owner; what is to be done with guests, if that has changed. */
  #watchOwner(measures: Measures, nowMs: number): Effect[] {
    if (this.#owner === null) return [];
    const wasActive = this.isOwnerActive;
    this.#owner.measure(measures, nowMs);
    const treatment = this.#owner.treatment(nowMs);
    const isSame = treatment === this.#treatment && wasActive === this.isOwnerActive;
    this.#treatment = treatment;
    this.#activeForMs = this.#owner.activeForMs(nowMs);
    if (isSame) return [];
    const message = this.isOwnerActive ? MESSAGES[treatment] : "the owner has gone: guests go on";
    return [
      { type: "log", level: "info", message, fields: {} },
      { type: "treatGuests", treatment, activeForMs: this.#activeForMs },
    ];
  }

  /** Whether the owner is at work: the node takes nothing. */
  get isOwnerActive(): boolean {
    return this.#activeForMs !== null;
  }

  /** What a person may want to see of the owner; null: nobody asks. */
  get owner(): OwnerView | null {
    if (this.#owner === null) return null;
    return { activeForMs: this.#activeForMs, treatment: this.#treatment };
  }

  /**
   * Takes what was measured; `settled`: processes that are not leaving already.
   *
   * @returns What has changed, for the log, and what is to be done with guests.
   */
  measure(measures: Measures, settled: number, nowMs: number): Effect[] {
    const changes = this.#watchMachine(measures, settled);
    return [
      ...changes.map((message): Effect => ({ type: "log", level: "info", message, fields: {} })),
      ...this.#watchOwner(measures, nowMs),
    ];
  }

  /** Tells what has changed, in words. */
  #watchMachine(measures: Measures, settled: number): string[] {
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

  /** Why one of so many processes should leave, whatever the load; of a shortage one a measurement. */
  causeToSend(settled: number, hasGuest: () => boolean): SendCause | null {
    if (this.#shortage !== null && settled >= this.#settledThen) {
      return { kind: "memory", ...this.#shortage };
    }
    return this.#treatment === "leave" && hasGuest() ? { kind: "owner" } : null;
  }

  /** What a person may want to see; null: nothing was measured. */
  view(others: number): MachineView | null {
    if (this.#measures === null) return null;
    const { cpuStall, memoryStall, availableBytes } = this.#measures;
    const memoryShortage = this.#shortage?.reason ?? null;
    return { others, cpuStall, memoryStall, availableBytes, memoryShortage };
  }
}

/** Whether a policy looks at more than the process table, so that a driver must measure. */
export function needsMeasures(
  { index, memoryFloor, memoryStall }: Policy,
  owner: OwnerRule | null,
): boolean {
  return index === "run-queue" || index === "pressure" || memoryFloor > 0 || memoryStall > 0 ||
    owner !== null;
}
