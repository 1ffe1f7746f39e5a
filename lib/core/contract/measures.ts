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
  /** Memory that is available for processes. */
  readonly availableBytes: number;
  /** Memory of the machine. */
  readonly totalBytes: number;
  /** Processors that did nothing. */
  readonly idleCores: number;
  /** Processors that the process table's used. */
  readonly ownCores: number;
  /** Processors that everybody else used. */
  readonly otherCores: number;
  /** Processes of the table that ran for a noticeable time, by their computing threads. */
  readonly ownRunning: number;
  /** How long ago somebody typed at a terminal of the node; null: there is none, or nobody asks. */
  readonly terminalIdleMs: number | null;
}
