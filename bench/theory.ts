/**
 * `npm run bench -- theory`: the simulator beside formulas.
 *
 * And beside what Shin and Chang say of associated sets and preferred lists, with the balancer
 * itself.
 *
 * @module
 */
import {
  deterministic,
  type Distribution,
  exponential,
  mixture,
} from "../lib/sim/model/distributions.ts";
import * as formulas from "../lib/sim/theory/formulas.ts";
import { makeLists, shuffled } from "../lib/sim/model/lists.ts";
import { type ReferencePolicy, ReferenceSimulation } from "../lib/sim/theory/reference.ts";
import type { Recorder } from "../lib/sim/report/recorder.ts";
import { Simulation } from "../lib/sim/simulation.ts";
import { batchMeans, type Estimate, estimate, meanOf } from "../lib/sim/report/statistics.ts";
import { randomStream, randomWorkload } from "../lib/sim/model/workload.ts";
import { drawTable, round } from "./table.ts";

/** Relative error that is always allowed: what finite numbers of nodes cost the limit formulas. */
const TOLERANCE = 0.03;

/** One comparison. */
interface Row {
  /** Name of the formula; the key of its largest error in the JSON is this with `Error`. */
  readonly formula: string;
  readonly title: string;
  readonly theory: number;
  readonly simulated: Estimate;
}

interface Run {
  readonly load: number;
  readonly nodes: number;
  readonly cores?: number;
  readonly threads?: Distribution;
  readonly policy: ReferencePolicy;
  readonly warmup: number;
  readonly duration: number;
  readonly seed?: number;
}

/** Makes a cluster whose jobs need one time unit of work in the mean. */
function simulationOf({ load, nodes, cores = 1, threads, policy, warmup, seed = 1 }: Run) {
  const workload = randomWorkload({
    nodes,
    ratePerMs: load * nodes * cores,
    service: exponential(1),
    memory: deterministic(1),
    ...threads === undefined ? {} : { threads },
    pattern: { kind: "poisson" },
    seed,
  });
  return new ReferenceSimulation({ nodes, cores, policy, workload, seed, warmupMs: warmup });
}

function response(run: Run): Estimate {
  const simulation = simulationOf(run);
  simulation.advance(run.warmup + run.duration);
  return batchMeans(simulation.responses.values);
}

/** M/M/1 forgets its start in 1 / (1 - sqrt(load))^2 service times: four of them pass unseen. */
const isolated = (load: number) => 4 / (1 - Math.sqrt(load)) ** 2;

function queues(): Row[] {
  const rows: Row[] = [];
  for (const load of [0.5, 0.7, 0.9]) {
    const policy: ReferencePolicy = { kind: "none" };
    const run = { load, nodes: 500, policy, warmup: isolated(load), duration: 1500 };
    rows.push({
      formula: "mm1",
      title: `M/M/1, load ${load}`,
      theory: formulas.mm1(load),
      simulated: response(run),
    });
    for (const cores of [10, 20]) {
      rows.push({
        formula: "mmk",
        title: `M/M/${cores}, load ${load}`,
        theory: formulas.mmk(load, cores),
        simulated: response({ ...run, nodes: 50, cores, warmup: 60, duration: 600 }),
      });
    }
  }
  return rows;
}

/** Jobs of several threads: all alike, which fill a node as fast servers do, and two kinds on one core. */
function threads(): Row[] {
  const rows: Row[] = [];
  const policy: ReferencePolicy = { kind: "none" };
  for (const load of [0.5, 0.7, 0.9]) {
    const run = { load, policy, warmup: isolated(load), duration: 1500 };
    for (const count of [2, 4, 8]) {
      rows.push({
        formula: "threaded",
        title: `${count} threads on 4 cores, load ${load}`,
        theory: formulas.threaded(load, 4, count),
        simulated: response({ ...run, nodes: 500, cores: 4, threads: deterministic(count) }),
      });
    }
    const simulation = simulationOf({ ...run, nodes: 500, threads: mixture(1, 4, 0.5) });
    simulation.advance(run.warmup + run.duration);
    const classes = [1, 4].map((count) => ({ load: load / 2, threads: count })) as [
      formulas.ThreadClass,
      formulas.ThreadClass,
    ];
    const theories = formulas.sharedByThreads(...classes);
    for (const [index, { threads: count }] of classes.entries()) {
      rows.push({
        formula: "sharedByThreads",
        title: `${count} of 1 and 4 threads on a core, load ${load}`,
        theory: theories[index] ?? NaN,
        simulated: batchMeans(
          simulation.responsesByThreads.get(count)?.values ?? new Float64Array(),
        ),
      });
    }
  }
  return rows;
}

/** Policies whose formulas are of endless nodes. */
function policies(): Row[] {
  const rows: Row[] = [];
  const add = (
    formula: string,
    title: string,
    load: number,
    theory: number,
    policy: ReferencePolicy,
  ) =>
    rows.push({
      formula,
      title: `${title}, load ${load}`,
      theory,
      simulated: response({ load, nodes: 2000, policy, warmup: 120, duration: 120 }),
    });
  for (const load of [0.7, 0.9, 0.95]) {
    for (const d of [2, 3]) {
      add("choices", `${d} choices`, load, formulas.choices(load, d), { kind: "choices", d });
    }
    add("stealing", "work stealing", load, formulas.stealing(load), { kind: "stealing" });
  }
  for (const load of [0.5, 0.7, 0.8, 0.9]) {
    for (const [threshold, probes] of [[1, 3], [2, 3], [2, 5]] as const) {
      const policy = { kind: "senderThreshold", threshold, probes } as const;
      const theory = formulas.senderThreshold(load, threshold, probes);
      add("senderThreshold", `threshold ${threshold}, ${probes} probes`, load, theory, policy);
    }
  }
  return rows;
}

/** Where a threshold of 2 becomes better than 1: between two loads, on the line through both. */
function crossover(): Row {
  const [low, high] = [0.78, 0.82];
  const differences = (seed: number) =>
    [low, high].map((load) => {
      const [one = NaN, two = NaN] = [1, 2].map((threshold) =>
        response({
          load,
          nodes: 2000,
          policy: { kind: "senderThreshold", threshold, probes: 3 },
          warmup: 60,
          duration: 60,
          seed,
        }).mean
      );
      return one - two;
    });
  const crossings = [1, 2, 3].map((seed) => {
    const [below = NaN, above = NaN] = differences(seed);
    return low + (high - low) * -below / (above - below);
  });
  return {
    formula: "thresholdCrossover",
    title: "threshold 2 beats 1 from load",
    theory: formulas.thresholdCrossover(3),
    simulated: estimate(crossings),
  };
}

/** What isolated nodes would tell each other, and what that would be good for. */
function isolatedNodes(): Row[] {
  const rows: Row[] = [];
  const nodes = 1000, duration = 400;
  for (const load of [0.5, 0.8]) {
    const warmup = isolated(load);
    const simulation = simulationOf({ load, nodes, policy: { kind: "none" }, warmup, duration });
    const counts = [5, 10, 20];
    const shares: number[][] = counts.map(() => []);
    const changes: Float64Array[] = [];
    const parts = 20;
    simulation.advance(warmup);
    for (let part = 0; part < parts; part++) {
      const sums = counts.map(() => 0);
      const before = simulation.changes.slice();
      const looks = duration / parts;
      for (let look = 1; look <= looks; look++) {
        simulation.advance(warmup + part * looks + look);
        counts.forEach((size, index) =>
          sums[index] = (sums[index] ?? 0) + badShare(simulation, size)
        );
      }
      sums.forEach((sum, index) => shares[index]?.push(sum / looks));
      changes.push(
        simulation.changes.map((count, n) => (count - (before[n] ?? 0)) / nodes / looks),
      );
    }
    for (const boundary of [0, 1, 2, 3]) {
      rows.push({
        formula: "stateChanges",
        title: `changes between ${boundary} and ${boundary + 1}, load ${load}`,
        theory: formulas.stateChanges(load, boundary),
        simulated: estimate(changes.map((rates) => rates[boundary] ?? NaN)),
      });
    }
    for (const [index, size] of counts.entries()) {
      rows.push({
        formula: "idleWhileWaiting",
        title: `idle while a job waits, ${size} nodes, load ${load}`,
        theory: formulas.idleWhileWaiting(load, size),
        simulated: estimate(shares[index] ?? []),
      });
    }
  }
  return rows;
}

/** Share of groups of so many nodes where one is idle while at another a job waits. */
function badShare({ stations }: ReferenceSimulation, size: number): number {
  const groups = Math.floor(stations.speeds.length / size);
  let bad = 0;
  for (let group = 0; group < groups; group++) {
    let isIdle = false, waits = false;
    for (let node = group * size; node < (group + 1) * size; node++) {
      isIdle ||= stations.count(node) === 0;
      waits ||= stations.count(node) >= 2;
    }
    if (isIdle && waits) bad++;
  }
  return bad / groups;
}

/** Orders of preferred lists: lb's; one of chance for each node; the same for all nodes. */
const ORDERS = ["preferred", "random", "same"] as const;

interface Cluster {
  readonly buddies: number;
  readonly order: (typeof ORDERS)[number];
  readonly load: number;
  readonly seed: number;
}

/** A hypercube of 256 of the balancers themselves, under letters that are late. */
function balanced({ buddies, order, load, seed }: Cluster): Recorder {
  const nodes = 256;
  const lists = makeLists("hypercube", nodes, buddies);
  const orders = {
    preferred: () => lists,
    random: () => shuffled(lists, randomStream(seed, 8)),
    same: () => lists.map((list) => list.toSorted((a, b) => a - b)),
  };
  const simulation = new Simulation({
    speeds: lists.map(() => 1),
    cores: lists.map(() => 1),
    lists: orders[order](),
    balancer: { thresholds: { thu: 0, thf: 1, thv: 2 }, select: "most-cpu" },
    checkMs: 5000,
    workload: randomWorkload({
      nodes,
      ratePerMs: load * nodes / 10_000,
      service: exponential(10_000),
      memory: deterministic(2 ** 20),
      pattern: { kind: "poisson" },
      seed,
    }),
    network: {
      latencyMs: 300,
      jitterMs: 0,
      bytesPerMs: 125_000,
      loss: 0,
      reorders: false,
      detectMs: 3000,
    },
    freezeMs: 20,
    faults: [],
    seed,
    warmupMs: 200_000,
    durationMs: 800_000,
  });
  simulation.advance(800_000);
  return simulation.recorder;
}

/** Sizes of associated sets that Shin and Chang compare: 10 beats less, beyond 15 gains little. */
const SETS = [2, 5, 10, 15, 25];

/** What Shin and Chang, IEEE TC 38(8), 1989, say of the size of associated sets. */
function associatedSets(): Record<string, unknown> {
  const slowdowns = SETS.map((buddies) =>
    [1, 2, 3].map((seed) =>
      meanOf(balanced({ buddies, order: "preferred", load: 0.8, seed }).slowdowns.values)
    )
  );
  console.log("\n  lb's balancer on 256 nodes, load 0.8, thresholds 0, 1, 2, letters 300 ms late");
  const cells = SETS.map((buddies, index) => {
    const { mean, halfWidth } = estimate(slowdowns[index] ?? []);
    return [String(buddies), mean.toFixed(3), halfWidth.toFixed(3)];
  });
  console.log(drawTable(["associated", "slowdown", "+- 95 %"], cells));
  const gain = (from: number, to: number) => {
    const [before = [], after = []] = [from, to].map((size) => slowdowns[SETS.indexOf(size)]);
    return round(1 - meanOf(after) / meanOf(before), 4);
  };
  return { gainFrom5To10: gain(5, 10), gainFrom15To25: gain(15, 25) };
}

/** What the order of preferred lists is good for: seldom to choose what another has just chosen. */
function listOrders(): Record<string, unknown> {
  const shares = ORDERS.map((order) =>
    [1, 2, 3, 4, 5].map((seed) => {
      const { counts } = balanced({ buddies: 10, order, load: 0.4, seed });
      return counts.collisions / counts.moves;
    })
  );
  console.log("\n  the same with 10 associated nodes each, load 0.4");
  const cells = ORDERS.map((order, index) => {
    const { mean, halfWidth } = estimate(shares[index] ?? []);
    return [order, mean.toFixed(4), halfWidth.toFixed(4)];
  });
  console.log(drawTable(["order", "collisions a transfer", "+- 95 %"], cells));
  const [preferred = [], random = [], same = []] = shares;
  return {
    collisionsPreferred: round(meanOf(preferred), 4),
    collisionsRandom: round(meanOf(random), 4),
    collisionsSame: round(meanOf(same), 4),
  };
}

/** Runs it and returns the figures. */
export function theory(): Promise<Record<string, unknown>> {
  const rows = [...queues(), ...threads(), ...policies(), crossover(), ...isolatedNodes()];
  const errors: Record<string, number> = {};
  let outside = 0;
  const cells = rows.map(({ formula, title, theory, simulated: { mean, halfWidth } }) => {
    const error = Math.abs(mean / theory - 1);
    const key = `${formula}Error`;
    errors[key] = Math.max(errors[key] ?? 0, round(error, 5));
    const isWithin = error <= Math.max(TOLERANCE, halfWidth / theory);
    if (!isWithin) outside++;
    const figures = [theory, mean, halfWidth].map((value) => value.toFixed(4));
    return [title, ...figures, (100 * error).toFixed(2), isWithin ? "" : "OUTSIDE"];
  });
  console.log(drawTable(["", "theory", "simulated", "+- 95 %", "error %", ""], cells));
  const allowed = `the larger of ${100 * TOLERANCE} % and the interval`;
  console.log(`\n  ${rows.length} comparisons, ${outside} outside ${allowed}`);
  return Promise.resolve({
    ...errors,
    comparisons: rows.length,
    outside,
    ...associatedSets(),
    ...listOrders(),
  });
}
