/**
 * The options of `lb simulate`.
 *
 * @module
 */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { multiple, optional } from "@optique/core/modifiers";
import { flag, option } from "@optique/core/primitives";
import type { InferValue } from "@optique/core/parser";
import { choice, float, integer, string } from "@optique/core/valueparser";
import { policies, type PolicyName } from "../core/contract/policy.ts";
import { selections } from "../core/contract/config.ts";
import { callMs, daemonCosts } from "../sim/model/costs.ts";
import { shapes } from "../sim/model/lists.ts";
import { withDefault } from "./_default.ts";

const policyNames = [...Object.keys(policies) as PolicyName[], "none"] as const;

const seconds = (metavar: "SECONDS", min: number) => float({ metavar, min, max: 1e9 });

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
      description: message`seconds of work of a job: det:V, exp:MEAN, pareto:ALPHA:MIN:MAX, \
loguniform:MIN:MAX, mix:A:B:SHARE (B for that share of the jobs, else A)`,
    }),
    "exp:10",
  ),
  threads: optional(
    option("--threads", string({ metavar: "DIST" }), {
      description:
        message`threads of a job that compute at a time, likewise, as in mix:1:4:0.5: they \
share its work (default: one)`,
    }),
  ),
  memory: withDefault(
    option("--memory", string({ metavar: "DIST" }), {
      description: message`MiB of memory of a job, likewise`,
    }),
    "exp:64",
  ),
  nodeMemory: optional(
    option("--node-memory", string({ metavar: "LIST" }), {
      description: message`MiB of each node for its jobs, repeated: what does not fit is refused \
(default: there is always room)`,
    }),
  ),
  calls: optional(
    option("--calls", string({ metavar: "DIST" }), {
      description: message`calls in a second of a job's work that go home when it is away`,
    }),
  ),
  callTime: withDefault(
    option("--call-time", float({ metavar: "MS", min: 0, max: 60_000 }), {
      description: message`what each of them takes`,
    }),
    callMs,
  ),
  pinned: withDefault(
    option("--pinned", float({ metavar: "SHARE", min: 0, max: 1 }), {
      description: message`jobs that people pin`,
    }),
    0,
  ),
  daemonCost: withDefault(
    option("--daemon-cost", string({ metavar: "C,M" }), {
      description: message`processor time of the daemons, ms for each check and each message`,
    }),
    `${daemonCosts.checkMs},${daemonCosts.messageMs}`,
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
  owners: optional(
    option("--owners", string({ metavar: "FRACTION:ACTIVE:AWAY" }), {
      description: message`owners of that part of the nodes, at work and away for so many seconds`,
    }),
  ),
  trace: optional(
    option("--trace", string({ metavar: "FILE" }), {
      description:
        message`jobs from CSV (seconds,node,service,memory,threads) in place of drawn ones`,
    }),
  ),
  policy: optional(
    option("--policy", choice(policyNames, { metavar: "NAME" }), {
      description: message`who decides what: a policy of the config, or none to compare (default: \
sharing; thesis where --thresholds are given)`,
    }),
  ),
  thresholds: optional(
    option("--thresholds", string({ metavar: "U,F,V" }), {
      description: message`thu, thf and thv of every node (default: 0,1,2 by sharing, else 1,3,4)`,
    }),
  ),
  select: optional(
    option("--select", choice(selections, { metavar: "RULE" }), {
      description: message`which process leaves (default: as the policy says)`,
    }),
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
  launch: withDefault(
    option("--launch", float({ metavar: "MS", min: 0, max: 60_000 }), {
      description: message`processor time of a launch, before a job is known`,
    }),
    0,
  ),
  decide: withDefault(
    option("--decide", float({ metavar: "MS", min: 0, max: 60_000 }), {
      description: message`from a node's wish to send a job to its choice`,
    }),
    1,
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
  drain: multiple(
    option("--drain", string({ metavar: "A:B:NODE" }), {
      description: message`from second A to B that node is drained`,
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

/** Name of the policy: as in the config, thresholds alone are the thesis's. */
export function policyOf({ policy, thresholds }: Options): (typeof policyNames)[number] {
  return policy ?? (thresholds === undefined ? "sharing" : "thesis");
}
