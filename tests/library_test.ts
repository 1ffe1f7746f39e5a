/** The library's face: its doors, their documentation, and the examples. */
import assert from "node:assert/strict";
import $ from "../tools/commands.ts";
import { freePorts, withNodes } from "./daemon/nodes.ts";
import { assertNone, paths, read, root } from "./repository.ts";

/** Runs deno in the repository; returns its output, both streams in one. */
async function deno(...args: string[]): Promise<{ success: boolean; text: string }> {
  const { code, combined } = await $`${Deno.execPath()} ${args}`.cwd(root).env("NO_COLOR", "1")
    .stdin("null").captureCombined().noThrow();
  return { success: code === 0, text: combined };
}

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly exports: Readonly<Record<string, string>>;
}

const manifest = JSON.parse(read("deno.json").text) as Manifest;
const doors = Object.values(manifest.exports);

Deno.test("deno.json and package.json name the same library with the same doors", () => {
  const { name, version, license, exports } = JSON.parse(read("package.json").text) as Manifest;
  assert.deepEqual(
    { name: manifest.name, version: manifest.version, license: manifest.license },
    { name, version, license },
  );
  assert.deepEqual(manifest.exports, exports);
  assert.deepEqual(Object.keys(exports), [".", "./core", "./sim", "./wire"]);
});

Deno.test("each door is documented to the last field, and lacks no type", async () => {
  const { success, text } = await deno("doc", "--lint", ...doors);
  assert.ok(success, text);
});

/** A name as `deno doc --json` has it. */
interface DocumentedName {
  readonly name: string;
  readonly kind: string;
  readonly declarationKind: string;
  readonly jsDoc?: { readonly tags?: readonly { readonly kind: string }[] };
}

/** Errors have the example of the class that they extend. */
const ERRORS = /^(?!Lb).*Error$/;

/** Functions and classes without an example. */
function withoutExample(names: readonly DocumentedName[]): string[] {
  return names.filter(({ name, kind, declarationKind, jsDoc }) =>
    (kind === "function" || kind === "class") && declarationKind === "export" &&
    !ERRORS.test(name) && !jsDoc?.tags?.some((tag) => tag.kind === "example")
  ).map(({ name }) => name);
}

Deno.test("each function and class of a door has an example", async () => {
  const { success, text } = await deno("doc", "--json", ...doors);
  assert.ok(success, text);
  const { nodes } = JSON.parse(text) as { nodes: DocumentedName[] };
  assertNone([...new Set(withoutExample(nodes))], "Show it in its docstring; the tests run it");
  const bare = { name: "f", kind: "function", declarationKind: "export" };
  assert.deepEqual(withoutExample([bare]), ["f"]);
});

Deno.test("docs/DEPENDENCIES.md names each package", () => {
  const { devDependencies } = JSON.parse(read("package.json").text) as {
    devDependencies: Record<string, string>;
  };
  const { text } = read("docs/DEPENDENCIES.md");
  const packages = Object.keys(devDependencies);
  assertNone(packages.filter((name) => !text.includes(`\`${name}\``)), "Say there what it is for");
});

/** Runs an example; returns what it prints. */
async function runExample(path: string, ...args: string[]): Promise<string> {
  const { success, text } = await deno("run", "-A", "--no-check", path, ...args);
  assert.ok(success, text);
  return text;
}

Deno.test("examples/simulate_my_policy.ts tells what moving is worth", async () => {
  const text = await runExample("examples/simulate_my_policy.ts");
  const means = [...text.matchAll(/mean response ([\d.]+) s/g)].map(([, mean]) => Number(mean));
  assert.equal(means.length, 3, text);
  const [none = 0, thesis = 0, mine = 0] = means;
  assert.ok(thesis < none / 2 && mine < none / 2, text);
});

Deno.test("examples/watch_cluster.ts shows the nodes of a cluster", async () => {
  const [a = 0, b = 0] = freePorts(2);
  const nodes = [{ port: a, associated: [b] }, { port: b, associated: [a] }];
  await withNodes(nodes, async ([first, second]) => {
    const config = `${first?.dir}/${a}.toml`;
    const text = await runExample("examples/watch_cluster.ts", config, "2");
    assert.equal(text.match(new RegExp(`^${first?.name} +U  0 processes`, "gm"))?.length, 2, text);
    assert.match(text, new RegExp(`^${second?.name} `, "m"));
  });
});

Deno.test("each example has a test", () => {
  const tested = read("tests/library_test.ts").text;
  const examples = paths.filter((path) => path.startsWith("examples/"));
  assert.equal(examples.length, 2);
  assertNone(examples.filter((path) => !tested.includes(`"${path}"`)), "Run it here");
});
