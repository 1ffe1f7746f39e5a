/**
 * Thresholds that follow the load of the cluster.
 *
 * As far as the associated nodes' letters show it.
 *
 * The best threshold grows with the load: with few processes anywhere one waiting is worth a move, with
 * many everywhere nearly all nodes are F and low thresholds only keep nodes from sending to each other.
 * That it should be adjusted while the system runs, from what can be seen, is from Pulidas, Towsley and
 * Stankovic, "Imbedding Gradient Estimators in Load Balancing Algorithms", ICDCS 1988; how it depends on
 * load and delay from Mirchandaney, Towsley and Stankovic, "Analysis of the Effects of Delays on Load
 * Sharing", IEEE TC 38(11), 1989. Here they follow the mean number of processes of the nodes that tell
 * theirs: all those see about the same mean, so their thresholds stay together, which they did not by
 * other rules that we tried. A node tells its load with each letter, and once a check if it has changed by
 * a process since. Between the mean that raises the thresholds and the one that lowers them again lie
 * more than a process, and a check changes them by one: that keeps them from swinging.
 *
 * @module
 */

import type { Thresholds } from "../contract/config.ts";

/** The thresholds rise by one when the mean is so far above what they are right for, and fall likewise. */
const UP = 1.6;
const DOWN = 0.4;
/** Above the config's thresholds: more processes than that are no question of thresholds. */
const RISE_MAX = 8;

/** One node's thresholds, over time. */
export class Rise {
  readonly #given: Thresholds;
  #processes = 0;

  /** @param given The thresholds that are never fallen below. */
  constructor(given: Thresholds) {
    this.#given = given;
  }

  /**
   * A check: the thresholds from now on.
   *
   * @param loads Processes per unit of capacity of the nodes that tell it, this one among them.
   * @param units Of this node's capacity.
   */
  check(loads: readonly number[], units: number): Thresholds {
    const mean = units * loads.reduce((sum, load) => sum + load, 0) / loads.length;
    if (mean >= this.#processes + UP) this.#processes = Math.min(RISE_MAX, this.#processes + 1);
    else if (mean < this.#processes + DOWN) this.#processes = Math.max(0, this.#processes - 1);
    const { thu, thf, thv } = this.#given;
    const more = this.#processes;
    return { thu: thu + more, thf: thf + more, thv: thv + more };
  }
}
