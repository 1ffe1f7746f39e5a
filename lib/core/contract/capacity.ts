/**
 * What a node can do.
 *
 * And how much longer work takes on it.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";

/** A node's processors. */
export interface Capacity {
  /** How many processes run at a time at full speed; a cgroup's share may be a fraction. */
  readonly cores: number;
  /** Of one core, relative to the others of the cluster; 1 is usual. */
  readonly speed: number;
}

/** A node that nobody has told of its processors: one core, as fast as any other. */
export const unitCapacity: Capacity = { cores: 1, speed: 1 };

/**
 * Asserts that both are positive and finite.
 *
 * @throws {AssertionError} If they are not.
 */
export function assertCapacity({ cores, speed }: Capacity): void {
  assert(Number.isFinite(cores) && cores > 0, "cores is positive");
  assert(Number.isFinite(speed) && speed > 0, "speed is positive");
}

/** Units of capacity: one is a core of speed 1. */
export function unitsOf({ cores, speed }: Capacity): number {
  return cores * speed;
}

/** Seconds that one second of work takes beside others under processor sharing. */
export function stretch(processesPerUnit: number, { speed }: Capacity): number {
  return Math.max(1 / speed, processesPerUnit);
}
