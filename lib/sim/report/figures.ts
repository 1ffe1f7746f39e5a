/**
 * The figures of one run.
 *
 * @module
 */

import { type Counts, type Recorder, summarize, type Summary } from "./recorder.ts";

/** The figures of one run. */
export interface RunFigures {
  /** The seed that it was drawn from. */
  readonly seed: number;
  /** Of all jobs: seconds from arrival to end. */
  readonly response: Summary;
  /** Of all jobs: the response over the time that the job takes alone on a node of speed 1. */
  readonly slowdown: Summary;
  /** Messages of a node in a second. */
  readonly messageRate: number;
  /** What was counted. */
  readonly counts: Counts;
  /** Jobs that had not ended when the run did. */
  readonly unfinished: number;
}

/** Sums one run up. */
export function figuresOf(recorder: Recorder, seed: number): RunFigures {
  const { counts } = recorder;
  return {
    seed,
    response: summarize(recorder.responses.values),
    slowdown: summarize(recorder.slowdowns.values),
    messageRate: recorder.messageRate,
    counts: { ...counts },
    unfinished: counts.arrived - counts.ended - counts.lost,
  };
}
