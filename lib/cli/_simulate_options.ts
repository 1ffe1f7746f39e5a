/**
 * The options of `lb simulate`, and the simulations that they describe.
 *
 * @module
 */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { multiple, optional } from "@optique/core/modifiers";
import { flag, option } from "@optique/core/primitives";
import type { InferValue } from "@optique/core/parser";
import { choice, float, integer, string } from "@optique/core/valueparser";
import { HostError, UsageError } from "../base/errors.ts";
import { policies, type PolicyName } from "../core/policy/policy.ts";
import { selections, type Thresholds } from "../core/types.ts";
import { loadConfig } from "../host/config.ts";
import { parseDistribution } from "../sim/distributions.ts";
import { drawCrashes, parsePartition } from "../sim/faults.ts";
import { type Lists, listsOfGraph, makeLists, shapes, shuffled } from "../sim/lists.ts";
import type { SimulationOptions } from "../sim/options.ts";
import {
  listedWorkload,
  parsePattern,
  parseTrace,
  randomStream,
  randomWorkload,
} from "../sim/workload.ts";
import { withDefault } from "./_default.ts";
import { readLinks } from "./_topology_files.ts";

const policyNames = [...Object.keys(policies) as PolicyName[], "none"] as const;

const seconds = (metavar: "SECONDS", min: number) => float({ metavar, min, max: 1e9 });

/** What the options say that a config file says, too, by default. */
const defaults = { policy: "thesis", select: "most-cpu", thresholds: "1,3,4" } as const;

/** The options. */
export const parser = object({
  nodes: withDefault(
    option("--nodes", integer({ metavar: "N", min: 1, max: 100_000 }), {
      description: message`number of nodes`,
    }),
    16,
  ),
  topology: withDefault(
    option("--topology", choice(shapes, { metavar: "SHAPE" }), {
      description: message`shape that the preferred lists come from`,
    }),
    "chord",
  ),
  graph: optional(
    option("--graph", string({ metavar: "FILE" }), {
      description: message`a graph in place of --nodes and --topology, as for lb topology`,
    }),
  ),
  buddies: withDefault(
    option("--buddies", integer({ metavar: "N", min: 1, max: 1023 }), {
      description: message`length of the preferred lists at most`,
    }),
    10,
  ),
  order: withDefault(
    option("--order", choice(["preferred", "random"], { metavar: "ORDER" }), {
      description: message`order of the lists: random is there to compare`,
    }),
    "preferred",
  ),
  speeds: withDefault(
    option("--speeds", string({ metavar: "LIST" }), {
      description: message`speeds of the nodes, repeated, as in 1,0.5`,
    }),
    "1",
  ),
  cores: withDefault(
    option("--cores", string({ metavar: "LIST" }), {
      description: message`cores of the nodes, repeated, as in 1,4`,
    }),
    "1",
  ),
  load: withDefault(
    option("--load", float({ metavar: "SHARE", min: 0.001, max: 100 }), {
      description: message`work that comes, as a share of what all nodes can do`,
    }),
    0.8,
  ),
  service: withDefault(
    option("--service", string({ metavar: "DIST" }), {
      description: message`seconds of work of a job: det:V, exp:MEAN, pareto:ALPHA:MIN:MAX`,
    }),
    "exp:10",
  ),
  memory: withDefault(
    option("--memory", string({ metavar: "DIST" }), {
      description: message`MiB of memory of a job, likewise`,
    }),
    "exp:64",
  ),
  arrivals: withDefault(
    option("--arrivals", string({ metavar: "PATTERN" }), {
      description: message`poisson, bursty:SIZE, hotspot:FRACTION:SHARE`,
    }),
    "poisson",
  ),
  others: optional(
    option("--others", string({ metavar: "FRACTION:LOAD" }), {
      description: message`jobs without lb: so much load on that part of the nodes`,
    }),
  ),
  trace: optional(
    option("--trace", string({ metavar: "FILE" }), {
      description: message`jobs from CSV (seconds,node,service,memory) in place of drawn ones`,
    }),
  ),
  policy: withDefault(
    option("--policy", choice(policyNames, { metavar: "NAME" }), {
      description: message`who decides what: a policy of the config, or none to compare`,
    }),
    defaults.policy,
  ),
  thresholds: withDefault(
    option("--thresholds", string({ metavar: "U,F,V" }), {
      description: message`thu, thf and thv of every node`,
    }),
    defaults.thresholds,
  ),
  select: withDefault(
    option("--select", choice(selections, { metavar: "RULE" }), {
      description: message`which process leaves`,
    }),
    defaults.select,
  ),
  config: optional(
    option("--config", string({ metavar: "FILE" }), {
      description: message`policy, select and thresholds of a config file in their place`,
    }),
  ),
  frequency: withDefault(
    option("--frequency", seconds("SECONDS", 0.1), { description: message`between two checks` }),
    5,
  ),
  latency: withDefault(
    option("--latency", float({ metavar: "MS", min: 0, max: 60_000 }), {
      description: message`one way, of every message`,
    }),
    0.2,
  ),
  jitter: withDefault(
    option("--jitter", float({ metavar: "MS", min: 0, max: 60_000 }), {
      description: message`mean of the exponential part added to it`,
    }),
    0,
  ),
  loss: withDefault(
    option("--loss", float({ metavar: "SHARE", min: 0, max: 0.9 }), {
      description: message`packets lost, each of which delays its message by 200 ms or more`,
    }),
    0,
  ),
  reorder: withDefault(
    flag("--reorder", { description: message`messages may overtake each other` }),
    false,
  ),
  bandwidth: withDefault(
    option("--bandwidth", float({ metavar: "MBIT", min: 0.001, max: 1e6 }), {
      description: message`of each node's port in Mbit/s, shared by the moves through it`,
    }),
    1000,
  ),
  freeze: withDefault(
    option("--freeze", float({ metavar: "MS", min: 0, max: 1e6 }), {
      description: message`cost of a move besides its memory's way`,
    }),
    20,
  ),
  crash: optional(
    option("--crash", seconds("SECONDS", 1), {
      description: message`mean time between a node's crashes; none without it`,
    }),
  ),
  down: withDefault(
    option("--down", seconds("SECONDS", 0.001), {
      description: message`time until a crashed node is back`,
    }),
    60,
  ),
  partition: multiple(
    option("--partition", string({ metavar: "A:B:SHARE" }), {
      description: message`from second A to B the first SHARE of the nodes is cut off`,
    }),
  ),
  duration: withDefault(
    option("--duration", seconds("SECONDS", 0.001), { description: message`of virtual time` }),
    3600,
  ),
  warmup: optional(
    option("--warmup", seconds("SECONDS", 0), {
      description: message`time that does not count: a tenth of --duration`,
    }),
  ),
  replications: withDefault(
    option("--replications", integer({ metavar: "N", min: 1, max: 1000 }), {
      description: message`runs with seeds that follow each other`,
    }),
    1,
  ),
  seed: withDefault(
    option("--seed", integer({ metavar: "N", min: 0, max: 2 ** 32 - 1 }), {
      description: message`the same seed, the same result`,
    }),
    1,
  ),
  check: withDefault(
    flag("--check", {
      description: message`run drawn scenarios with faults instead and tell what did not hold`,
    }),
    false,
  ),
  seeds: withDefault(
    option("--seeds", integer({ metavar: "N", min: 1, max: 1e9 }), {
      description: message`with --check: how many, from --seed on`,
    }),
    1,
  ),
  json: withDefault(flag("--json", { description: message`print JSON, not a table` }), false),
  csv: optional(
    option("--csv", string({ metavar: "FILE" }), {
      description: message`write a line for each job`,
    }),
  ),
  svg: optional(option("--svg", string({ metavar: "FILE" }), { description: message`draw it` })),
});

/** The options as they were given. */
export type Options = InferValue<typeof parser>;

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
    : listsOfGraph(readLinks(graph, "graph"), buddies);
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
  const { config: file, policy, select } = options;
  const thresholds = parseThresholds(options.thresholds);
  if (file === undefined) {
    return policy === "none" ? null : { thresholds, select, policy: policies[policy] };
  }
  for (const name of ["policy", "select", "thresholds"] as const) {
    if (options[name] === defaults[name]) continue;
    throw new UsageError(`Cannot use --${name} as --config tells it: ${options[name]}`, {
      fix: `Leave --${name} out, or write it into ${file}`,
    });
  }
  const config = loadConfig(file);
  return { thresholds: config.thresholds, select: config.select, policy: config.policy };
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
  const service = parseDistribution(options.service, "--service");
  const memory = parseDistribution(options.memory, "--memory");
  const pattern = parsePattern(options.arrivals);
  const { trace, load, crash } = options;
  const listed = trace === undefined ? null : parseTrace(readFile(trace, "--trace"), trace, nodes);
  const partitions = options.partition.map((text) => parsePartition(text, nodes));
  const durationMs = options.duration * 1000, warmupMs = warmupOf(options) * 1000;
  const capacities = speeds.map((speed, node) => speed * (cores[node] ?? 1));
  const others = readOthers(options.others, capacities);
  const drawn = {
    nodes,
    ratePerMs: load * sum(capacities) / (service.mean * 1000),
    service: {
      ...service,
      draw: (prng: Parameters<typeof service.draw>[0]) => 1000 * service.draw(prng),
    },
    memory: {
      ...memory,
      draw: (prng: Parameters<typeof memory.draw>[0]) => 2 ** 20 * memory.draw(prng),
    },
    pattern,
  };
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
        ratePerMs: others.load * sum(capacities.slice(0, others.nodes)) / (service.mean * 1000),
        pattern: { kind: "poisson" },
        seed: ~seed >>> 0,
      }),
    },
    network: {
      latencyMs: options.latency,
      jitterMs: options.jitter,
      bytesPerMs: options.bandwidth * 1e6 / 8 / 1000,
      loss: options.loss,
      reorders: options.reorder,
      detectMs: 3000,
    },
    freezeMs: options.freeze,
    faults: [
      ...partitions,
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
