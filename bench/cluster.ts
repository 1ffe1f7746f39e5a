/**
 * `npm run bench -- cluster`: four real hosts beside the simulator.
 *
 * The same small workloads run on both, the simulator told what was measured on those hosts: is
 * what a simulation promises what a cluster does? With the name of a policy behind it, the pairs
 * of that one alone.
 *
 * @module
 */
import type { PolicyName } from "../lib/core/contract/policy.ts";
import { estimate } from "../lib/sim/report/statistics.ts";
import { haveNamespaces, noNamespacesReason, type Testbed } from "../tests/testbed/mod.ts";
import {
  cluster,
  measure,
  type Measured,
  openHosts,
  type RealRun,
  runWorkload,
  startDaemons,
  stopDaemons,
} from "./cluster_hosts.ts";
import { drawWorkload, simulate, type SimulatedRun } from "./cluster_model.ts";
import { drawTable, mean, round } from "./table.ts";

const thresholds = { thu: 0, thf: 1, thv: 2 } as const;
/** Policies, the default first, and the number of pairs of each. */
const series: readonly (readonly [policy: PolicyName, pairs: number])[] = [
  ["sharing", 20],
  ["probing", 20],
  ["thesis", 5],
];

/** One workload on the hosts and in the simulator. */
interface Pair {
  readonly seed: number;
  readonly real: RealRun;
  readonly simulated: SimulatedRun;
  /** Mean response in the simulator when nobody moves. */
  readonly unmoved: number;
}

function tell(measured: Measured): void {
  const { got, daemon, launchMs, decideMs, freezeMs, bytesPerMs, imageBytes, moveMs } = measured;
  const shares = got.map((share) => share.toFixed(3)).join(", ");
  console.log(`Measured before the runs, on ${cluster.nodes} hosts of ${cluster.fraction} CPU:
  CPU that each got while all computed: ${shares}
  CPU of a daemon that does nothing: ${daemon.toFixed(4)}
  a launch: ${launchMs.toFixed(0)} ms of CPU time
  from the wish to send to the freeze: ${decideMs.toFixed(0)} ms
  a freeze: ${freezeMs.toFixed(1)} ms, and its bytes at ${(bytesPerMs / 125).toFixed(0)} Mbit/s
  an image without memory of the program's own: ${(imageBytes / 1e6).toFixed(2)} MB
  CPU time of a move besides: ${moveMs.map((ms) => `${ms.toFixed(0)} ms`).join(" and ")}
`);
}

async function runPairs(
  bed: Testbed,
  policy: PolicyName,
  pairs: number,
  measured: Measured,
): Promise<Pair[]> {
  const results: Pair[] = [];
  for (let seed = 1; seed <= pairs; seed++) {
    const arrivals = drawWorkload(seed);
    const simulated = simulate(arrivals, policy, thresholds, measured);
    const unmoved = simulate(arrivals, "none", thresholds, measured).response;
    const real = await runWorkload(bed, arrivals);
    results.push({ seed, real, simulated, unmoved });
    console.log(
      `  ${policy}, seed ${seed}: real ${real.response.toFixed(2)} s, ` +
        `simulated ${simulated.response.toFixed(2)} s`,
    );
  }
  return results;
}

function drawPairs(pairs: readonly Pair[]): string {
  const rows = pairs.map(({ seed, real, simulated, unmoved }) => [
    String(seed),
    real.response.toFixed(2),
    simulated.response.toFixed(2),
    (real.response / simulated.response).toFixed(3),
    String(real.moves),
    simulated.moves.toFixed(1),
    unmoved.toFixed(2),
    (100 * real.given).toFixed(1),
  ]);
  const header = ["seed", "real s", "simulated s", "ratio", "moves", "simulated", "unmoved s"];
  return drawTable([...header, "CPU given, %"], rows);
}

/** The means, and the paired interval of their difference, as shares of the simulated mean. */
function figures(pairs: readonly Pair[]): Record<string, number> {
  const over = (of: (pair: Pair) => number) => mean(pairs.map(of));
  const simulated = over((pair) => pair.simulated.response);
  const difference = estimate(pairs.map((pair) => pair.real.response - pair.simulated.response));
  return {
    pairs: pairs.length,
    realSeconds: round(over(({ real }) => real.response)),
    simulatedSeconds: round(simulated),
    difference: round(difference.mean / simulated, 4),
    halfWidth: round(difference.halfWidth / simulated, 4),
    realMoves: round(over(({ real }) => real.moves)),
    simulatedMoves: round(over((pair) => pair.simulated.moves)),
    aborted: over(({ real }) => real.aborted) * pairs.length,
    unmovedSeconds: round(over(({ unmoved }) => unmoved)),
    cpuGiven: round(over(({ real }) => real.given)),
  };
}

/** Runs it and returns the figures. */
export async function clusterVsSim(): Promise<Record<string, unknown>> {
  if (!haveNamespaces) {
    const skipped = `the hosts' network and control groups: ${noNamespacesReason}`;
    console.log(`Skipped: ${skipped}`);
    return { skipped };
  }
  const only = Deno.args.filter((argument) => argument !== "--")[1];
  const chosen = series.filter(([policy]) => only === undefined || policy === only);
  const first = chosen[0]?.[0];
  if (first === undefined) throw new Error(`The cluster bench has no pairs of policy ${only}`);
  await using bed = await openHosts();
  await startDaemons(bed, first, thresholds);
  const measured = await measure(bed);
  await stopDaemons(bed);
  tell(measured);
  const results: Record<string, unknown> = {};
  for (const [policy, count] of chosen) {
    await startDaemons(bed, policy, thresholds);
    const pairs = await runPairs(bed, policy, count, measured);
    await stopDaemons(bed);
    const all = figures(pairs);
    console.log(`\nPolicy ${policy}, thresholds 0/1/2:\n${drawPairs(pairs)}`);
    console.log(
      `  mean ${all.realSeconds} s real, ${all.simulatedSeconds} s simulated: the real one differs ` +
        `by ${percent(all.difference)} +- ${percent(all.halfWidth)} (95 %, paired)\n`,
    );
    results[policy] = all;
  }
  return { measured, clusterVsSim: results };
}

function percent(share = NaN): string {
  return `${(100 * share).toFixed(1)} %`;
}
