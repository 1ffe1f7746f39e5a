/**
 * Makes simulations of the options of `lb simulate`.
 *
 * @module
 */
import { HostError, UsageError } from "../base/errors.ts";
import { policies } from "../core/contract/policy.ts";
import { type Thresholds } from "../core/contract/config.ts";
import { loadConfig } from "../host/config.ts";
import type { DaemonCosts } from "../sim/model/costs.ts";
import { parseDistribution } from "../sim/model/distributions.ts";
import { drawCrashes, parseDrain, parsePartition } from "../sim/model/faults.ts";
import { type Lists, listsOfGraph, makeLists, shuffled } from "../sim/model/lists.ts";
import type { OwnerOptions } from "../sim/model/owners.ts";
import type { SimulationOptions } from "../sim/model/options.ts";
import {
  listedWorkload,
  parsePattern,
  parseTrace,
  randomStream,
  randomWorkload,
} from "../sim/model/workload.ts";
import { readEdges } from "./_topology_files.ts";
import { type Options, policyOf } from "./_simulate_options.ts";

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Reads a file that an option names. */
function readFile(path: string, option: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    throw new HostError(`Cannot read the file of ${option}: ${(error as Error).message}`, {
      fix: "Name a file that can be read",
      cause: error,
    });
  }
}

function parseNumbers(text: string, option: string, isRight: (value: number) => boolean) {
  return text.split(",").map((word) => {
    const value = word.trim() === "" ? NaN : Number(word);
    if (Number.isFinite(value) && value > 0 && isRight(value)) return value;
    throw new UsageError(`Cannot use ${option} as a list of such numbers: "${word}" is none`, {
      fix: `Write positive numbers with commas between them, as in ${option} 1,2`,
    });
  });
}

function parseThresholds(text: string): Thresholds {
  const words = text.split(",").map((word) => word.trim() === "" ? NaN : Number(word));
  const [thu = NaN, thf = NaN, thv = NaN] = words;
  if (
    words.length === 3 && words.every(Number.isSafeInteger) && 0 <= thu && thu < thf && thf < thv
  ) {
    return { thu, thf, thv };
  }
  throw new UsageError(
    `Cannot use --thresholds as 0 <= thu < thf < thv: current value is ${text}`,
    {
      fix: "Write three whole numbers, as in 1,3,4",
    },
  );
}

function readLists(options: Options): Lists {
  const { graph, topology, nodes, buddies, order, seed } = options;
  const lists = graph === undefined
    ? makeLists(topology, nodes, buddies)
    : listsOfGraph(readEdges(graph, "graph"), buddies);
  return order === "random" ? shuffled(lists, randomStream(seed, 8)) : lists;
}

function warmupOf({ warmup, duration }: Options): number {
  if (warmup === undefined) return duration / 10;
  if (warmup < duration) return warmup;
  throw new UsageError(`Cannot use --warmup as it is part of --duration ${duration}: ${warmup}`, {
    fix: "Give a shorter --warmup or a longer --duration",
  });
}

/** What every balancer is told: by the options, or by a config file as the daemon reads it. */
function readBalancer(options: Options): SimulationOptions["balancer"] {
  const { config: file, select } = options;
  if (file !== undefined) {
    for (const name of ["policy", "select", "thresholds"] as const) {
      if (options[name] === undefined) continue;
      throw new UsageError(`Cannot use --${name} as --config tells it: ${options[name]}`, {
        fix: `Leave --${name} out, or write it into ${file}`,
      });
    }
    const config = loadConfig(file);
    const { thresholds, select: selection, policy, owner } = config;
    return { thresholds, select: selection, policy, owner };
  }
  const name = policyOf(options);
  const thresholds = parseThresholds(
    options.thresholds ?? (name === "sharing" ? "0,1,2" : "1,3,4"),
  );
  if (name === "none") return null;
  const policy = select === undefined ? policies[name] : { ...policies[name], ageCost: false };
  return { thresholds, select: select ?? "most-cpu", policy };
}

/** Reads `--daemon-cost`. */
function readDaemonCosts(text: string): DaemonCosts {
  const [checkMs = NaN, messageMs = NaN, ...rest] = text.split(",").map((word) =>
    word.trim() === "" ? NaN : Number(word)
  );
  const isTime = (ms: number) => ms >= 0 && ms <= 60_000;
  if (rest.length === 0 && isTime(checkMs) && isTime(messageMs)) return { checkMs, messageMs };
  throw new UsageError(`Cannot use --daemon-cost as two times: current value is ${text}`, {
    fix: "Write milliseconds for a check and for a message, as in 2.7,0.7, or 0,0 for none",
  });
}

/** Reads `--others`: jobs of the same sizes that no balancer knows of. */
function readOthers(
  text: string | undefined,
  capacities: readonly number[],
): { readonly nodes: number; readonly load: number } | null {
  if (text === undefined) return null;
  const [fraction = NaN, load = NaN, ...rest] = text.split(":").map((word) =>
    word.trim() === "" ? NaN : Number(word)
  );
  if (rest.length === 0 && fraction > 0 && fraction <= 1 && load > 0 && load < 100) {
    return { nodes: Math.max(1, Math.round(fraction * capacities.length)), load };
  }
  throw new UsageError(`Cannot use --others as FRACTION:LOAD: current value is ${text}`, {
    fix: "Write a part of the nodes, above 0, and the load there, as in 0.25:0.9",
  });
}

/** Reads `--owners`: who comes and goes. */
function readOwners(text: string | undefined, nodes: number): OwnerOptions | null {
  if (text === undefined) return null;
  const [fraction = NaN, active = NaN, away = NaN, ...rest] = text.split(":").map((word) =>
    word.trim() === "" ? NaN : Number(word)
  );
  if (rest.length === 0 && fraction > 0 && fraction <= 1 && active > 0 && away > 0) {
    const owned = Math.max(1, Math.round(fraction * nodes));
    return { nodes: owned, activeMs: active * 1000, awayMs: away * 1000 };
  }
  throw new UsageError(`Cannot use --owners as FRACTION:ACTIVE:AWAY: current value is ${text}`, {
    fix: "Write a part of the nodes and two mean times in seconds above 0, as in 0.5:600:1800",
  });
}

/** What the jobs of a simulation are drawn from; the seed is missing. */
function readWorkload(options: Options, capacities: readonly number[]) {
  const service = parseDistribution(options.service, "--service");
  const memory = parseDistribution(options.memory, "--memory");
  return {
    nodes: capacities.length,
    ratePerMs: options.load * sum(capacities) / (service.mean * 1000),
    service: {
      ...service,
      draw: (prng: Parameters<typeof service.draw>[0]) => 1000 * service.draw(prng),
    },
    memory: {
      ...memory,
      draw: (prng: Parameters<typeof memory.draw>[0]) => 2 ** 20 * memory.draw(prng),
    },
    ...options.threads === undefined
      ? {}
      : { threads: parseDistribution(options.threads, "--threads") },
    pattern: parsePattern(options.arrivals),
    ...options.calls === undefined ? {} : { calls: parseDistribution(options.calls, "--calls") },
    pinned: options.pinned,
  };
}

/**
 * Reads the options to the end: everything that can be wrong is found here.
 *
 * @returns What makes the options of each replication from its seed.
 * @throws {UsageError} If one is wrong.
 */
export function readOptions(options: Options): (seed: number) => SimulationOptions {
  const lists = readLists(options);
  const nodes = lists.length;
  const repeat = (values: number[]) => lists.map((_, node) => values[node % values.length] ?? 1);
  const speeds = repeat(parseNumbers(options.speeds, "--speeds", () => true));
  const cores = repeat(parseNumbers(options.cores, "--cores", Number.isInteger));
  const balancer = readBalancer(options);
  const capacities = speeds.map((speed, node) => speed * (cores[node] ?? 1));
  const drawn = readWorkload(options, capacities);
  const memoryBytes = options.nodeMemory === undefined ? {} : {
    memoryBytes: repeat(parseNumbers(options.nodeMemory, "--node-memory", () => true))
      .map((mebibytes) => mebibytes * 2 ** 20),
  };
  const daemon = readDaemonCosts(options.daemonCost);
  const { trace, crash } = options;
  const listed = trace === undefined ? null : parseTrace(readFile(trace, "--trace"), trace, nodes);
  const partitions = options.partition.map((text) => parsePartition(text, nodes));
  const drains = options.drain.map((text) => parseDrain(text, nodes));
  const durationMs = options.duration * 1000, warmupMs = warmupOf(options) * 1000;
  const others = readOthers(options.others, capacities);
  const owners = readOwners(options.owners, nodes);
  return (seed) => ({
    speeds,
    cores,
    lists,
    balancer,
    checkMs: options.frequency * 1000,
    workload: listed === null ? randomWorkload({ ...drawn, seed }) : listedWorkload(listed),
    ...others === null ? {} : {
      others: randomWorkload({
        ...drawn,
        nodes: others.nodes,
        ratePerMs: others.load * sum(capacities.slice(0, others.nodes)) /
          (drawn.service.mean * 1000),
        pattern: { kind: "poisson" },
        seed: ~seed >>> 0,
      }),
    },
    ...owners === null ? {} : { owners },
    network: {
      latencyMs: options.latency,
      jitterMs: options.jitter,
      bytesPerMs: options.bandwidth * 1e6 / 8 / 1000,
      loss: options.loss,
      reorders: options.reorder,
      detectMs: 3000,
    },
    freezeMs: options.freeze,
    launchMs: options.launch,
    decideMs: options.decide,
    ...memoryBytes,
    callMs: options.callTime,
    daemon,
    faults: [
      ...partitions,
      ...drains,
      ...crash === undefined ? [] : drawCrashes(
        { nodes, meanMs: crash * 1000, downMs: options.down * 1000, durationMs },
        randomStream(seed, 9),
      ),
    ],
    seed,
    warmupMs,
    durationMs,
  });
}
