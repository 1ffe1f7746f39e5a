/**
 * Reads the files of `lb topology`.
 *
 * Graphs, lists of edges, and config files whose lists it checks.
 *
 * @module
 */
import { HostError, UsageError } from "../base/errors.ts";
import { type Edges, nodesMax } from "../core/topology/topology.ts";
import { type Config, loadConfig } from "../host/config.ts";

/** What a format is called, and how one reads it, for errors. */
interface Format {
  readonly name: string;
  readonly fix: string;
}

/** Words of each line that has any, with the line's number; `#` begins a comment. */
function wordsByLine(text: string): { line: number; words: string[] }[] {
  return text.split("\n").map((content, index) => ({
    line: index + 1,
    words: content.replace(/#.*/, "").split(/\s+/).filter((word) => word !== ""),
  })).filter(({ words }) => words.length > 0);
}

/**
 * Parses a graph: a line for each node, its name first and then its neighbours in edge order.
 *
 * @throws {UsageError} If a line is there twice, or a neighbour has no line.
 */
export function parseGraph(text: string): Map<string, string[]> {
  const edges = new Map<string, string[]>();
  const lines = new Map<string, number>();
  for (const { line, words: [node = "", ...neighbours] } of wordsByLine(text)) {
    if (edges.has(node)) {
      throw new UsageError(
        `Cannot read the graph as each node has one line: line ${line} is the second of "${node}"`,
        { fix: "Write all its neighbours in one line" },
      );
    }
    edges.set(node, neighbours);
    lines.set(node, line);
  }
  for (const [node, neighbours] of edges) {
    const stranger = neighbours.find((neighbour) => !edges.has(neighbour));
    if (stranger === undefined) continue;
    throw new UsageError(
      `Cannot read the graph as each node has one line: "${stranger}", a neighbour of "${node}" ` +
        `on line ${lines.get(node)}, has none`,
      { fix: `Add a line that begins with ${stranger}` },
    );
  }
  return edges;
}

/**
 * Parses a list of edges: each line has the two nodes of an edge, which both may use.
 *
 * @throws {UsageError} If a line has other than two words, a node twice, or an edge that was there.
 */
export function parseEdges(text: string): Map<string, string[]> {
  const edges = new Map<string, string[]>();
  const seen = new Map<string, number>();
  for (const { line, words } of wordsByLine(text)) {
    const [a, b] = words;
    const refuse = (wanted: string, current: string, fix: string): never => {
      throw new UsageError(`Cannot read the edges as ${wanted}: line ${line} ${current}`, { fix });
    };
    if (words.length !== 2 || a === undefined || b === undefined) {
      return refuse(
        "each line names two nodes",
        `has ${words.length} ${words.length === 1 ? "word" : "words"}`,
        "Write the two ends of one link on each line, with a blank between",
      );
    }
    if (a === b) {
      return refuse("a link has two ends", `links "${a}" with itself`, "Remove that line");
    }
    const key = JSON.stringify([a, b].sort());
    const before = seen.get(key);
    if (before !== undefined) {
      return refuse("each link is there once", `repeats line ${before}`, "Remove one of the two");
    }
    seen.set(key, line);
    for (const [from, to] of [[a, b], [b, a]] as const) {
      edges.set(from, [...edges.get(from) ?? [], to]);
    }
  }
  return edges;
}

/** The line that begins with this node, or null. */
function lineOf(text: string, node: string): number | null {
  return wordsByLine(text).find(({ words }) => words[0] === node)?.line ?? null;
}

/**
 * Checks what both formats have in common: a graph has a node and not too many, each edge leads both
 * ways, and every node reaches every other.
 *
 * @param text The file, to find lines in.
 * @throws {UsageError} If it is not so.
 */
export function checkEdges(edges: Edges<string>, text: string, { name, fix }: Format): void {
  const refuse = (wanted: string, current: string, how = fix): never => {
    throw new UsageError(`Cannot read the ${name} as ${wanted}: ${current}`, { fix: how });
  };
  if (edges.size === 0) refuse("there must be nodes", "no line has any");
  if (edges.size > nodesMax) {
    refuse(`there may be ${nodesMax} nodes`, `there are ${edges.size}`, "Split the cluster");
  }
  for (const [node, neighbours] of edges) {
    if (neighbours.includes(node)) {
      const line = lineOf(text, node);
      refuse("a link has two ends", `line ${line} links "${node}" with itself`, "Remove that link");
    }
    const oneWay = neighbours.find((neighbour) => edges.get(neighbour)?.includes(node) !== true);
    if (oneWay === undefined) continue;
    refuse(
      "each link leads both ways",
      `line ${lineOf(text, node)} links "${node}" with "${oneWay}", line ${
        lineOf(text, oneWay)
      } does not link "${oneWay}" with "${node}"`,
      `Add ${node} to the line of ${oneWay}, or remove ${oneWay} from that of ${node}`,
    );
  }
  const unreached = firstUnreached(edges);
  if (unreached !== null) {
    const line = wordsByLine(text).find(({ words }) => words.includes(unreached.to))?.line;
    refuse(
      "every node must reach every other",
      `no way leads from "${unreached.from}" to "${unreached.to}", which is on line ${line}`,
      "Add the missing link, or make two networks of it",
    );
  }
}

/** The first node and one that it does not reach; null: all are connected. */
export function firstUnreached(edges: Edges<string>): { from: string; to: string } | null {
  const [from] = edges.keys();
  if (from === undefined) return null;
  const reached = new Set([from]);
  for (const node of reached) for (const next of edges.get(node) ?? []) reached.add(next);
  const to = [...edges.keys()].find((node) => !reached.has(node));
  return to === undefined ? null : { from, to };
}

/**
 * Reads and checks a graph, in one of the two formats.
 *
 * @throws {UsageError} If it is not one.
 * @throws {HostError} If it cannot be read.
 */
export function readEdges(path: string, kind: "graph" | "edges"): Map<string, string[]> {
  const format = {
    graph: {
      name: "graph",
      fix: "Write a line for each node: its name, then its neighbours' names",
      parse: parseGraph,
    },
    edges: { name: "edges", fix: "Write the two ends of one link on each line", parse: parseEdges },
  }[kind];
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (error) {
    throw new HostError(`Cannot read the ${format.name} "${path}": ${(error as Error).message}`, {
      fix: format.fix.replace("Write", "Name a file with"),
      cause: error,
    });
  }
  const edges = format.parse(text);
  checkEdges(edges, text, format);
  return edges;
}

/** The lists of a set of config files, with the file of each node. */
export interface ConfiguredLists {
  readonly lists: ReadonlyMap<string, readonly string[]>;
  readonly files: ReadonlyMap<string, string>;
}

/**
 * Reads the preferred lists of the config files of a cluster.
 *
 * @throws {ConfigError} If one is wrong.
 * @throws {UsageError} If two are of the same node.
 */
export function readConfiguredLists(
  paths: readonly string[],
  load: (path: string) => Pick<Config, "node" | "associated"> = loadConfig,
): ConfiguredLists {
  const lists = new Map<string, readonly string[]>();
  const files = new Map<string, string>();
  for (const path of paths) {
    const { node, associated } = load(path);
    const before = files.get(node);
    if (before !== undefined) {
      throw new UsageError(
        `Cannot check these config files as each must be of another node: ${before} and ${path} ` +
          `are both of ${node}`,
        { fix: "Set `listen` or `node` in each to that node's own address" },
      );
    }
    files.set(node, path);
    lists.set(node, associated);
  }
  return { lists, files };
}
