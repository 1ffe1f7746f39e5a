/**
 * The ladder of the TypeScript folders.
 *
 * Imports of values and of types run down it, without circles.
 */
import assert from "node:assert/strict";
import { circles } from "../tools/callgraph.ts";
import { assertNone, fileOf, isTest, type SourceFile, typescript } from "./repository.ts";
import { importsIn } from "./syntax.ts";

/** Files that a TypeScript file imports values or types from, as paths from the root. */
function importsOf({ path, text }: SourceFile): string[] {
  return importsIn(path, text).filter((target) => target.startsWith("."))
    .map((target) => new URL(target, `file:///${path}`).pathname.slice(1));
}

const CORE_FLOOR = ["lib/base/", "lib/core/contract/", "lib/core/process_table.ts"];
const SIM_FLOOR = ["lib/base/", "lib/wire/", "lib/core/"];
const POLICIES = ["transfer", "selection", "location", "information"].map((name) =>
  `lib/core/${name}_policy/`
);

/**
 * Which folders a folder may import from, besides itself: the ladder of CONTRIBUTING.md. Roles never
 * meet each other.
 */
const LADDER: readonly (readonly [folder: string, allowed: readonly string[]])[] = [
  ["lib/base/", ["package.json"]],
  ["lib/wire/", ["lib/base/"]],
  // The rooms of core: its contract, the four policies of the field, sending and receiving above them.
  ["lib/core/contract/", ["lib/base/"]],
  ["lib/core/topology/", ["lib/base/"]],
  ["lib/core/membership/", ["lib/base/", "lib/core/contract/"]],
  ["lib/core/process_table.ts", ["lib/base/", "lib/core/contract/"]],
  ["lib/core/transfer_policy/", CORE_FLOOR],
  ["lib/core/information_policy/", CORE_FLOOR],
  ["lib/core/location_policy/", CORE_FLOOR],
  ["lib/core/selection_policy/", [...CORE_FLOOR, "lib/core/location_policy/"]],
  ["lib/core/receiving/", [...CORE_FLOOR, ...POLICIES]],
  ["lib/core/sending/", [...CORE_FLOOR, ...POLICIES]],
  ["lib/core/", ["lib/base/", "lib/wire/"]],
  // The rooms of the simulator: its engine, what it models, what must hold, what is shown.
  ["lib/sim/engine/", SIM_FLOOR],
  ["lib/sim/report/", SIM_FLOOR],
  ["lib/sim/model/", [...SIM_FLOOR, "lib/sim/engine/", "lib/sim/report/"]],
  ["lib/sim/membership/", [...SIM_FLOOR, "lib/sim/engine/", "lib/sim/model/"]],
  ["lib/sim/", SIM_FLOOR],
  ["ffi/", ["lib/base/", "lib/wire/schema.ts", "lib/wire/layout.ts"]],
  ["lib/host/", ["lib/base/", "lib/wire/", "lib/core/contract/", "ffi/"]],
  ["lib/cli/", ["lib/", "ffi/"]],
  ["tools/", ["lib/base/", "lib/wire/schema.ts"]],
  // Every other folder of lib is a role.
  ["lib/", ["lib/base/", "lib/wire/", "lib/core/", "lib/host/", "ffi/"]],
  ["main.ts", ["lib/base/", "lib/cli/table.ts"]],
  ["mod.ts", ["lib/"]],
  ["examples/", ["mod.ts", "lib/"]],
];

/** Imports of a file that the ladder does not allow. */
function climbsOf(file: SourceFile): string[] {
  const rung = LADDER.find(([folder]) => file.path.startsWith(folder));
  if (rung === undefined) return [`${file.path} has no rung`];
  const own = rung[0] === "lib/" ? file.path.split("/").slice(0, 2).join("/") + "/" : rung[0];
  return importsOf(file)
    .filter((to) => !to.startsWith(own) && !rung[1].some((allowed) => to.startsWith(allowed)))
    .map((to) => `${file.path} imports ${to}`);
}

const product = typescript.filter(({ path }) => !isTest(path));

Deno.test("imports only go down the ladder, and roles never meet", () => {
  assertNone(product.flatMap(climbsOf), "A rung imports itself and the rungs below it");
});

Deno.test("an import that climbs is found, of a type too", () => {
  const trips = [
    `import { x } from "../host/x.ts";`,
    `import type { X } from "../host/x.ts";`,
    `export type { X } from "../host/x.ts";`,
    `export * from "../host/x.ts";`,
    `export let x: import("../host/x.ts").X;`,
    `export const x: typeof import("../host/x.ts").x = 1;`,
    `await import("../host/x.ts");`,
    `import "../host/x.ts";`,
  ];
  for (const text of trips) {
    assert.deepEqual(climbsOf(fileOf("lib/core/a.ts", text)), [
      "lib/core/a.ts imports lib/host/x.ts",
    ]);
  }
  const roles = fileOf("lib/launch/a.ts", `import type { X } from "../daemon/x.ts";`);
  assert.deepEqual(climbsOf(roles), ["lib/launch/a.ts imports lib/daemon/x.ts"]);
  assert.deepEqual(climbsOf(fileOf("new/a.ts", "")), ["new/a.ts has no rung"]);
});

/** Two files that know each other are one thing in two parts. */
const CIRCLE_MAX = 2;

/** Circles of files that are longer than allowed. */
function longCircles(files: readonly SourceFile[]): string[] {
  const uses = files.flatMap((file) => importsOf(file).map((to) => ({ from: file.path, to })));
  return circles(uses).filter((circle) => circle.length > CIRCLE_MAX)
    .map((circle) => circle.join(", "));
}

Deno.test("files do not import each other in a circle", () => {
  assertNone(longCircles(typescript), "Move what they share into a file below them");
});

Deno.test("a circle of imports is found, of types too", () => {
  const files = [
    fileOf("lib/base/a.ts", `import type { B } from "./b.ts";`),
    fileOf("lib/base/b.ts", `export type { C } from "./c.ts";`),
    fileOf("lib/base/c.ts", `export let a: import("./a.ts").A;`),
  ];
  assert.deepEqual(longCircles(files), ["lib/base/a.ts, lib/base/b.ts, lib/base/c.ts"]);
  assert.deepEqual(longCircles(files.slice(1)), []);
});

/** Doors to the world that only some files may open. */
function doorsOf({ path, text }: SourceFile): string[] {
  return [
    ...(text.includes("Deno.dlopen(") && !path.startsWith("ffi/") ? [`${path}: Deno.dlopen`] : []),
    ...(text.includes("Deno.exit(") && path !== "main.ts" && !path.startsWith("tools/")
      ? [`${path}: Deno.exit`]
      : []),
  ];
}

Deno.test("only ffi/ opens libraries, only main.ts and tools end the process", () => {
  assertNone(product.flatMap(doorsOf), "Use openFfi(), return an exit code");
  const trips = `Deno.dlopen("x", {}); Deno.exit(1);`;
  assert.equal(doorsOf(fileOf("lib/host/a.ts", trips)).length, 2);
});

const isOfTests = (path: string) => isTest(path) && !path.startsWith("bench/");

/** Files of the product that nothing but tests imports; what is run by itself is none of them. */
function helpersAmong(files: readonly SourceFile[]): string[] {
  const importers = new Map<string, string[]>();
  for (const file of files) {
    for (const to of importsOf(file)) importers.set(to, [...importers.get(to) ?? [], file.path]);
  }
  return files.filter(({ path }) => /^(lib|ffi)\//.test(path) && !isTest(path))
    .filter(({ path }) => importers.has(path) && importers.get(path)?.every(isOfTests))
    .map(({ path }) => path);
}

Deno.test("test helpers live under tests/", () => {
  assertNone(helpersAmong(typescript), "Move it to tests/, or use it");
  assert.deepEqual(
    helpersAmong([
      fileOf("lib/core/_world.ts", ""),
      fileOf("lib/core/a.ts", ""),
      fileOf("lib/core/b.ts", `import "./a.ts";`),
      fileOf("lib/core/a_test.ts", `import "./_world.ts"; import "./a.ts";`),
    ]),
    ["lib/core/_world.ts"],
  );
});
