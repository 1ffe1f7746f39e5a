/**
 * Prints the runs of `lb simulate`.
 *
 * As a table, as JSON, as CSV.
 *
 * @module
 */
import type { RunFigures } from "../sim/report/figures.ts";
import type { Counts, Recorder, Summary } from "../sim/report/recorder.ts";
import { type Estimate, estimate, meanOf } from "../sim/report/statistics.ts";

/** The figures of all runs: of several, their means, with the interval between the runs. */
export interface Figures {
  readonly runs: readonly RunFigures[];
  readonly response: Summary;
  readonly slowdown: Summary;
  readonly messagesPerNodeSecond: Estimate;
  readonly collisionsPerTransfer: number;
}

function combine(summaries: readonly Summary[]): Summary {
  const [first] = summaries;
  if (first !== undefined && summaries.length === 1) return first;
  const mean = (field: keyof Summary) => meanOf(summaries.map((summary) => summary[field]));
  return {
    ...estimate(summaries.map((summary) => summary.mean)),
    p50: mean("p50"),
    p90: mean("p90"),
    p99: mean("p99"),
    max: Math.max(...summaries.map((summary) => summary.max)),
  };
}

/** Sums all runs up. */
export function combineFigures(runs: readonly RunFigures[]): Figures {
  const total = (name: keyof Counts) => runs.reduce((sum, { counts }) => sum + counts[name], 0);
  return {
    runs,
    response: combine(runs.map((run) => run.response)),
    slowdown: combine(runs.map((run) => run.slowdown)),
    messagesPerNodeSecond: estimate(runs.map((run) => run.messageRate)),
    collisionsPerTransfer: total("moves") === 0 ? 0 : total("collisions") / total("moves"),
  };
}

function show(value: number): string {
  if (!Number.isFinite(value)) return "-";
  return value >= 1000 ? value.toFixed(0) : String(Number(value.toPrecision(4)));
}

/** Draws the table. */
export function formatFigures(figures: Figures): string[] {
  const { runs, response, slowdown } = figures;
  const header = ["", "mean", "+- 95 %", "median", "90 %", "99 %", "max"];
  const row = (title: string, { mean, halfWidth, p50, p90, p99, max }: Summary) => [
    title,
    ...[mean, halfWidth, p50, p90, p99, max].map(show),
  ];
  const rows = [header, row("response, s", response), row("slowdown", slowdown)];
  const widths = header.map((_, column) =>
    Math.max(...rows.map((cells) => cells[column]?.length ?? 0))
  );
  const lines = rows.map((cells) =>
    cells.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)
    ).join("  ").trimEnd()
  );
  const total = (name: keyof Counts) => runs.reduce((sum, { counts }) => sum + counts[name], 0);
  const unfinished = runs.reduce((sum, run) => sum + run.unfinished, 0);
  const { mean, halfWidth } = figures.messagesPerNodeSecond;
  const interval = Number.isFinite(halfWidth) ? ` +- ${show(halfWidth)}` : "";
  return [
    ...lines,
    "",
    `jobs        ${total("arrived")} arrived, ${total("ended")} ended, ${unfinished} unfinished, ` +
    `${total("lost")} lost by crashes`,
    `moves       ${total("moves")} done, ${total("aborted")} aborted, of ${total("offers")} offers`,
    `collisions  ${total("collisions")} offers refused by nodes that were U, ` +
    `${show(figures.collisionsPerTransfer)} a transfer`,
    ...total("disturbedSeconds") === 0
      ? []
      : [`owners      ${show(total("disturbedSeconds"))} s of guests beside an owner at work`],
    `messages    ${show(mean)}${interval} a node and second, ` +
    `${show(100 * total("letters") / Math.max(1, total("messages")))} % of them letters`,
  ];
}

/** The few figures that stand above the picture. */
export function pictureFigures(figures: Figures): [name: string, value: string][] {
  const { runs, response, slowdown, messagesPerNodeSecond } = figures;
  const total = (name: keyof Counts) => runs.reduce((sum, { counts }) => sum + counts[name], 0);
  const moves = total("ended") === 0 ? NaN : total("moves") / total("ended");
  return [
    ["mean response", `${show(response.mean)} s`],
    ["median, 99 %", `${show(response.p50)}, ${show(response.p99)} s`],
    ["mean slowdown", show(slowdown.mean)],
    ["slowdown, 99 %", show(slowdown.p99)],
    ["moves a job", show(moves)],
    ["messages of a node", `${show(messagesPerNodeSecond.mean)} / s`],
  ];
}

/** Writes a line for each job of one run, in order of their ends. */
export function* formatJobs(recorder: Recorder, seed: number): Generator<string> {
  const ends = recorder.ends.values;
  const responses = recorder.responses.values, slowdowns = recorder.slowdowns.values;
  for (let i = 0; i < ends.length; i++) {
    const figures = [ends[i], responses[i], slowdowns[i]].map((value) => (value ?? 0).toFixed(4));
    yield `${seed},${figures.join(",")}\n`;
  }
}
