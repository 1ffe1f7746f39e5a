/**
 * `lb topology`: prints or checks preferred lists of a network.
 *
 * @module
 */
import { object, or } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { multiple, withDefault } from "@optique/core/modifiers";
import { argument, command as subcommand, constant, flag, option } from "@optique/core/primitives";
import type { InferValue } from "@optique/core/parser";
import { integer, string } from "@optique/core/valueparser";
import { exitCodes, UsageError } from "../base/errors.ts";
import { type SpreadLists, spreadLists } from "../core/topology/spread.ts";
import {
  dimensionMax,
  type Edges,
  fullEdges,
  hypercubeList,
  meshEdges,
  nodesMax,
  ringEdges,
  torusEdges,
} from "../core/topology/topology.ts";
import { defineCommand } from "./command.ts";
import { readConfiguredLists, readEdges } from "./_topology_files.ts";
import {
  formatTable,
  formatToml,
  type Report,
  reportConfigured,
  reportLists,
} from "./_topology_report.ts";

function hypercubeLists(dimension: number, length: number): SpreadLists<number> {
  const nodes = Array.from({ length: 2 ** dimension }, (_, node) => node);
  const lists = new Map(
    nodes.map((node) => [node, hypercubeList(node, dimension).slice(0, length)]),
  );
  return { lists, impossible: new Set() };
}

/** Gives numbered nodes their names; none: their numbers. */
function rename(
  { lists, impossible }: SpreadLists<number>,
  names: readonly string[],
): SpreadLists<string> {
  if (names.length !== 0 && names.length !== lists.size) {
    throw new UsageError(
      `Cannot name the nodes of this network as it has ${lists.size}: there are ${names.length} ` +
        "names",
      { fix: `Give ${lists.size} names, or none` },
    );
  }
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new UsageError(`Cannot name two nodes alike: "${twice}" is there twice`, {
      fix: "Give each node a name of its own",
    });
  }
  const nameOf = (node: number): string => names[node] ?? String(node);
  const named = [...lists].map(([node, list]) => [nameOf(node), list.map(nameOf)] as const);
  return { lists: new Map(named), impossible };
}

/** Parses `RxC`. */
export function parseSize(text: string): { rows: number; columns: number } {
  const match = /^([1-9]\d{0,3})x([1-9]\d{0,3})$/.exec(text);
  const [rows, columns] = [Number(match?.[1]), Number(match?.[2])];
  if (match === null || rows * columns > nodesMax) {
    throw new UsageError(
      `Cannot use "${text}" as a size as it must be ROWSxCOLUMNS with at most ${nodesMax} nodes`,
      { fix: "Write for instance 4x8" },
    );
  }
  return { rows, columns };
}

const common = {
  toml: withDefault(
    flag("--toml", { description: message`print lines for each node's config file` }),
    false,
  ),
  check: withDefault(
    flag("--check", {
      description: message`print what a check of the lists finds instead`,
    }),
    false,
  ),
  length: withDefault(
    option("--length", integer({ metavar: "K", min: 1, max: nodesMax }), {
      description: message`cut each list after K nodes (a study found no gain beyond 15)`,
    }),
    nodesMax,
  ),
};

const names = multiple(argument(string({ metavar: "NODE" }), {
  description: message`names of the nodes, in the order of their numbers`,
}));

function counted<const S extends "ring" | "full">(shape: S) {
  return object({
    shape: constant(shape),
    ...common,
    count: argument(integer({ metavar: "N", min: 2, max: nodesMax }), {
      description: message`number of nodes`,
    }),
    names,
  });
}

function grid<const S extends "mesh" | "torus">(shape: S) {
  return object({
    shape: constant(shape),
    ...common,
    size: argument(string({ metavar: "RxC" }), { description: message`rows and columns` }),
    names,
  });
}

function fromFile<const S extends "graph" | "edges">(shape: S) {
  return object({
    shape: constant(shape),
    ...common,
    file: argument(string({ metavar: "FILE" }), { description: message`the file` }),
  });
}

const shapes = or(
  subcommand(
    "hypercube",
    object({
      shape: constant("hypercube" as const),
      ...common,
      dimension: argument(integer({ metavar: "N", min: 1, max: dimensionMax }), {
        description: message`dimension: there are 2 to the N nodes`,
      }),
      names,
    }),
    { description: message`link i of a node leads to the one whose number differs in bit i` },
  ),
  subcommand("ring", counted("ring"), {
    description: message`links lead to the next node and to the one before`,
  }),
  subcommand("mesh", grid("mesh"), {
    description: message`a grid, numbered row by row: links lead right, left, down and up`,
  }),
  subcommand("torus", grid("torus"), { description: message`a grid whose borders meet` }),
  subcommand("full", counted("full"), { description: message`each node is linked with each` }),
  subcommand("graph", fromFile("graph"), {
    description: message`any network: a line for each node, its name and then its neighbours`,
  }),
  subcommand("edges", fromFile("edges"), {
    description: message`any network: a line for each link, with its two nodes`,
  }),
  subcommand(
    "configs",
    object({
      shape: constant("configs" as const),
      files: multiple(
        argument(string({ metavar: "FILE" }), { description: message`config files` }),
        {
          min: 1,
        },
      ),
    }),
    { description: message`check the lists in the config files of all nodes of a cluster` },
  ),
);

type Shape = Exclude<InferValue<typeof shapes>, { readonly shape: "configs" }>;

/** Makes the lists of a network. */
function makeLists(options: Shape): SpreadLists<string> {
  const named = (edges: Edges<number>, given: readonly string[]) =>
    rename(spreadLists(edges, options.length), given);
  switch (options.shape) {
    case "hypercube":
      return rename(hypercubeLists(options.dimension, options.length), options.names);
    case "ring":
      return named(ringEdges(options.count), options.names);
    case "full":
      return named(fullEdges(options.count), options.names);
    case "mesh":
    case "torus": {
      const { rows, columns } = parseSize(options.size);
      const edges = options.shape === "mesh" ? meshEdges : torusEdges;
      return named(edges(rows, columns), options.names);
    }
    case "graph":
    case "edges":
      return spreadLists(readEdges(options.file, options.shape), options.length);
  }
}

function printReport({ lines, isGood }: Report): number {
  console.log(lines.join("\n"));
  return isGood ? exitCodes.ok : exitCodes.failed;
}

/** The subcommand. */
export const command = defineCommand({
  name: "topology",
  brief: "print the preferred list of every node of a network",
  description: [
    "A list is ordered by hops. Within a layer the order differs from node to node so that, where " +
    "the network allows it, each node is the k-th choice of exactly one other: two overloaded " +
    "nodes then seldom pick the same one. --check tells for which k it is so. On networks whose nodes " +
    "differ it cannot be so for all; then the best lists that a search finds are printed.",
  ],
  examples: [
    ["lb topology hypercube 4", "sixteen nodes, numbered"],
    ["lb topology ring 2 10.0.0.1 10.0.0.2 --toml", "the associated lines of two nodes"],
    ["lb topology mesh 4x8 --length 10 --check", "how good the lists of a grid can be"],
    ["lb topology edges links.txt", "nodes linked as the file says"],
    ["lb topology configs n1.toml n2.toml", "checks what is configured"],
  ],
  parser: shapes,
  run: (options) => {
    if (options.shape === "configs") {
      const configured = readConfiguredLists(options.files);
      return printReport(reportConfigured(configured));
    }
    const { lists, impossible } = makeLists(options);
    if (options.check) return printReport(reportLists(lists, impossible));
    console.log((options.toml ? formatToml(lists) : formatTable(lists)).join("\n"));
    return exitCodes.ok;
  },
});
