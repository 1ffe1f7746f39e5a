/**
 * The rooms of the C products.
 *
 * No circle of files, and every use runs down the ladder.
 */
import assert from "node:assert/strict";
import $ from "../tools/commands.ts";
import { buildC, listObjects, productNames } from "../tools/build_c.ts";
import {
  circles,
  climbs,
  type Compiled,
  includesOf,
  inspect,
  ladders,
  namesakes,
  usesOf,
} from "../tools/callgraph.ts";
import { assertNone } from "./repository.ts";

/** Two files that use each other are one thing in two parts. */
const CIRCLE_MAX = 2;

/** Uses between rooms: the folders of files. */
function roomUses(uses: readonly { from: string; to: string }[]): { from: string; to: string }[] {
  const room = (file: string) => file.slice(0, file.lastIndexOf("/"));
  return uses.map(({ from, to }) => ({ from: room(from), to: room(to) }))
    .filter(({ from, to }) => from !== to);
}

await buildC();
for (const name of productNames) {
  const { uses, circles: found } = await inspect(name);
  const ladder = ladders[name];

  Deno.test(`${name}: no more than ${CIRCLE_MAX} files use each other in a circle`, () => {
    assertNone(
      found.filter(({ length }) => length > CIRCLE_MAX).map((circle) => circle.join(", ")),
      "Return what is to be done, or move what all read down",
    );
  });

  Deno.test(`${name}: functions are used down the ladder`, () => {
    assertNone(climbs(ladder, uses), "Use what is on the same rung or below");
  });

  Deno.test(`${name}: its rooms use each other in one direction`, () => {
    const found = circles(roomUses(uses)).map((rooms) => rooms.join(", "));
    assertNone(found, "Move what both rooms use below both");
  });

  Deno.test(`${name}: headers are included down the ladder`, () => {
    assertNone(climbs(ladder, includesOf(name)), "Include what is below");
  });
}

Deno.test("one name is one function, in all products", async () => {
  const found = await namesakes(productNames.flatMap((name) => listObjects(name)));
  assertNone(found, "Give one of them a name of its own");
});

/** Compiles some C and gives the objects' paths; they are gone when the returned object is disposed. */
async function compile(
  texts: Readonly<Record<string, string>>,
): Promise<AsyncDisposable & { objects: Compiled[] }> {
  const dir = await Deno.makeTempDir();
  const objects: Compiled[] = [];
  for (const [source, text] of Object.entries(texts)) {
    const name = `${dir}/${source.replaceAll("/", "_")}`;
    await Deno.writeTextFile(name, text);
    const { code, combined } = await $`cc -O2 -c -o ${name}.o ${name}`.captureCombined().noThrow();
    assert.equal(code, 0, combined);
    objects.push({ source, object: `${name}.o` });
  }
  return { objects, [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }) };
}

Deno.test("a circle is found through calls and through addresses in tables", async () => {
  await using compiled = await compile({
    "c/a.c": "void b(void); void a(void) { b(); }",
    "c/b.c": "void c(void); void b(void) { c(); }",
    "c/c.c": "void d(void); void c(void) { static void (*const t[])(void) = { d }; t[0](); }",
    "c/d.c": "extern void (*table[])(void); void d(void) { table[0](); }",
    "c/table.c": "void a(void); void (*table[])(void) = { a };",
    "c/e.c": "void a(void); int shared; void e(void) { a(); }",
  });
  const uses = await usesOf(compiled.objects);
  // d reads a table of data, which is no use of a function: so far there is no way back.
  assert.deepEqual(circles(uses), []);
  assert.ok(uses.some(({ from, to }) => from === "c/table.c" && to === "c/a.c"));
  await using closed = await compile({ "c/d.c": "void a(void); void d(void) { a(); }" });
  const objects = [...compiled.objects.filter(({ source }) => source !== "c/d.c")];
  assert.deepEqual(circles(await usesOf([...objects, ...closed.objects])), [
    ["c/a.c", "c/b.c", "c/c.c", "c/d.c"],
  ]);
});

Deno.test("two circles that meet in a file are one, two that are apart are two", () => {
  const uses = (text: string) =>
    text.split(" ").map((pair) => ({ from: pair[0] ?? "", to: pair[1] ?? "" }));
  assert.deepEqual(circles(uses("ab ba bc cb xy yx ax")), [["a", "b", "c"], ["x", "y"]]);
  assert.deepEqual(circles(uses("ab bc cd ad")), []);
});

Deno.test("rooms that use each other through different files are a circle", () => {
  const uses = [{ from: "c/x/a.c", to: "c/y/b.c" }, { from: "c/y/c.c", to: "c/x/d.c" }];
  assert.deepEqual(circles(uses), []);
  assert.deepEqual(circles(roomUses(uses)), [["c/x", "c/y"]]);
});

Deno.test("a use that climbs is found, and a file without a rung", async () => {
  await using compiled = await compile({
    "c/library/process/low.c": "void high(void); void low(void) { high(); }",
    "c/library/entry/high.c": "void high(void) { }",
    "c/library/lost.c": "void low(void); void lost(void) { low(); }",
  });
  assert.deepEqual(climbs(ladders.library, await usesOf(compiled.objects)), [
    "c/library/lost.c has no rung",
    "c/library/process/low.c uses c/library/entry/high.c: high",
  ]);
});

Deno.test("two functions of one name are found", async () => {
  await using compiled = await compile({
    "c/keeper/link.c": "void lost(int link) { (void)link; }",
    "c/shadow/links.c": "void lost(void) { }",
  });
  assert.deepEqual(await namesakes(compiled.objects), ["lost: c/keeper/link.c, c/shadow/links.c"]);
});
