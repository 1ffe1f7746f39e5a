/**
 * Example: simulates a policy of one's own beside those of lb.
 *
 * The same jobs come to sixteen nodes under each policy, so that the figures differ by the policy
 * alone. Run it by `deno run examples/simulate_my_policy.ts`.
 *
 * @module
 */
import { policies, type Policy } from "lb";
import { boundedPareto, deterministic, makeLists, randomWorkload, simulate } from "lb/sim";

const NODES = 16;
const LOAD = 0.8;
/** Few long jobs are most of the work. In milliseconds. */
const service = boundedPareto(1.5, 1000, 100_000);

/** Mine: nodes that are under ask for processes, too; old processes leave first. */
const mine: Policy = { ...policies.thesis, initiation: "symmetric", asks: 3, ageCost: true };

/** Simulates a policy; null: nobody moves. */
function run(policy: Policy | null) {
  return simulate({
    speeds: Array.from({ length: NODES }, () => 1),
    cores: Array.from({ length: NODES }, () => 1),
    lists: makeLists("hypercube", NODES, 10),
    balancer: policy &&
      { policy, thresholds: { thu: 1, thf: 3, thv: 4 }, select: "most-cpu" },
    checkMs: 5000,
    workload: randomWorkload({
      nodes: NODES,
      ratePerMs: LOAD * NODES / service.mean,
      service,
      memory: deterministic(16 * 2 ** 20),
      pattern: { kind: "poisson" },
      seed: 1,
    }),
    network: {
      latencyMs: 0.2,
      jitterMs: 0,
      bytesPerMs: 125_000,
      loss: 0,
      reorders: false,
      detectMs: 3000,
    },
    freezeMs: 20,
    faults: [],
    seed: 1,
    warmupMs: 60_000,
    durationMs: 1_200_000,
  });
}

for (const [name, policy] of Object.entries({ none: null, thesis: policies.thesis, mine })) {
  const { response, slowdown, counts } = run(policy);
  console.log(
    `${name.padEnd(8)} mean response ${response.mean.toFixed(2)} s, ` +
      `mean slowdown ${slowdown.mean.toFixed(2)}, ${counts.moves} moves`,
  );
}
