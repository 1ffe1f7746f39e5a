/**
 * `npm run bench -- policy`: lb's policies and other systems' rules over one grid of loads and sizes,
 * with the same jobs for all: which one is best where, and how near to sharing that costs nothing.
 *
 * @module
 */
import { policies, type PolicyName } from "../lib/core/policy/policy.ts";
import type { Selection, Thresholds } from "../lib/core/types.ts";
import { boundedPareto, exponential } from "../lib/sim/distributions.ts";
import { makeLists } from "../lib/sim/lists.ts";
import type { SimulationOptions } from "../lib/sim/options.ts";
import { type Rival, RivalBalancer, rivals } from "../lib/sim/rivals.ts";
import { Simulation } from "../lib/sim/simulation.ts";
import { estimate, meanOf, percentile } from "../lib/sim/statistics.ts";
import { randomWorkload } from "../lib/sim/workload.ts";
import { drawTable, round } from "./table.ts";

/** Who decides. */
type Contestant =
  | { readonly title: string; readonly kind: "none" | "bound" }
  | { readonly title: string; readonly kind: "rival"; readonly rival: Rival }
  | {
    readonly title: string;
    readonly kind: "lb";
    readonly policy: PolicyName;
    readonly thresholds: Thresholds;
    readonly select: Selection;
    readonly location?: "random";
  };

const tight: Thresholds = { thu: 0, thf: 1, thv: 2 };
const wide: Thresholds = { thu: 1, thf: 3, thv: 4 };

function lb(
  policy: PolicyName,
  thresholds: Thresholds,
  select: Selection = "most-cpu",
): Contestant {
  const limits = `${thresholds.thu}/${thresholds.thf}/${thresholds.thv}`;
  const title = `${policy} ${limits}${select === "most-cpu" ? "" : ` ${select}`}`;
  return { title, kind: "lb", policy, thresholds, select };
}

/** The one that docs/POLICY.md recommends where nodes are alike. */
const RECOMMENDED = lb("probing", tight);

const contestants: readonly Contestant[] = [
  RECOMMENDED,
  lb("thesis", tight),
  lb("thesis", wide),
  lb("lifetime", tight),
  lb("thesis", tight, "least-cpu"),
  { ...lb("thesis", tight), title: "random 0/1/2", location: "random" } as Contestant,
  ...rivals.map((rival): Contestant => ({ title: rival, kind: "rival", rival })),
  { title: "none", kind: "none" },
  { title: "bound M/G/K", kind: "bound" },
];

const LOADS = [0.3, 0.5, 0.7, 0.8, 0.9, 0.95];
/** Nodes, and the seconds of each run: fewer nodes need longer for as many jobs. */
const SIZES = [[4, 6000], [16, 3000], [64, 1500]] as const;
const SEEDS = [1, 2, 3, 4, 5];
/** Lifetimes as of UNIX processes: 1 to 1000 s, half of the work in a few jobs. */
const service = boundedPareto(1.1, 1, 1000);
const memory = exponential(64 * 2 ** 20);

interface Result {
  readonly mean: number;
  readonly p99: number;
}

function optionsOf(
  contestant: Contestant,
  nodes: number,
  load: number,
  seconds: number,
  seed: number,
) {
  const isOne = contestant.kind === "bound";
  const balancerOf = (): SimulationOptions["balancer"] => {
    if (contestant.kind !== "lb") return null;
    const { policy, thresholds, select, location } = contestant;
    const rules = policies[policy];
    return { thresholds, select, policy: location === undefined ? rules : { ...rules, location } };
  };
  const lists = isOne ? [[]] : makeLists("hypercube", nodes, 15);
  return {
    speeds: lists.map(() => 1),
    cores: lists.map(() => isOne ? nodes : 1),
    lists,
    balancer: balancerOf(),
    checkMs: 5000,
    workload: randomWorkload({
      nodes: lists.length,
      ratePerMs: load * nodes / (service.mean * 1000),
      service: { ...service, draw: (prng) => 1000 * service.draw(prng) },
      memory,
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
  } satisfies SimulationOptions;
}

function run(
  contestant: Contestant,
  nodes: number,
  load: number,
  seconds: number,
  seed: number,
): Result {
  const simulation = new Simulation(optionsOf(contestant, nodes, load, seconds, seed));
  if (contestant.kind === "rival") new RivalBalancer(simulation, contestant.rival);
  simulation.advance(seconds * 1000);
  const { values } = simulation.recorder.slowdowns;
  return { mean: meanOf(values), p99: percentile(values.toSorted(), 0.99) };
}

/** What one cell of the grid says. */
interface Cell {
  readonly nodes: number;
  readonly load: number;
  readonly means: Readonly<Record<string, number>>;
  readonly p99s: Readonly<Record<string, number>>;
  readonly best: string;
  /** How much worse than the best the recommended one is, at the near end of a paired interval. */
  readonly surelyWorse: number;
  readonly overBound: number;
}

function cellOf(nodes: number, load: number, seconds: number): Cell {
  const results = new Map(
    contestants.map((contestant) => [
      contestant.title,
      SEEDS.map((seed) => run(contestant, nodes, load, seconds, seed)),
    ]),
  );
  const of = (figure: keyof Result) =>
    Object.fromEntries(
      [...results].map(([title, runs]) => [title, round(meanOf(runs.map((r) => r[figure])))]),
    );
  const means = of("mean"), p99s = of("p99");
  const best = contestants.filter(({ kind }) => kind !== "bound").map(({ title }) => title)
    .reduce((a, b) => (means[a] ?? Infinity) <= (means[b] ?? Infinity) ? a : b);
  const paired = SEEDS.map((_, index) => {
    const [ours, theirs] = [RECOMMENDED.title, best].map((title) =>
      results.get(title)?.[index]?.mean
    );
    return (ours ?? NaN) / (theirs ?? NaN) - 1;
  });
  const { mean, halfWidth } = estimate(paired);
  const overBound = (means[RECOMMENDED.title] ?? NaN) / (means["bound M/G/K"] ?? NaN);
  return { nodes, load, means, p99s, best, surelyWorse: mean - halfWidth, overBound };
}

function draw(cells: readonly Cell[], figure: "means" | "p99s"): string {
  const header = ["", ...cells.map(({ nodes, load }) => `${nodes}x${load}`)];
  return drawTable(
    header,
    contestants.map(({ title }) => [
      title,
      ...cells.map((cell) => (cell[figure][title] ?? NaN).toFixed(2)),
    ]),
  );
}

/** Runs it and returns the figures. */
export function policy(): Promise<Record<string, unknown>> {
  const cells: Cell[] = [];
  for (const [nodes, seconds] of SIZES) {
    for (const load of LOADS) cells.push(cellOf(nodes, load, seconds));
    const row = cells.slice(-LOADS.length);
    console.log(`\n  ${nodes} nodes: mean slowdown\n${draw(row, "means")}`);
    console.log(`\n  ${nodes} nodes: 99th percentile of the slowdown\n${draw(row, "p99s")}`);
  }
  const worst = cells.reduce((a, b) => a.surelyWorse >= b.surelyWorse ? a : b);
  const busy = cells.filter(({ load }) => load >= 0.7 && load <= 0.9);
  const overBound = Math.max(...busy.map((cell) => cell.overBound));
  console.log(
    `\n  ${RECOMMENDED.title} is surely worse than the best of a cell by ` +
      `${(100 * Math.max(0, worst.surelyWorse)).toFixed(2)} % at most; at loads 0.7 to 0.9 it is ` +
      `within ${overBound.toFixed(3)} of the bound`,
  );
  return Promise.resolve({
    recommended: RECOMMENDED.title,
    surelyWorseThanBest: round(Math.max(0, worst.surelyWorse), 4),
    overBoundAt07To09: round(overBound),
    cells,
  });
}
