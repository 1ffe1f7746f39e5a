/**
 * Clusters whose members come, go and break, drawn from a seed.
 *
 * @module
 */

import type { Prng } from "../../base/prng.ts";
import { randomStream } from "../model/workload.ts";

/** What happens to a cluster, by number of node. */
export type Happening =
  & { readonly atMs: number }
  & (
    /** A person has the node join the cluster, through a member drawn then; again until it is in. */
    | { readonly kind: "join" | "leave"; readonly node: number }
    /** The machine is down until then; `forgets`: its runtime directory is gone, its clock set back. */
    | {
      readonly kind: "crash";
      readonly node: number;
      readonly endMs: number;
      readonly forgets: boolean;
    }
    /** The daemon is killed, and starts again then. */
    | { readonly kind: "restart"; readonly node: number; readonly endMs: number }
    /** The daemon is stopped (SIGSTOP) until then. */
    | { readonly kind: "stall"; readonly node: number; readonly endMs: number }
    /** All that the node does is late by up to so much until then: its machine is overloaded. */
    | {
      readonly kind: "slow";
      readonly node: number;
      readonly endMs: number;
      readonly byMs: number;
    }
    /** Nodes below `size` and the others do not reach each other. */
    | { readonly kind: "partition"; readonly size: number; readonly endMs: number }
    /** What `node` sends to `to` does not arrive; `both`: nor the other way. */
    | {
      readonly kind: "cut";
      readonly node: number;
      readonly to: number;
      readonly both: boolean;
      readonly endMs: number;
    }
    /** The node's announced letter changes. */
    | { readonly kind: "letter"; readonly node: number }
  );

/** A cluster, and what happens to it. */
export interface Scenario {
  readonly seed: number;
  readonly nodes: number;
  /** The nodes below this number are a cluster from the start. */
  readonly founders: number;
  /** Their configs name each other; else only the first one is there, and the others join. */
  readonly isFixed: boolean;
  readonly listMax: number;
  readonly checkMs: number;
  readonly latencyMs: number;
  readonly jitterMs: number;
  /** Probability that a message is lost, to the end of the scenario; and that it comes twice. */
  readonly loss: number;
  readonly repeats: number;
  /** How fast each clock runs, and what it shows at the start. */
  readonly clocks: readonly { readonly rate: number; readonly startMs: number }[];
  readonly happenings: readonly Happening[];
  /** A node that crashes, and is never back; null: none. */
  readonly gone: { readonly node: number; readonly atMs: number } | null;
  /** The end of the last fault. */
  readonly calmMs: number;
}

/** Things happen for so long. */
const BUSY_MS = 120_000;
/** Longer than any time-out of a healthy node. */
const FAULT_MS_MEAN = 15_000;

/** Draws a scenario. */
export function drawScenario(seed: number): Scenario {
  const prng = randomStream(seed, 40);
  const nodes = 3 + prng.nextInt(7);
  const isFixed = prng.nextInt(2) === 0;
  const founders = isFixed ? 2 + prng.nextInt(nodes - 1) : 1;
  const happenings: Happening[] = [];
  for (let node = founders; node < nodes; node++) {
    happenings.push({ kind: "join", node, atMs: prng.nextFloat() * BUSY_MS / 2 });
  }
  const count = prng.nextInt(25);
  for (let index = 0; index < count; index++) happenings.push(drawHappening(nodes, prng));
  // Where two forget their cluster there may be nobody to remind them.
  const forgetful = happenings.findIndex((one) => one.kind === "crash" && one.forgets);
  const drawn = happenings.map((one, index) =>
    one.kind === "crash" ? { ...one, forgets: index === forgetful } : one
  );
  const calmMs = happenings.reduce(
    (lastMs, one) => Math.max(lastMs, "endMs" in one ? one.endMs : one.atMs),
    BUSY_MS,
  );
  const isGone = prng.nextInt(3) === 0;
  const gone = { node: prng.nextInt(nodes), atMs: prng.nextFloat() * BUSY_MS };
  return {
    seed,
    nodes,
    gone: isGone ? gone : null,
    founders,
    isFixed,
    listMax: prng.pick([2, 4, 10]),
    checkMs: prng.pick([1_000, 2_000, 5_000]),
    latencyMs: prng.pick([0.2, 20]),
    jitterMs: prng.pick([0, 5, 50]),
    loss: prng.pick([0, 0, 0.02, 0.1]),
    repeats: prng.pick([0, 0.05]),
    clocks: Array.from({ length: nodes }, () => ({
      rate: prng.pick([1, 1, 0.95, 1.05]),
      startMs: prng.nextInt(1e6),
    })),
    happenings: drawn,
    calmMs,
  };
}

function drawHappening(nodes: number, prng: Prng): Happening {
  const node = prng.nextInt(nodes);
  const atMs = prng.nextFloat() * BUSY_MS;
  const endMs = atMs + prng.nextExponential(FAULT_MS_MEAN);
  switch (prng.nextInt(12)) {
    case 0:
      return { kind: "crash", node, atMs, endMs, forgets: prng.nextInt(3) === 0 };
    case 1:
      return { kind: "restart", node, atMs, endMs: atMs + prng.nextExponential(1_000) };
    case 2:
    case 3:
      return { kind: "stall", node, atMs, endMs };
    case 4:
      return { kind: "slow", node, atMs, endMs, byMs: prng.pick([300, 1_000, 3_000]) };
    case 5:
      return { kind: "partition", size: 1 + prng.nextInt(nodes - 1), atMs, endMs };
    case 6:
    case 7: {
      const to = (node + 1 + prng.nextInt(nodes - 1)) % nodes;
      return { kind: "cut", node, to, both: prng.nextInt(2) === 0, atMs, endMs };
    }
    case 8:
      return { kind: "leave", node, atMs };
    case 9:
      return { kind: "join", node, atMs };
    default:
      return { kind: "letter", node, atMs };
  }
}
