/** Tests of what `lb topology` prints and reads. */

import assert from "node:assert/strict";
import { UsageError } from "../base/errors.ts";
import { hypercubeList } from "../core/topology.ts";
import { formatTable, formatToml, parseGraph } from "./topology.ts";

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
  assert.throws(() => parseGraph("a b"), /"b", a neighbour of "a", has none/);
});
