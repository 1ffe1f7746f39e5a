/**
 * The workload and the simulator's side of `npm run bench -- cluster`.
 *
 * @module
 */
import { policies, type PolicyName } from "../lib/core/contract/policy.ts";
import type { Thresholds } from "../lib/core/contract/config.ts";
import { boundedPareto, exponential } from "../lib/sim/model/distributions.ts";
import { Simulation } from "../lib/sim/simulation.ts";
import { meanOf } from "../lib/sim/report/statistics.ts";
import { type Arrival, listedWorkload, randomWorkload } from "../lib/sim/model/workload.ts";
import { cluster, type Measured } from "./cluster_hosts.ts";
import { mean } from "./table.ts";

const JOBS = 14;
const LOAD = 0.75;
/** Seconds of CPU time. */
const service = boundedPareto(1.5, 2, 10);
const MEMORY_MIB = 16;
/** Each run of a workload draws anew when the checks are and whom a node asks. */
const DRAWS = 40;
const DURATION_MS = 600_000;
/** One way between two namespaces; what the daemons take is in `decideMs`. */
const LATENCY_MS = 0.1;
/** Messages between the first byte of a move's memory and the end of its freeze. */
const FREEZE_MESSAGES = 5;

/** The jobs of a seed; sizes are whole MiB. */
export function drawWorkload(seed: number): Arrival[] {
  const next = randomWorkload({
    nodes: cluster.nodes,
    ratePerMs: LOAD * cluster.nodes * cluster.fraction / (service.mean * 1000),
    service: { ...service, draw: (prng) => Math.round(1000 * service.draw(prng)) },
    memory: exponential(MEMORY_MIB),
    pattern: { kind: "poisson" },
    seed,
  });
  return Array.from({ length: JOBS }, () => {
    const arrival = next();
    if (arrival === null) throw new Error("A drawn workload does not end");
    return { ...arrival, bytes: arrival.bytes * 2 ** 20 };
  });
}

/** What a simulated run gave: the means over all draws. */
export interface SimulatedRun {
  /** Mean response in seconds. */
  readonly response: number;
  readonly moves: number;
}

/** Simulates a workload. */
export function simulate(
  arrivals: readonly Arrival[],
  policy: PolicyName | "none",
  thresholds: Thresholds,
  measured: Measured,
): SimulatedRun {
  const runs = Array.from({ length: DRAWS }, (_, draw) => {
    const { nodes, fraction, frequency, select } = cluster;
    const simulation = new Simulation({
      speeds: Array.from({ length: nodes }, () => fraction - measured.daemon),
      cores: Array.from({ length: nodes }, () => 1),
      // On the hosts too each has all others in the order of their numbers.
      lists: Array.from(
        { length: nodes },
        (_, node) => Array.from({ length: nodes }, (_, peer) => peer).filter((one) => one !== node),
      ),
      balancer: policy === "none" ? null : { thresholds, select, policy: policies[policy] },
      checkMs: frequency * 1000,
      workload: listedWorkload(
        arrivals.map((one) => ({ ...one, bytes: one.bytes + measured.imageBytes })),
      ),
      network: {
        latencyMs: LATENCY_MS,
        jitterMs: 0,
        bytesPerMs: measured.bytesPerMs,
        loss: 0,
        reorders: false,
        detectMs: 3000,
      },
      freezeMs: Math.max(0, measured.freezeMs - FREEZE_MESSAGES * LATENCY_MS),
      launchMs: measured.launchMs,
      decideMs: measured.decideMs,
      faults: [],
      seed: draw,
      warmupMs: 0,
      durationMs: DURATION_MS,
    });
    simulation.advance(DURATION_MS);
    const { counts, responses } = simulation.recorder;
    if (counts.ended !== arrivals.length) throw new Error("Not every simulated job has ended");
    return { response: meanOf(responses.values), moves: counts.moves };
  });
  return {
    response: mean(runs.map(({ response }) => response)),
    moves: mean(runs.map(({ moves }) => moves)),
  };
}
