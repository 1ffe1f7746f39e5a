/**
 * `lb topology`: prints the preferred list of every node of a network.
 *
 * @module
 */
import { object, or } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { multiple, withDefault } from "@optique/core/modifiers";
import { argument, command as subcommand, constant, flag } from "@optique/core/primitives";
import { integer, string } from "@optique/core/valueparser";
import { exitCodes, HostError, UsageError } from "../base/errors.ts";
import { dimensionMax, graphList, hypercubeList } from "../core/topology.ts";
import { defineCommand } from "./command.ts";

/** Preferred lists by node, in the order of printing. */
type Lists = ReadonlyMap<string, readonly string[]>;

/** Makes the lists of a hypercube whose nodes have these names; none: their numbers. */
function hypercubeLists(dimension: number, names: readonly string[]): Lists {
  const count = 2 ** dimension;
  if (names.length !== 0 && names.length !== count) {
    throw new UsageError(
      `Cannot name the nodes of a hypercube of dimension ${dimension} as it has ${count}: ` +
        `there are ${names.length} names`,
      { fix: `Give ${count} names, or none` },
    );
  }
  assertUnique(names);
  const nameOf = (node: number): string => names[node] ?? String(node);
  const nodes = Array.from({ length: count }, (_, node) => node);
  return new Map(
    nodes.map((node) => [nameOf(node), hypercubeList(node, dimension).map(nameOf)]),
  );
}

function assertUnique(names: readonly string[]): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new UsageError(`Cannot name two nodes alike: "${twice}" is there twice`, {
      fix: "Give each node a name of its own",
    });
  }
}

/**
 * Parses a graph: a line for each node, its name first and then its neighbours in link order.
 *
 * @throws {UsageError} If a line is there twice, or a neighbour has no line.
 */
export function parseGraph(text: string): Map<string, string[]> {
  const links = new Map<string, string[]>();
  for (const [index, line] of text.split("\n").entries()) {
    const [node, ...neighbours] = line.replace(/#.*/, "").split(/\s+/).filter((word) =>
      word !== ""
    );
    if (node === undefined) continue;
    if (links.has(node)) {
      throw new UsageError(
        `Cannot read the graph as each node has one line: line ${index + 1} is the second of ` +
          `"${node}"`,
        { fix: "Write all its neighbours in one line" },
      );
    }
    links.set(node, neighbours);
  }
  for (const [node, neighbours] of links) {
    const stranger = neighbours.find((neighbour) => !links.has(neighbour));
    if (stranger === undefined) continue;
    throw new UsageError(
      `Cannot read the graph as each node has one line: "${stranger}", a neighbour of "${node}", ` +
        "has none",
      { fix: `Add a line that begins with ${stranger}` },
    );
  }
  return links;
}

function graphLists(path: string): Lists {
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (error) {
    throw new HostError(`Cannot read the graph "${path}": ${(error as Error).message}`, {
      fix: "Name a file with a line for each node: its name, then its neighbours' names",
      cause: error,
    });
  }
  const links = parseGraph(text);
  return new Map([...links.keys()].map((node) => [node, graphList(node, links)]));
}

/** Draws the lists as a table, in the form of figure 1 of the thesis. */
export function formatTable(lists: Lists): string[] {
  const length = Math.max(0, ...[...lists.values()].map((list) => list.length));
  const ranks = Array.from({ length }, (_, rank) => String(rank + 1));
  const header = "Order of preference";
  const rows: [string, readonly string[]][] = [
    [header, ranks],
    ...[...lists].map(([node, list]): [string, readonly string[]] => [`Node ${node}`, list]),
  ];
  const titleWidth = Math.max(...rows.map(([title]) => title.length));
  const widths = ranks.map((_, column) =>
    Math.max(...rows.map(([, cells]) => cells[column]?.length ?? 0))
  );
  return rows.map(([title, cells]) =>
    [
      title.padEnd(titleWidth),
      ...cells.map((cell, column) => cell.padStart(widths[column] ?? 0)),
    ].join(" ").trimEnd()
  );
}

/** Writes the lists as lines for each node's config file. */
export function formatToml(lists: Lists): string[] {
  return [...lists].flatMap(([node, list]) => [
    `# ${node}`,
    `associated = [${list.map((name) => JSON.stringify(name)).join(", ")}]`,
  ]);
}

const toml = withDefault(
  flag("--toml", { description: message`print lines for each node's config file` }),
  false,
);

/** The subcommand. */
export const command = defineCommand({
  name: "topology",
  brief: "print the preferred list of every node of a network",
  description: [
    "A list is ordered by hops. Within a layer the order differs from node to node so that each " +
    "node is the k-th choice of exactly one other: two overloaded nodes seldom pick the same one.",
    "A graph's file has a line for each node: its name, then its neighbours in link order.",
  ],
  examples: [
    ["lb topology hypercube 4", "sixteen nodes, numbered"],
    ["lb topology hypercube 1 10.0.0.1 10.0.0.2 --toml", "the associated lines of two nodes"],
    ["lb topology graph ring.txt", "nodes linked as the file says"],
  ],
  parser: or(
    subcommand(
      "hypercube",
      object({
        shape: constant("hypercube" as const),
        toml,
        dimension: argument(integer({ metavar: "N", min: 1, max: dimensionMax }), {
          description: message`dimension: there are 2 to the N nodes`,
        }),
        names: multiple(argument(string({ metavar: "NODE" }), {
          description: message`names of the nodes, in the order of their numbers`,
        })),
      }),
      { description: message`link i of a node leads to the one whose number differs in bit i` },
    ),
    subcommand(
      "graph",
      object({
        shape: constant("graph" as const),
        toml,
        file: argument(string({ metavar: "FILE" }), { description: message`the graph` }),
      }),
      { description: message`any other network` },
    ),
  ),
  run: (options) => {
    const lists = options.shape === "hypercube"
      ? hypercubeLists(options.dimension, options.names)
      : graphLists(options.file);
    const lines = options.toml ? formatToml(lists) : formatTable(lists);
    console.log(lines.join("\n"));
    return exitCodes.ok;
  },
});
