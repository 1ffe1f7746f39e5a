/**
 * One step of a balancer as it is seen from outside.
 *
 * @module
 */

import { AssertionError } from "../../base/assert.ts";
import type { Effect } from "../../core/contract/effect.ts";
import type { Event } from "../../core/contract/event.ts";
import type { Announcement, NodeName, ProcessId } from "../../core/contract/names.ts";
import type { BalancerView } from "../../core/contract/view.ts";

/** An effect of one kind. */
export type EffectOf<T extends Effect["type"]> = Extract<Effect, { type: T }>;

/** Rounding of clocks, in milliseconds. */
export const SLACK_MS = 1;

/** Throws if something does not hold. */
export function hold(condition: boolean, claim: string): void {
  if (!condition) throw new AssertionError(`it does not hold that ${claim}`);
}

/** One step. */
export interface Step {
  readonly event: Event;
  readonly effects: readonly Effect[];
  readonly before: BalancerView;
  readonly after: BalancerView;
  /** By the node's own clock. */
  readonly nowMs: number;
}

/** The effects of one kind. */
export function effectsOf<T extends Effect["type"]>(
  effects: readonly Effect[],
  type: T,
): EffectOf<T>[] {
  return effects.filter((effect): effect is EffectOf<T> => effect.type === type);
}

/** What a node knows of another; null: they are not associated. */
export function stateOf({ associated }: BalancerView, node: NodeName): string | null {
  return associated.find((other) => other.node === node)?.state ?? null;
}

/** Whether a person wants a process to stay. */
export function isPinned({ processes }: BalancerView, id: ProcessId): boolean {
  return processes.find((process) => process.id === id)?.isPinned === true;
}

/** What processes or places weigh together. */
export function weigh(those: readonly { readonly weight: number }[]): number {
  return those.reduce((sum, { weight }) => sum + weight, 0);
}

/** The letter that an event brings, and of whom. */
export function newsOf(
  event: Event,
): [NodeName, Announcement] | [null, { letter: null; epoch: 0; seq: 0 }] {
  switch (event.type) {
    case "peerGreeted":
    case "peerLetter":
    case "asked":
    case "askRefused":
      return [event.node, event.announcement];
    case "offerAnswered":
      if (event.announcement !== null) return [event.from, event.announcement];
  }
  return [null, { letter: null, epoch: 0, seq: 0 }];
}
