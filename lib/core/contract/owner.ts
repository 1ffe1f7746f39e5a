/**
 * How guests are treated while a node's owner is active.
 *
 * @module
 */

/** How guests are treated, from the mildest on. */
export const treatments = ["none", "nice", "stop", "leave"] as const;
/** One of {@linkcode treatments}; what leaves is stopped until it does. */
export type Treatment = (typeof treatments)[number];

/** When an owner counts as active, and what follows how much later. Times in milliseconds. */
export interface OwnerRule {
  /** What somebody types at a terminal is activity. */
  readonly terminals: boolean;
  /** Processors that others may use before that is activity; null: as many as they like. */
  readonly cpuLimit: number | null;
  /** The owner has gone after so long without activity. */
  readonly idleAfterMs: number;
  /** Guests get a low priority so long after the activity began; null: this step is left out. */
  readonly niceAfterMs: number | null;
  /** Guests are stopped so long after the activity began; null: this step is left out. */
  readonly stopAfterMs: number | null;
  /** Guests leave so long after the activity began; null: this step is left out. */
  readonly leaveAfterMs: number | null;
}
