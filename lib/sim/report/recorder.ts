/**
 * Records a simulation.
 *
 * Each job's times, counts, and the load of the nodes over time.
 *
 * @module
 */

import { batchMeans, type Estimate, percentile, Series } from "./statistics.ts";

/** Columns of the picture of load over time. */
export const COLUMNS = 120;
/** Rows of it; with more nodes than rows each row is the mean of several. */
const ROWS_MAX = 64;

/** What is counted, from the end of the warm-up on unless said otherwise. */
export interface Counts {
  /** Jobs that came, in the whole run. */
  arrived: number;
  /** Jobs that ended, in the whole run. */
  ended: number;
  /** Jobs killed by a crash of the node they ran on, of their home, or that came to a node that was down. */
  lost: number;
  /** Moves that were done. */
  moves: number;
  /** Moves that were given up. */
  aborted: number;
  /** Letters, offers, answers and withdrawals, one for each receiver. */
  messages: number;
  /** Letters among the messages. */
  letters: number;
  /** Offers that were sent. */
  offers: number;
  /** Offers refused by a node that was U as far as the sender knew: two preferred the same one. */
  collisions: number;
  /** Seconds for which a guest ran beside an owner at work, by looks at each check. */
  disturbedSeconds: number;
}

/** One figure of all jobs. */
export interface Summary extends Estimate {
  /** The median. */
  readonly p50: number;
  /** Nine tenths are not above it. */
  readonly p90: number;
  /** All but a hundredth are not above it. */
  readonly p99: number;
  /** The largest. */
  readonly max: number;
}

/** Takes notes of one run. */
export class Recorder {
  readonly #warmupMs: number;
  readonly #durationMs: number;
  #column = 0;
  readonly nodes: number;
  /** When the jobs ended, in seconds; the next two are of the same jobs. */
  readonly ends = new Series();
  /** Seconds from a job's arrival to its end. */
  readonly responses = new Series();
  /** Response over the time on an idle node of speed 1 with as many cores as any node has. */
  readonly slowdowns = new Series();
  readonly counts: Counts = {
    arrived: 0,
    ended: 0,
    lost: 0,
    moves: 0,
    aborted: 0,
    messages: 0,
    letters: 0,
    offers: 0,
    collisions: 0,
    disturbedSeconds: 0,
  };
  /** Mean number of jobs of a node by row, then column. */
  readonly load: Float64Array;
  readonly rows: number;
  /** Moves and messages by column. */
  readonly movesOverTime = new Float64Array(COLUMNS);
  readonly messagesOverTime = new Float64Array(COLUMNS);

  constructor(nodes: number, warmupMs: number, durationMs: number) {
    this.nodes = nodes;
    this.#warmupMs = warmupMs;
    this.#durationMs = durationMs;
    this.rows = Math.min(nodes, ROWS_MAX);
    this.load = new Float64Array(this.rows * COLUMNS);
  }

  ended(arrivedMs: number, aloneMs: number, nowMs: number): void {
    this.counts.ended++;
    if (nowMs < this.#warmupMs) return;
    this.ends.push(nowMs / 1000);
    this.responses.push((nowMs - arrivedMs) / 1000);
    this.slowdowns.push((nowMs - arrivedMs) / aloneMs);
  }

  /** Counts what is counted after the warm-up only. */
  count(name: "aborted" | "offers" | "collisions", nowMs: number): void {
    if (nowMs >= this.#warmupMs) this.counts[name]++;
  }

  disturbed(seconds: number, nowMs: number): void {
    if (nowMs >= this.#warmupMs) this.counts.disturbedSeconds += seconds;
  }

  moved(nowMs: number): void {
    if (nowMs >= this.#warmupMs) this.counts.moves++;
    this.#add(this.movesOverTime, 1, nowMs);
  }

  /** Counts messages sent to so many nodes. */
  sent(receivers: number, areLetters: boolean, nowMs: number): void {
    this.#add(this.messagesOverTime, receivers, nowMs);
    if (nowMs < this.#warmupMs) return;
    this.counts.messages += receivers;
    if (areLetters) this.counts.letters += receivers;
  }

  /** Notes every node's number of jobs, in the middle of each column's time. */
  sampleUntil(ms: number, count: (node: number) => number): void {
    const stepMs = this.#durationMs / COLUMNS;
    while (this.#column < COLUMNS && (this.#column + 0.5) * stepMs <= ms) {
      this.#sampleLoad(this.#column++, count);
    }
  }

  #sampleLoad(column: number, count: (node: number) => number): void {
    const perRow = new Float64Array(this.rows), sizes = new Float64Array(this.rows);
    for (let node = 0; node < this.nodes; node++) {
      const row = Math.floor(node * this.rows / this.nodes);
      perRow[row] = (perRow[row] as number) + count(node);
      sizes[row] = (sizes[row] as number) + 1;
    }
    for (let row = 0; row < this.rows; row++) {
      this.load[row * COLUMNS + column] = (perRow[row] as number) / (sizes[row] as number);
    }
  }

  /** Messages per node and second, after the warm-up. */
  get messageRate(): number {
    return this.counts.messages / this.nodes / ((this.#durationMs - this.#warmupMs) / 1000);
  }

  #add(series: Float64Array, value: number, nowMs: number): void {
    const column = Math.min(COLUMNS - 1, Math.floor(nowMs / this.#durationMs * COLUMNS));
    series[column] = (series[column] as number) + value;
  }
}

/** Summarises one figure of all jobs, in order of their ends. */
export function summarize(values: Float64Array): Summary {
  const sorted = values.toSorted();
  const [p50 = NaN, p90 = NaN, p99 = NaN, max = NaN] = [0.5, 0.9, 0.99, 1].map((share) =>
    percentile(sorted, share)
  );
  return { ...batchMeans(values), p50, p90, p99, max };
}
