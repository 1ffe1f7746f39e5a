/**
 * What a driver measures of its machine.
 *
 * @module
 */

/**
 * What a node's driver has measured since it measured last, for policies that look at more than the
 * list. Times in CPU seconds a second, shares from 0 to 1.
 */
export interface Measures {
  /** Share of the time in which some work waited for a processor; null: it cannot be told. */
  readonly cpuStall: number | null;
  /** Share of the time in which some work waited for memory; null: it cannot be told. */
  readonly memoryStall: number | null;
  readonly availableBytes: number;
  readonly totalBytes: number;
  /** Processors that did nothing, those that the process table's used, and those that everybody else did. */
  readonly idleCores: number;
  readonly ownCores: number;
  readonly otherCores: number;
  /** Processes of the table that ran for a noticeable time. */
  readonly ownRunning: number;
  /** How long ago somebody typed at a terminal of the node; null: there is none, or nobody asks. */
  readonly terminalIdleMs: number | null;
}
