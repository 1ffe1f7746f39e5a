/** Tests of what `lb topology` prints and reads. */

import assert from "node:assert/strict";
import { UsageError } from "../base/errors.ts";
import { hypercubeList } from "../core/topology/topology.ts";
import { command, parseSize } from "./topology.ts";
import { checkEdges, parseEdges, parseGraph, readConfiguredLists } from "./_topology_files.ts";
import { formatTable, formatToml, reportConfigured, reportLists } from "./_topology_report.ts";

const figure1 = `\
Order of preference  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15
Node 0               1  2  4  8  6 10 12  3  5  9 14 13 11  7 15
Node 1               0  3  5  9  7 11 13  2  4  8 15 12 10  6 14
Node 2               3  0  6 10  4  8 14  1  7 11 12 15  9  5 13
Node 3               2  1  7 11  5  9 15  0  6 10 13 14  8  4 12
Node 4               5  6  0 12  2 14  8  7  1 13 10  9 15  3 11
Node 5               4  7  1 13  3 15  9  6  0 12 11  8 14  2 10
Node 6               7  4  2 14  0 12 10  5  3 15  8 11 13  1  9
Node 7               6  5  3 15  1 13 11  4  2 14  9 10 12  0  8
Node 8               9 10 12  0 14  2  4 11 13  1  6  5  3 15  7
Node 9               8 11 13  1 15  3  5 10 12  0  7  4  2 14  6
Node 10             11  8 14  2 12  0  6  9 15  3  4  7  1 13  5
Node 11             10  9 15  3 13  1  7  8 14  2  5  6  0 12  4
Node 12             13 14  8  4 10  6  0 15  9  5  2  1  7 11  3
Node 13             12 15  9  5 11  7  1 14  8  4  3  0  6 10  2
Node 14             15 12 10  6  8  4  2 13 11  7  0  3  5  9  1
Node 15             14 13 11  7  9  5  3 12 10  6  1  2  4  8  0`;

Deno.test("formatTable() draws figure 1 of the thesis for dimension 4", () => {
  const nodes = Array.from({ length: 16 }, (_, node) => node);
  const lists = new Map(nodes.map((node) => [String(node), hypercubeList(node, 4).map(String)]));
  assert.equal(formatTable(lists).join("\n"), figure1);
});

Deno.test("formatTable() has a line for a node that reaches nobody", () => {
  assert.deepEqual(formatTable(new Map([["a", []]])), ["Order of preference", "Node a"]);
});

Deno.test("formatToml() writes lines that a config file takes", () => {
  assert.deepEqual(formatToml(new Map([["a:1", ["b:2", "[::1]:3"]], ["b:2", []]])), [
    "# a:1",
    'associated = ["b:2", "[::1]:3"]',
    "# b:2",
    "associated = []",
  ]);
});

Deno.test("parseGraph() reads a line for each node, with comments and empty lines", () => {
  const text = "# a ring\n10.0.0.1:9734 10.0.0.2 10.0.0.2\n\n  10.0.0.2\t10.0.0.1:9734 # back\r\n";
  assert.deepEqual([...parseGraph(text)], [
    ["10.0.0.1:9734", ["10.0.0.2", "10.0.0.2"]],
    ["10.0.0.2", ["10.0.0.1:9734"]],
  ]);
});

Deno.test("parseGraph() refuses a node with two lines, and a neighbour without one", () => {
  assert.throws(() => parseGraph("a b\nb a\na b"), (error) => {
    assert.ok(error instanceof UsageError);
    assert.match(error.message, /line 3 is the second of "a"/);
    return true;
  });
  assert.throws(() => parseGraph("a b"), /"b", a neighbour of "a" on line 1, has none/);
});

const format = { name: "graph", fix: "Correct it" };

function refuses(run: () => unknown, pattern: RegExp): void {
  assert.throws(run, (error) => {
    assert.ok(error instanceof UsageError, String(error));
    assert.match(error.message, pattern);
    return true;
  });
}

Deno.test("checkEdges() names the lines of a link that leads one way", () => {
  const text = "a b c\nb a\n# c\nc b";
  refuses(
    () => checkEdges(parseGraph(text), text, format),
    /line 1 links "a" with "c", line 4 does not link "c" with "a"/,
  );
});

Deno.test("checkEdges() names what is not connected, and a node linked with itself", () => {
  const apart = "a b\n\nc d";
  refuses(
    () => checkEdges(parseEdges(apart), apart, format),
    /no way leads from "a" to "c", which is on line 3/,
  );
  const loop = "a b\nb a b";
  refuses(() => checkEdges(parseGraph(loop), loop, format), /line 2 links "b" with itself/);
  refuses(() => checkEdges(new Map(), "", format), /no line has any/);
});

Deno.test("parseEdges() links both ways, in the order of the lines", () => {
  assert.deepEqual([...parseEdges("a b # first\n\n c\ta\r\n")], [
    ["a", ["b", "c"]],
    ["b", ["a"]],
    ["c", ["a"]],
  ]);
});

Deno.test("parseEdges() names the line of what it refuses", () => {
  refuses(() => parseEdges("a b\na"), /line 2 has 1 word$/);
  refuses(() => parseEdges("a b c"), /line 1 has 3 words/);
  refuses(() => parseEdges("a b\n\nb a"), /line 3 repeats line 1/);
  refuses(() => parseEdges("a a"), /line 1 links "a" with itself/);
});

Deno.test("parseSize() takes rows and columns", () => {
  assert.deepEqual(parseSize("4x8"), { rows: 4, columns: 8 });
  for (const text of ["4", "0x3", "4x", "4X8", "33x32", "1e1x2", "-1x2", "NaNxNaN"]) {
    refuses(() => parseSize(text), /ROWSxCOLUMNS/);
  }
});

Deno.test("reportLists() tells which choices are shared, and by whom", () => {
  const lists = new Map([["a", ["b", "c"]], ["b", ["a", "c"]], ["c", ["b", "a"]]]);
  assert.deepEqual(reportLists(lists, new Set([1])), {
    lines: [
      "3 nodes, each with a list of 2",
      "0 of 2 choices: each node is that of at most one other",
      "choice 1: several have the same: b (of a, c); the graph allows no better",
      "choice 2: several have the same: c (of a, b); none better was found",
    ],
    isGood: true,
  });
  const given = reportLists(lists, null);
  assert.match(given.lines.at(-1) ?? "", /^choice 2: .*c \(of a, b\)$/);
  assert.equal(given.isGood, false);
});

Deno.test("reportConfigured() names the files of lists that do not fit together", () => {
  const config = (node: string, associated: string[]) => ({ node, associated });
  const byPath = new Map([
    ["1.toml", config("a:1", ["b:1", "x:1"])],
    ["2.toml", config("b:1", [])],
  ]);
  const load = (path: string) => byPath.get(path) ?? config("b:1", []);
  const { lines, isGood } = reportConfigured(readConfiguredLists(["1.toml", "2.toml"], load));
  assert.equal(isGood, false);
  assert.match(lines[0] ?? "", /^1\.toml: a:1 is associated with b:1, .* 2\.toml lacks it/);
  assert.match(lines[1] ?? "", /^1\.toml: a:1 is associated with x:1, whose file is not/);
  refuses(() => readConfiguredLists(["2.toml", "3.toml"], load), /2\.toml and 3\.toml are both/);
});

Deno.test("reportConfigured() is content with two nodes that name each other", () => {
  const lists = new Map([["a:1", ["b:1"]], ["b:1", ["a:1"]]]);
  const files = new Map([["a:1", "1.toml"], ["b:1", "2.toml"]]);
  assert.equal(reportConfigured({ lists, files }).isGood, true);
});

for (
  const [args, code, output] of [
    [["torus", "4x4", "--check"], 0, /15 of 15 choices/],
    [["mesh", "3x3", "--length", "4", "--check"], 0, /choice 1: .* the graph allows no better/],
    [["ring", "3", "a", "b", "c", "--toml"], 0, /# b\nassociated = \["c", "a"\]/],
    [["full", "4", "--length", "1"], 0, /Node 3 +0$/],
  ] as const
) {
  Deno.test(`lb topology ${args.join(" ")} prints what it should`, async () => {
    const lines: string[] = [];
    const log = console.log;
    console.log = (text: string) => lines.push(text);
    try {
      assert.equal(await command.run(args), code);
    } finally {
      console.log = log;
    }
    assert.match(lines.join("\n"), output);
  });
}
