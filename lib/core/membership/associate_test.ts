/** Tests of the preferred lists of members. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { findCrowds } from "../topology/spread.ts";
import { associate } from "./associate.ts";

const names = (count: number) => Array.from({ length: count }, (_, n) => `10.0.0.${n + 10}:9734`);

function listsOf(nodes: readonly string[], options: { listMax?: number; isOpen?: boolean } = {}) {
  const { listMax = 10, isOpen = true } = options;
  const members = nodes.map((node) => ({ node, status: "alive" as const, isOpen }));
  return new Map(nodes.map((node) => [
    node,
    associate({ node, configured: [], members, listMax }),
  ]));
}

Deno.test("associate() makes lists that are one-to-one, mutual and no longer than they may be", () => {
  for (let count = 1; count <= 40; count++) {
    for (const listMax of [2, 3, 10, 15]) {
      const lists = listsOf(names(count), { listMax });
      assert.deepEqual(findCrowds(lists), [], `${count} members, at most ${listMax}`);
      for (const [node, list] of lists) {
        const least = Math.min(count - 1, listMax - 1);
        assert.ok(list.length >= least && list.length <= listMax, `${count}: ${list.length}`);
        for (const other of list) assert.ok(lists.get(other)?.includes(node));
      }
    }
  }
});

Deno.test("associate() gives the same list whatever the order in which members became known", () => {
  const nodes = names(23);
  const expected = listsOf(nodes).get("10.0.0.15:9734");
  fc.assert(fc.property(fc.shuffledSubarray(nodes, { minLength: 23 }), (shuffled) => {
    assert.deepEqual(listsOf(shuffled).get("10.0.0.15:9734"), expected);
  }));
});

Deno.test("associate() lets a hundred members reach each other in five hops at most", () => {
  const lists = listsOf(names(100));
  let [reached, hops] = [new Set(["10.0.0.10:9734"]), 0];
  for (; reached.size < 100; hops++) {
    reached = new Set([...reached, ...[...reached].flatMap((node) => lists.get(node) ?? [])]);
  }
  assert.ok(hops <= 5, `${hops}`);
});

Deno.test("associate() keeps what the config names first, and adds open members only", () => {
  const fixed = { status: "alive", isOpen: false } as const;
  const members = [
    { node: "a:1", ...fixed },
    { node: "b:1", ...fixed },
    { node: "c:1", ...fixed },
    { node: "d:1", status: "failed", isOpen: true } as const,
    { node: "e:1", status: "left", isOpen: true } as const,
  ];
  const listOf = (node: string, configured: string[], listMax = 10) =>
    associate({ node, configured, members, listMax });
  // One that has failed keeps its place, one that has left has none.
  assert.deepEqual(listOf("a:1", ["c:1", "z:1"]), ["c:1", "z:1", "d:1"]);
  assert.deepEqual(listOf("b:1", ["e:1", "b:1"]), ["d:1"]);
  assert.deepEqual(listOf("d:1", []).toSorted(), ["a:1", "b:1", "c:1"]);
  assert.deepEqual(listOf("e:1", ["a:1"]), []);
  assert.deepEqual(listOf("a:1", ["c:1", "z:1"], 2), ["c:1", "z:1"]);
});
