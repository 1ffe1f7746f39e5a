/**
 * Small clusters with all that can break, by seed.
 *
 * What `lb simulate --check` runs, and the tests of what must always hold.
 *
 * @module
 */

import type { Prng } from "../../base/prng.ts";
import { locations, policies, type PolicyName } from "../../core/contract/policy.ts";
import { selections, type Thresholds } from "../../core/contract/config.ts";
import type { Fault } from "../model/faults.ts";
import { makeLists } from "../model/lists.ts";
import type { Observer, SimulationOptions } from "../model/options.ts";
import { type Arrival, listedWorkload, randomStream } from "../model/workload.ts";

/** Jobs come and things break for so long. */
const FAULTS_MS = 90_000;
/** Then, after the last fault's end, all is whole for long enough that every time-out passes. */
const QUIET_MS = 200_000;

/** Thresholds of the scenarios: the thesis's, the tightest ones, a wide band. */
const THRESHOLDS: readonly Thresholds[] = [
  { thu: 1, thf: 3, thv: 4 },
  { thu: 0, thf: 1, thv: 2 },
  { thu: 1, thf: 2, thv: 3 },
  { thu: 2, thf: 5, thv: 6 },
];

/** Time-outs of the scenarios' balancers, shorter than by default so that all are seen to pass. */
export const timeouts = {
  offerTimeoutMs: 3_000,
  reservationTimeoutMs: 6_000,
  moveTimeoutMs: 30_000,
  retryDelayMs: 500,
  checkMs: 4_000,
} as const;

/** Slowest and fastest clock: far worse than any crystal. */
export const clockRates = { min: 0.8, max: 1.25 } as const;

/** Draws short jobs and some that never end, half of them on one node. */
function drawJobs(nodes: number, prng: Prng): Arrival[] {
  const count = 5 + prng.nextInt(10 * nodes);
  const hot = prng.nextInt(nodes);
  const jobs = Array.from({ length: count }, (): Arrival => ({
    atMs: prng.nextFloat() * FAULTS_MS * 0.9,
    node: prng.nextInt(2) === 0 ? hot : prng.nextInt(nodes),
    demandMs: prng.nextInt(4) === 0 ? 1e9 : 200 + prng.nextExponential(5_000),
    bytes: prng.nextInt(prng.pick([2e6, 5e8])),
    isPinned: prng.nextInt(8) === 0,
  }));
  return jobs.sort((a, b) => a.atMs - b.atMs);
}

/** Numbers of threads in every third scenario: some have more than any node has cores. */
const THREADS = [1, 1, 2, 3, 4, 8] as const;

/** Draws what a scenario with threads has besides, so that the others are as without it. */
function drawThreads(seed: number, nodes: number): {
  readonly threadsOf: () => Partial<Arrival>;
  readonly cores?: readonly number[];
} {
  const prng = randomStream(seed, 32);
  if (prng.nextInt(3) > 0) return { threadsOf: () => ({}) };
  const cores = Array.from({ length: nodes }, () => prng.pick([1, 2, 4]));
  return { threadsOf: () => ({ threads: prng.pick(THREADS) }), cores };
}

/** Draws a fault; it likes to come when a job has just come, as moves begin then. */
function drawFault(nodes: number, jobs: readonly Arrival[], prng: Prng): Fault {
  const startMs = prng.pick(jobs).atMs + prng.nextExponential(prng.pick([300, 3_000]));
  // Some so short that nobody notices.
  const endMs = startMs + prng.nextExponential(prng.pick([300, 3_000, 12_000]));
  const node = prng.nextInt(nodes);
  switch (prng.nextInt(12)) {
    case 0:
      return { kind: "crash", node, startMs, endMs };
    case 1:
      return { kind: "partition", size: 1 + prng.nextInt(nodes - 1), startMs, endMs };
    case 2:
      return { kind: "restart", node, epoch: prng.nextInt(100), startMs };
    case 3:
    case 4:
      return { kind: "drain", node, startMs, endMs };
    default:
      return {
        kind: "cut",
        a: node,
        b: (node + 1 + prng.nextInt(nodes - 1)) % nodes,
        startMs,
        endMs,
      };
  }
}

/** A move that a person asks for. */
export interface Asked {
  readonly atMs: number;
  /** Which of the jobs there are then, and where to: both to be taken modulo their number. */
  readonly job: number;
  readonly to: number;
}

/** Draws moves by hand. */
export function drawAsked(seed: number): Asked[] {
  const prng = randomStream(seed, 31);
  return Array.from({ length: prng.nextInt(8) }, (): Asked[] => {
    const atMs = prng.nextFloat() * FAULTS_MS, job = prng.nextInt(1000);
    // Some ask again before there is an answer.
    const times = prng.pick([1, 1, 4]);
    return Array.from({ length: times }, () => ({ atMs, job, to: prng.nextInt(1000) }));
  }).flat();
}

/** Makes the options of a scenario. */
export function drawScenario(seed: number, observer: Observer): SimulationOptions {
  const prng = randomStream(seed, 30);
  const nodes = 2 + prng.nextInt(5);
  const { checkMs, ...balancer } = timeouts;
  const repeat = (draw: () => number) => Array.from({ length: nodes }, draw);
  const [name, thresholds] = [
    prng.pick(Object.keys(policies) as PolicyName[]),
    prng.pick(THRESHOLDS),
  ];
  const location = prng.pick(locations), smoothingMs = prng.pick([0, 0, 0, 2_000]);
  const ageCost = policies[name].ageCost && prng.nextInt(2) === 0;
  const policy = { ...policies[name], location, smoothingMs, ageCost };
  const { threadsOf, ...wide } = drawThreads(seed, nodes);
  const jobs = drawJobs(nodes, prng).map((job) => ({ ...job, ...threadsOf() }));
  const faults = Array.from({ length: prng.nextInt(40) }, () => drawFault(nodes, jobs, prng));
  // What one fault's end mends must not be another's.
  const apart = faults.filter((fault, index) =>
    !faults.slice(0, index).some((other) => overlap(fault, other))
  );
  return {
    speeds: repeat(() => prng.pick([1, 1, 0.5])),
    cores: repeat(() => prng.pick([1, 1, 2])),
    ...wide,
    lists: makeLists(prng.pick(["full", "ring", "chord"]), nodes, 6),
    balancer: { ...balancer, thresholds, select: prng.pick(selections), policy },
    checkMs,
    workload: listedWorkload(jobs),
    network: {
      latencyMs: prng.pick([0.2, 5, 80]),
      jitterMs: prng.pick([0, 1, 50]),
      bytesPerMs: 125_000,
      loss: prng.pick([0, 0, 0.05, 0.2]),
      resets: prng.pick([0, 0.03, 0.2]),
      reorders: prng.nextInt(2) === 0,
      // Offers time out before the link is known to be gone, or after.
      detectMs: prng.pick([2_000, 5_000]),
    },
    freezeMs: 20,
    ...prng.nextInt(3) === 0 ? { memoryBytes: repeat(() => prng.pick([1e7, 1e8, 1e9])) } : {},
    lostLooks: prng.pick([0, 0, 0.2]),
    faults: apart,
    seed,
    warmupMs: 0,
    durationMs: QUIET_MS + apart.reduce(
      (lastMs, fault) => Math.max(lastMs, "endMs" in fault ? fault.endMs : fault.startMs),
      FAULTS_MS,
    ),
    clocks: Array.from({ length: nodes }, () => ({
      rate: prng.pick([1, clockRates.min, clockRates.max]),
      startMs: prng.nextInt(1e6),
    })),
    observer,
  };
}

/** Whether two faults of one kind are at the same place at the same time. */
function overlap(a: Fault, b: Fault): boolean {
  if (a.kind === "restart" || b.kind === "restart") return false;
  if (a.startMs > b.endMs || b.startMs > a.endMs) return false;
  if (a.kind === "partition") return b.kind === "partition";
  if (a.kind === "crash" || a.kind === "drain") return b.kind === a.kind && a.node === b.node;
  return b.kind === "cut" && (a.a === b.a || a.a === b.b) && (a.b === b.a || a.b === b.b);
}
