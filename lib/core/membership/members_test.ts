/** Tests of the table of members. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { forgetMs, Members } from "./members.ts";
import { type Claim, statuses } from "./types.ts";

const claims = fc.array(
  fc.record({
    node: fc.constantFrom("a:1", "b:1", "c:1"),
    incarnation: fc.integer({ min: 1, max: 4 }),
    status: fc.constantFrom(...statuses),
    isOpen: fc.constant(true),
    ageMs: fc.constant(0),
  }),
  { maxLength: 30 },
);

function tableOf(list: readonly Claim[]): Members {
  const members = new Members();
  for (const claim of list) members.merge(claim, 5);
  return members;
}

Deno.test("merge() ends in the same table in any order, with any claim repeated", () => {
  fc.assert(fc.property(claims, fc.infiniteStream(fc.nat({ max: 1000 })), (list, numbers) => {
    const order = new Map(list.map((claim) => [claim, numbers.next().value ?? 0]));
    const other = [...list, ...list.slice(0, 5)]
      .toSorted((a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0));
    assert.deepEqual(tableOf(other).list(9), tableOf(list).list(9));
    assert.equal(tableOf(other).digest, tableOf(list).digest);
  }));
});

Deno.test("merge() tells whether a claim says more", () => {
  const members = new Members();
  const claim = { node: "a:1", incarnation: 7, status: "alive", isOpen: false, ageMs: 0 } as const;
  const merge = (change: Partial<Claim>) => members.merge({ ...claim, ...change }, 0);
  assert.ok(merge({}));
  assert.ok(!merge({}));
  assert.ok(!merge({ incarnation: 6, status: "failed" }), "late");
  assert.ok(merge({ status: "suspected" }));
  assert.ok(!merge({ status: "alive" }), "only the member refutes it, by a new incarnation");
  assert.ok(merge({ incarnation: 8 }));
  assert.ok(merge({ incarnation: 8, status: "left" }));
  assert.ok(!merge({ incarnation: 8, status: "failed" }), "it left before");
});

Deno.test("the digest differs where the tables do", () => {
  const seen = new Map<bigint, string>();
  fc.assert(fc.property(claims, (list) => {
    const members = tableOf(list);
    const text = JSON.stringify(members.list(5));
    assert.equal(seen.get(members.digest) ?? text, text);
    seen.set(members.digest, text);
  }));
});

Deno.test("who has left long ago is forgotten, and not brought back by a node that remembers", () => {
  const left = { node: "a:1", incarnation: 7, status: "left", isOpen: true, ageMs: 1000 } as const;
  const members = tableOf([left, { ...left, node: "b:1", status: "alive" }]);
  assert.ok(!members.forget(forgetMs - 2000));
  assert.ok(members.forget(forgetMs));
  assert.deepEqual(members.list(forgetMs).map(({ node }) => node), ["b:1"]);
  assert.ok(!members.merge({ ...left, ageMs: forgetMs }, forgetMs));
});
