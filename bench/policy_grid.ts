/**
 * The grid of `npm run bench -- policy`.
 *
 * Who decides, on how many nodes of what kind, at what load.
 *
 * @module
 */
import { policies, type PolicyName, sharingThresholds } from "../lib/core/contract/policy.ts";
import type { Selection, Thresholds } from "../lib/core/contract/config.ts";
import {
  boundedPareto,
  type Distribution,
  exponential,
  logUniform,
  mixture,
} from "../lib/sim/model/distributions.ts";
import { makeLists } from "../lib/sim/model/lists.ts";
import type { SimulationOptions } from "../lib/sim/model/options.ts";
import { type Rival, RivalBalancer } from "../lib/sim/theory/rivals.ts";
import { Simulation } from "../lib/sim/simulation.ts";
import { estimate, meanOf, percentile } from "../lib/sim/report/statistics.ts";
import { randomWorkload } from "../lib/sim/model/workload.ts";

/** Who decides. */
export type Contestant =
  | { readonly title: string; readonly kind: "none" | "bound" }
  | { readonly title: string; readonly kind: "rival"; readonly rival: Rival }
  | {
    readonly title: string;
    readonly kind: "lb";
    readonly policy: PolicyName;
    readonly thresholds: Thresholds;
    readonly select: Selection;
    readonly location?: "random";
    readonly counts?: "processes";
  };

const wide: Thresholds = { thu: 1, thf: 3, thv: 4 };

function lb(
  policy: PolicyName,
  thresholds: Thresholds,
  other: {
    readonly select?: Selection;
    readonly location?: "random";
    readonly counts?: "processes";
  } = {},
): Contestant {
  const limits = `${thresholds.thu}, ${thresholds.thf}, ${thresholds.thv}`;
  const { select = "most-cpu", location, counts } = other;
  const words = [`\`${policy}\`, ${limits}`];
  if (select !== "most-cpu") words.push(`\`${select}\``);
  if (location !== undefined) words.push(`\`location = "${location}"\``);
  if (counts !== undefined) words.push(`\`counts = "${counts}"\``);
  return { title: words.join(", "), kind: "lb", policy, thresholds, ...other, select };
}

/** The policy that a node has whose config file does not name one. */
export const DEFAULT = lb("sharing", sharingThresholds);
/** One node with the cores of all: no rule can share them better. */
export const BOUND: Contestant = { title: "bound: one node with all cores", kind: "bound" };
const NONE: Contestant = { title: "nobody moves", kind: "none" };

const KERRIGHED: Contestant = {
  title: "Kerrighed's: least loaded, by 1.30 jobs",
  kind: "rival",
  rival: "least-loaded-1.30",
};
const MOSIX: Contestant = {
  title: "MOSIX-like opportunity cost",
  kind: "rival",
  rival: "opportunity-cost",
};

/** Whom nodes that are alike are given to. */
export const contestants: readonly Contestant[] = [
  DEFAULT,
  lb("probing", sharingThresholds),
  lb("thesis", sharingThresholds),
  lb("thesis", wide),
  lb("thesis", sharingThresholds, { select: "least-cpu" }),
  lb("thesis", sharingThresholds, { location: "random" }),
  KERRIGHED,
  MOSIX,
  NONE,
  BOUND,
];

/** Whom nodes that differ are given to. */
export const unlikeContestants: readonly Contestant[] = [
  DEFAULT,
  lb("capacity", sharingThresholds),
  lb("capacity", wide),
  lb("thesis", sharingThresholds),
  lb("thesis", wide),
  NONE,
];

/** Whom jobs with threads are given to. */
export const threadContestants: readonly Contestant[] = [
  DEFAULT,
  lb("sharing", sharingThresholds, { counts: "processes" }),
  lb("probing", sharingThresholds),
  lb("capacity", wide),
  lb("thesis", sharingThresholds),
  lb("thesis", wide),
  KERRIGHED,
  MOSIX,
  NONE,
  BOUND,
];

/** Where they decide. */
export interface Place {
  /** By node. */
  readonly cores: readonly number[];
  readonly speeds: readonly number[];
  /** Of the jobs; absent: one each. */
  readonly threads?: Distribution;
  readonly load: number;
  readonly seconds: number;
}

/** Nodes that are alike: so many, and the seconds of each run; fewer nodes need longer for as many jobs. */
export const sizes = [[4, 6000], [16, 3000], [64, 1500], [256, 600]] as const;
export const loads = [0.3, 0.5, 0.7, 0.8, 0.9, 0.95] as const;
/** Runs of each, all with the same jobs for every contestant. */
export const seeds = [1, 2, 3, 4, 5] as const;

/** Nodes of one core and speed 1. */
export function alike(nodes: number, load: number, seconds: number): Place {
  const ones = Array.from({ length: nodes }, () => 1);
  return { cores: ones, speeds: ones, load, seconds };
}

const UNLIKE_NODES = 16;
const mixOf = (value: (node: number) => number) =>
  Array.from({ length: UNLIKE_NODES }, (_, n) => value(n));
const coresOf = (node: number) => [1, 2, 4, 8][node % 4] ?? 1;
const speedOf = (node: number) => [0.5, 1, 2][node % 3] ?? 1;

/** Nodes that differ, under names. */
export const mixes = {
  "8 cores": { cores: mixOf(() => 8), speeds: mixOf(() => 1) },
  "1 to 8 cores": { cores: mixOf(coresOf), speeds: mixOf(() => 1) },
  "speed 0.5 to 2": { cores: mixOf(() => 1), speeds: mixOf(speedOf) },
  "both": { cores: mixOf(coresOf), speeds: mixOf(speedOf) },
} as const;
/** Name of one of {@linkcode mixes}. */
export type Mix = keyof typeof mixes;
export const mixLoads = [0.5, 0.7, 0.9] as const;

/** Nodes that differ. */
export function unlike(mix: Mix, load: number): Place {
  return { ...mixes[mix], load, seconds: 1000 };
}

const four = mixOf(() => 4), eight = mixOf(() => 8), ones = mixOf(() => 1);
const oneOrFour = mixture(1, 4, 0.5);

/** Nodes and jobs with threads, under names. */
export const threadMixes = {
  "4 cores, 1 or 4 threads": { cores: four, speeds: ones, threads: oneOrFour },
  "8 cores, 1 to 8 threads": { cores: eight, speeds: ones, threads: logUniform(1, 8) },
  "1 to 8 cores, 1 or 4 threads": { cores: mixOf(coresOf), speeds: ones, threads: oneOrFour },
  "1 to 8 cores, speed 0.5 to 2, 1 to 8 threads": {
    cores: mixOf(coresOf),
    speeds: mixOf(speedOf),
    threads: logUniform(1, 8),
  },
} as const;
/** Name of one of {@linkcode threadMixes}. */
export type ThreadMix = keyof typeof threadMixes;

/** Nodes for jobs with threads. */
export function withThreads(mix: ThreadMix, load: number): Place {
  return { ...threadMixes[mix], load, seconds: 1500 };
}

/** Lifetimes as of UNIX processes: 1 to 1000 s, half of the work in a few jobs. */
const service = boundedPareto(1.1, 1, 1000);
const memory = exponential(64 * 2 ** 20);

function optionsOf(
  contestant: Contestant,
  { cores, speeds, threads, load, seconds }: Place,
  seed: number,
): SimulationOptions {
  const isOne = contestant.kind === "bound";
  const nodes = cores.length;
  const units = cores.reduce((sum, count, node) => sum + count * (speeds[node] ?? 1), 0);
  const balancerOf = (): SimulationOptions["balancer"] => {
    if (contestant.kind !== "lb") return null;
    const { policy: name, thresholds, select, location, counts } = contestant;
    const policy = {
      ...policies[name],
      ...location === undefined ? {} : { location },
      ...counts === undefined ? {} : { counts },
    };
    return { thresholds, select, policy };
  };
  const lists = isOne ? [[]] : makeLists("hypercube", nodes, 15);
  return {
    speeds: isOne ? [1] : speeds,
    cores: isOne ? [cores.reduce((sum, count) => sum + count, 0)] : cores,
    lists,
    balancer: balancerOf(),
    checkMs: 5000,
    workload: randomWorkload({
      nodes: lists.length,
      ratePerMs: load * units / (service.mean * 1000),
      service: { ...service, draw: (prng) => 1000 * service.draw(prng) },
      memory,
      ...threads === undefined ? {} : { threads },
      pattern: { kind: "poisson" },
      seed,
    }),
    network: {
      latencyMs: 0.3,
      jitterMs: 0,
      bytesPerMs: 125_000,
      loss: 0,
      reorders: false,
      detectMs: 3000,
    },
    freezeMs: 50,
    faults: [],
    seed,
    warmupMs: seconds * 100,
    durationMs: seconds * 1000,
  };
}

/** What one run tells: of the slowdowns of all jobs. */
interface Result {
  readonly mean: number;
  readonly p99: number;
}

function run(contestant: Contestant, place: Place, seed: number): Result {
  const simulation = new Simulation(optionsOf(contestant, place, seed));
  if (contestant.kind === "rival") new RivalBalancer(simulation, contestant.rival);
  simulation.advance(place.seconds * 1000);
  const { values } = simulation.recorder.slowdowns;
  return { mean: meanOf(values), p99: percentile(values.toSorted(), 0.99) };
}

/** What one cell of the grid says: means over its runs, by title. */
export interface Cell {
  readonly means: Readonly<Record<string, number>>;
  readonly p99s: Readonly<Record<string, number>>;
  /** The best that is no bound. */
  readonly best: string;
  /** How much worse than that the default is, at the near end of a paired 95 % interval; below 0: none. */
  readonly surelyWorse: number;
}

/** Has all contestants decide in one place, with the same jobs. */
export function cellOf(
  given: readonly Contestant[],
  place: Place,
  seeds: readonly number[],
): Cell {
  const results = new Map(
    given.map((contestant) => [
      contestant.title,
      seeds.map((seed) => run(contestant, place, seed)),
    ]),
  );
  const of = (figure: keyof Result) =>
    Object.fromEntries(
      [...results].map(([title, runs]) => [title, meanOf(runs.map((result) => result[figure]))]),
    );
  const means = of("mean"), p99s = of("p99");
  const best = given.filter(({ kind }) => kind !== "bound").map(({ title }) => title)
    .reduce((a, b) => (means[a] ?? Infinity) <= (means[b] ?? Infinity) ? a : b);
  const ratios = seeds.map((_, index) => {
    const [ours = NaN, theirs = NaN] = [DEFAULT.title, best].map((title) =>
      results.get(title)?.[index]?.mean
    );
    return ours / theirs - 1;
  });
  const { mean, halfWidth } = estimate(ratios);
  return { means, p99s, best, surelyWorse: best === DEFAULT.title ? 0 : mean - halfWidth };
}
