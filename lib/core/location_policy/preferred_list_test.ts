/** Tests of the preferred list. */

import assert from "node:assert/strict";
import { PreferredList } from "./preferred_list.ts";
import type { Letter } from "../contract/names.ts";

function letter(letter: Letter, seq = 0, epoch = 1) {
  return { letter, epoch, seq };
}

Deno.test("PreferredList leaves out nodes that have not answered yet", () => {
  const list = new PreferredList(["b", "c"]);
  assert.equal(list.first(), null);
  assert.deepEqual(list.view(), [{ node: "b", state: " " }, { node: "c", state: " " }]);
});

Deno.test("first() skips a node that is not U, which regains its place when it is U again", () => {
  const list = new PreferredList(["b", "c", "d"]);
  for (const node of ["d", "c", "b"]) list.note(node, letter("U"));
  assert.equal(list.first(), "b");
  list.note("b", letter("F", 1));
  assert.equal(list.first(), "c");
  list.note("b", letter("U", 2));
  assert.equal(list.first(), "b");
});

Deno.test("first() takes only nodes that are acceptable", () => {
  const list = new PreferredList(["b", "c"]);
  list.note("b", letter("U"));
  list.note("c", letter("U"));
  assert.equal(list.first((node) => node !== "b"), "c");
  assert.equal(list.first(() => false), null);
});

Deno.test("note() drops late letters, of the same epoch and of an earlier one", () => {
  const list = new PreferredList(["b"]);
  assert.equal(list.note("b", letter("F", 3, 2)), "news");
  assert.equal(list.note("b", letter("U", 2, 2)), "late");
  assert.equal(list.note("b", letter("U", 9, 1)), "late");
  assert.equal(list.first(), null);
  assert.equal(list.note("b", letter("F", 3, 2)), "known");
  assert.equal(list.note("b", letter("U", 0, 3)), "news");
  assert.equal(list.first(), "b");
});

Deno.test("note() takes the next letter of a lost node, even if its clock was set back", () => {
  const list = new PreferredList(["b"]);
  list.note("b", letter("U", 4, 9));
  list.lose("b");
  assert.equal(list.first(), null);
  assert.deepEqual(list.view(), [{ node: "b", state: " " }]);
  assert.equal(list.note("b", letter("U", 0, 2)), "news");
  assert.equal(list.first(), "b");
  assert.equal(list.note("b", letter("F", 0, 1)), "late");
});

Deno.test("note() and lose() ignore nodes that are not associated", () => {
  const list = new PreferredList(["b"]);
  assert.equal(list.note("z", letter("U")), "stranger");
  list.lose("z");
  assert.equal(list.first(), null);
});

Deno.test("a doubted node is not chosen, whatever its letter, and keeps letter and place", () => {
  const list = new PreferredList(["a:1", "b:1"]);
  for (const node of ["a:1", "b:1"]) list.note(node, { letter: "U", epoch: 1, seq: 0 });
  list.doubt("a:1", true);
  assert.equal(list.first(), "b:1");
  assert.deepEqual(list.receivers(() => true).map(({ node }) => node), ["b:1"]);
  list.note("a:1", { letter: "F", epoch: 1, seq: 1 });
  assert.deepEqual(list.full(() => true), []);
  list.note("a:1", { letter: "U", epoch: 1, seq: 2 });
  list.doubt("a:1", false);
  assert.equal(list.first(), "a:1");
});

Deno.test("replace() keeps what is known of the nodes that stay, stamps included", () => {
  const list = new PreferredList(["a:1", "b:1"]);
  list.note("a:1", { letter: "U", epoch: 1, seq: 5 });
  list.doubt("a:1", true);
  list.replace(["c:1", "a:1"]);
  assert.deepEqual(list.view(), [{ node: "c:1", state: " " }, { node: "a:1", state: "U" }]);
  assert.equal(list.note("a:1", { letter: "F", epoch: 1, seq: 4 }), "late");
  assert.equal(list.first(), null, "it is doubted still");
  assert.equal(list.note("b:1", { letter: "U", epoch: 1, seq: 1 }), "stranger");
});
