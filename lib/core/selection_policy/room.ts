/**
 * Whether a process with several computing threads goes to a node.
 *
 * Threads that wait for each other are as slow as the slowest of them, so that a core too few costs more
 * than a queue of processes of their own: gang scheduling gives all threads of a job processors at once
 * or none (Ousterhout, "Scheduling Techniques for Concurrent Systems", ICDCS 1982). Here a process goes
 * only where each of its threads finds a core that is free, or where the share of a core that each gets is
 * clearly greater than here. A process that weighs one goes by the other rules alone.
 *
 * @module
 */

import { type Capacity, stretch, unitsOf } from "../contract/capacity.ts";

/** Loads travel in thousandths, so that what is equal may differ by so much. */
const TOLERANCE = 0.02;

/** What the rule looks at. */
export interface RoomFacts {
  /** What the process weighs. */
  readonly weight: number;
  /** What there is per unit of capacity on the node where it is, itself among it. */
  readonly loadHere: number;
  /** Of that node. */
  readonly capacityHere: Capacity;
  /** What there is per unit of capacity on the node where it may go. */
  readonly loadThere: number;
  /** Of that node. */
  readonly capacityThere: Capacity;
}

/** Whether the threads of a process have room on another node, or run faster there. */
export function hasRoom(
  { weight, loadHere, capacityHere, loadThere, capacityThere }: RoomFacts,
): boolean {
  if (weight <= 1 || freeCores(loadThere, capacityThere) >= weight - TOLERANCE) return true;
  const after = stretchThere({ weight, loadThere, capacityThere });
  return after + TOLERANCE < stretch(loadHere, capacityHere);
}

/** Where a process would go on fastest: all the nodes that are as good as the best. */
export function fastest<T>(
  nodes: readonly T[],
  factsOf: (node: T) => Pick<RoomFacts, "weight" | "loadThere" | "capacityThere">,
): T[] {
  const stretches = nodes.map((node) => stretchThere(factsOf(node)));
  const least = Math.min(...stretches);
  return nodes.filter((_, index) => (stretches[index] ?? least) <= least + TOLERANCE);
}

function stretchThere(
  { weight, loadThere, capacityThere }: Pick<RoomFacts, "weight" | "loadThere" | "capacityThere">,
): number {
  return stretch(loadThere + weight / unitsOf(capacityThere), capacityThere);
}

/** That they have none, in words. */
export function describeNoRoom(
  { weight, loadThere, capacityThere }: Pick<
    RoomFacts,
    "weight" | "loadThere" | "capacityThere"
  >,
  node: string,
): string {
  const free = Math.max(0, Math.round(10 * freeCores(loadThere, capacityThere)) / 10);
  return `no room for its ${weight} computing threads at ${node}: ${free} of ` +
    `${Math.round(10 * capacityThere.cores) / 10} cores are free, and it would not be faster`;
}

function freeCores(load: number, capacity: Capacity): number {
  return capacity.cores - load * unitsOf(capacity);
}
