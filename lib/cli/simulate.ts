/**
 * `lb simulate`: runs a cluster in virtual time.
 *
 * Of any size, with the balancer that daemons run.
 *
 * @module
 */
import { HostError } from "../base/errors.ts";
import { formatSeconds } from "../base/units.ts";
import { exitCodes } from "../base/errors.ts";
import { checkSeed } from "../sim/invariants/check.ts";
import { checkMembership } from "../sim/membership/check.ts";
import { drawPicture } from "../sim/report/picture.ts";
import { figuresOf, type RunFigures } from "../sim/report/figures.ts";
import type { Recorder } from "../sim/report/recorder.ts";
import { Simulation } from "../sim/simulation.ts";
import { type Options, parser, policyOf } from "./_simulate_options.ts";
import { readOptions } from "./_simulate_settings.ts";
import { combineFigures, formatFigures, formatJobs, pictureFigures } from "./_simulate_report.ts";
import { defineCommand } from "./command.ts";

/** Steps of a run between two looks at the terminal. */
const SLICES = 400;
/** Redraws of the progress bar a second are enough for the eye. */
const REDRAW_MS = 200;
const BAR = 30;

/** A bar on standard error, where that is a terminal; it comes only if the run takes a while. */
class Progress {
  readonly #startMs = performance.now();
  #drawnMs = this.#startMs;
  #isDrawn = false;

  show(share: number): void {
    const nowMs = performance.now();
    if (nowMs - this.#drawnMs < REDRAW_MS || !Deno.stderr.isTerminal()) return;
    this.#drawnMs = nowMs;
    const full = Math.round(share * BAR);
    const left = (nowMs - this.#startMs) / share * (1 - share) / 1000;
    this.#write(
      `[${"#".repeat(full)}${" ".repeat(BAR - full)}] ${Math.floor(100 * share)} %, ` +
        `${formatSeconds(left)} left`,
    );
    this.#isDrawn = true;
  }

  clear(): void {
    if (this.#isDrawn) this.#write("");
  }

  #write(text: string): void {
    Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[K${text}`));
  }
}

/** Writes a file that an option names, part by part. */
function writeFile(path: string, option: string, parts: Iterable<string>): void {
  try {
    using file = Deno.openSync(path, { write: true, create: true, truncate: true });
    const encoder = new TextEncoder();
    let text = "";
    const flush = () => {
      let rest = encoder.encode(text);
      while (rest.length > 0) rest = rest.subarray(file.writeSync(rest));
      text = "";
    };
    for (const part of parts) {
      text += part;
      if (text.length > 1 << 16) flush();
    }
    flush();
  } catch (error) {
    throw new HostError(`Cannot write the file of ${option}: ${(error as Error).message}`, {
      fix: "Name a file in a directory that you may write to",
      cause: error,
    });
  }
}

function titleOf(options: Options): string {
  const { nodes, load, trace, seed, duration, config } = options;
  const policy = config === undefined ? policyOf(options) : `of ${config}`;
  const work = trace === undefined ? `load ${load}` : `jobs of ${trace}`;
  return `${nodes} nodes, ${work}, policy ${policy}, ${duration} s, seed ${seed}`;
}

/** Runs all replications; a run's jobs are kept only where a file needs them. */
function runAll(options: Options): { runs: RunFigures[]; recorders: Recorder[] } {
  const make = readOptions(options);
  const progress = new Progress();
  const runs: RunFigures[] = [];
  const recorders: Recorder[] = [];
  for (let index = 0; index < options.replications; index++) {
    const simulation = new Simulation(make(options.seed + index));
    const { durationMs } = simulation.options;
    for (let slice = 1; slice <= SLICES; slice++) {
      simulation.advance(slice === SLICES ? durationMs : durationMs * slice / SLICES);
      progress.show((index + slice / SLICES) / options.replications);
    }
    runs.push(figuresOf(simulation.recorder, options.seed + index));
    if (options.csv !== undefined || index === 0) recorders.push(simulation.recorder);
  }
  progress.clear();
  return { runs, recorders };
}

function* csvLines(recorders: readonly Recorder[], seed: number): Generator<string> {
  yield "seed,seconds,response,slowdown\n";
  for (const [index, recorder] of recorders.entries()) yield* formatJobs(recorder, seed + index);
}

function simulate(options: Options): number {
  const { runs, recorders } = runAll(options);
  const figures = combineFigures(runs);
  const [first] = recorders;
  if (options.csv !== undefined) {
    writeFile(options.csv, "--csv", csvLines(recorders, options.seed));
  }
  if (options.svg !== undefined && first !== undefined) {
    const picture = drawPicture(first, {
      title: titleOf(options),
      figures: pictureFigures(combineFigures(runs.slice(0, 1))),
      durationSeconds: options.duration,
      warmupSeconds: options.warmup ?? options.duration / 10,
    });
    writeFile(options.svg, "--svg", [picture]);
  }
  console.log(
    options.json
      ? JSON.stringify({ options, ...figures }, null, 2)
      : [titleOf(options), "", ...formatFigures(figures)].join("\n"),
  );
  return exitCodes.ok;
}

/** Runs drawn scenarios; each that breaks a rule is told with its seed, as soon as it does. */
function check({ seed, seeds, json }: Options): number {
  const progress = new Progress();
  const total = { seeds, steps: 0, moves: 0, lost: 0, judgements: 0 };
  const violations: { seed: number; violation: string }[] = [];
  for (let index = 0; index < seeds; index++) {
    const result = checkSeed(seed + index);
    total.steps += result.steps;
    total.moves += result.moves;
    total.lost += result.lost;
    const members = checkMembership(seed + index);
    total.judgements += members.failures;
    progress.show((index + 1) / seeds);
    for (const violation of [result.violation, members.violation]) {
      if (violation === null) continue;
      violations.push({ seed: result.seed, violation });
      progress.clear();
      if (!json) console.log(`seed ${result.seed}: ${violation}`);
    }
  }
  progress.clear();
  const broken = new Set(violations.map((violation) => violation.seed)).size;
  console.log(
    json
      ? JSON.stringify({ ...total, violations })
      : `${seeds} seeds, ${total.steps} steps, ${total.moves} moves, ${total.lost} processes lost ` +
        `by crashes, ${total.judgements} times a member was held for failed: ` +
        `${broken} seeds broke a rule`,
  );
  return violations.length === 0 ? exitCodes.ok : exitCodes.failed;
}

/** The subcommand. */
export const command = defineCommand({
  name: "simulate",
  brief: "run a cluster of any size in virtual time",
  description: [
    "The balancer is the one that daemons run, event by event; processors, network, jobs and " +
    "faults are modelled. The result depends on the options alone: the same seed gives the same " +
    "figures on every machine.",
    "The interval of a mean is by batch means, or between the runs where there are several. A " +
    "job's slowdown is its response time over the time it takes alone on a node of speed 1 that has as " +
    "many cores as any.",
    "With --check small clusters are drawn from seeds, with crashes, restarts of daemons, cuts, loss, " +
    "reordering and wrong clocks, and after each event it is checked that exactly one copy of each " +
    "process counts, that places are freed, that a node that is over acts, that messages are within " +
    "their bounds. From the same seeds come clusters whose nodes join, leave, crash, stop and are cut off: " +
    "all must end with the same view, whoever is healthy is not held for failed for long, and who has " +
    "left stays out. A seed that fails does so again by --seed; the other options do not count.",
  ],
  examples: [
    ["lb simulate --nodes 64 --load 0.9", "sixty-four nodes, an hour, at 90 % load"],
    ["lb simulate --policy none --load 0.9", "the same jobs where nobody moves"],
    ["lb simulate --service pareto:1.1:1:1000 --svg run.svg", "a few long jobs, and a picture"],
    ["lb simulate --trace jobs.csv --nodes 4 --json", "jobs of a file, figures as JSON"],
    ["lb simulate --check --seeds 1000", "crashes, cuts, lost messages: what must hold, holds"],
  ],
  parser,
  run: (options) => options.check ? check(options) : simulate(options),
});
