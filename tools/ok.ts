/**
 * `npm test`: everything that must hold, in one task.
 *
 * Format, lint, types, the generated header, the C build with warnings as errors, the binary, and
 * every test. Names given as arguments are passed to `deno test` and skip the rest.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import $ from "./commands.ts";
import { formatError, LbError } from "../lib/base/errors.ts";
import { build } from "./build.ts";

const root = fileURLToPath(new URL("../", import.meta.url));

/** Folders and files that hold TypeScript of ours. */
const SOURCES = ["main.ts", "mod.ts", "lib", "ffi", "tools", "tests", "bench", "examples"];
/** Folders whose tests run on hosts of their own, or take long. */
const SLOW = ["tests/e2e", "tests/faults", "tests/c", "tests/fuzz"];
/** Groups at a time. Those on hosts mostly wait, a third of one processor each. */
const LANES = 3;
/** Groups that take a minute or more: they come first, so that no lane ends long after the others. */
const LONGEST = [
  "tests/faults/faults_test.ts",
  "tests/e2e/members_test.ts",
  "tests/e2e/balance_test.ts",
  "tests/e2e/restart_test.ts",
  "tests/e2e/transparency_test.ts",
  "tests/e2e/hostile_test.ts",
];

/** Runs deno with output to the terminal; returns whether it succeeded. */
async function deno(...args: string[]): Promise<boolean> {
  return await run([], args);
}

async function run(before: readonly string[], args: readonly string[]): Promise<boolean> {
  const shown = args.length > 6 ? [...args.slice(0, 3), `... ${args.length} words`] : args;
  console.log(`\ntest: deno ${shown.join(" ")}`);
  const words = [...before, Deno.execPath(), ...args];
  const { code } = await $`${words}`.cwd(root).stdin("null").noThrow();
  return code === 0;
}

/** Put before a command: it fails if it leaves a process behind, which is killed. */
const TREE = [`${root}dist/tests/hosttree`, "--"];

/** Builds what is tested, and what the tests are made of. */
async function buildAll(): Promise<boolean> {
  await build();
  return await deno("run", "-A", "tests/programs/build.ts");
}

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** Runs some tests in a process of their own; shows their output when they are over, and counts them. */
async function runGroup(sources: readonly string[], counts: Counts): Promise<boolean> {
  // Types were checked before. Leaks are traced so that a failure names the line.
  // Examples in docstrings are tests too.
  const args = ["test", "-A", "--doc", "--no-check", "--trace-leaks", ...sources];
  const { code, stdout, stderr } = await $`${[...TREE, Deno.execPath(), ...args]}`.cwd(root)
    .stdin("null").stdout("piped").stderr("piped").noThrow();
  const success = code === 0;
  await Deno.stdout.write(new TextEncoder().encode(stdout));
  await Deno.stderr.write(new TextEncoder().encode(stderr));
  // deno-lint-ignore no-control-regex
  const plain = stdout.slice(-400).replace(/\x1b\[[0-9;]*m/g, "");
  const line = /(\d+) passed.*?\| (\d+) failed(?:.*?\| (\d+) ignored)?/.exec(plain);
  counts.passed += Number(line?.[1] ?? 0);
  // A process that is left, or tests that could not run, are a failure, too.
  counts.failed += success ? 0 : Math.max(1, Number(line?.[2] ?? 0));
  counts.skipped += Number(line?.[3] ?? 0);
  return success;
}

/**
 * Runs all tests, some groups at a time. A file of those on hosts is a group, as its hosts are its own; all
 * others are one.
 */
async function runTests(
  sources: readonly string[],
): Promise<{ passed: boolean; counts: string }> {
  const slow = SLOW.flatMap((folder) => listFiles(folder, "_test.ts"));
  const other = sources.flatMap((path) =>
    path === "tests" ? listFiles(path, "_test.ts").filter((file) => !slow.includes(file)) : [path]
  );
  const isLong = (file: string) => LONGEST.includes(file);
  const queue = [
    ...LONGEST.filter((file) => slow.includes(file)).map((file) => [file]),
    other,
    ...slow.filter((file) => !isLong(file)).map((file) => [file]),
  ];
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  let passed = true;
  console.log(`\ntest: deno test, ${queue.length} groups`);
  await Promise.all(Array.from({ length: LANES }, async () => {
    for (let group = queue.shift(); group !== undefined; group = queue.shift()) {
      if (!await runGroup(group, counts)) passed = false;
    }
  }));
  const skipped = counts.skipped === 0 ? "" : `, ${counts.skipped} skipped`;
  return { passed, counts: `test: ${counts.passed} passed, ${counts.failed} failed${skipped}` };
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(root + path).then(() => true, () => false);
}

/** Lists files below a folder by the end of their names. */
function listFiles(folder: string, end: string): string[] {
  return [...Deno.readDirSync(root + folder)].flatMap((entry) =>
    entry.isDirectory
      ? listFiles(`${folder}/${entry.name}`, end)
      : entry.name.endsWith(end)
      ? [`${folder}/${entry.name}`]
      : []
  ).sort();
}

async function main(): Promise<number> {
  const started = performance.now();
  if (Deno.args.length > 0) {
    if (!await buildAll()) return 1;
    return await run(TREE, ["test", "-A", "--no-check", ...Deno.args]) ? 0 : 1;
  }
  const sources: string[] = [];
  for (const path of SOURCES) if (await exists(path)) sources.push(path);
  const files = sources.flatMap((path) => path.endsWith(".ts") ? [path] : listFiles(path, ".ts"));
  const failed: string[] = [];
  const step = async (name: string, run: () => Promise<boolean>): Promise<void> => {
    if (!await run()) failed.push(name);
  };
  await step("format", () => deno("fmt", "--check"));
  await step("format of C", () => deno("run", "-A", "tools/format_c.ts", "--check"));
  await step("lint", () => deno("lint"));
  await step("types", () => deno("check", "--quiet", ...files));
  await step("build", async () => {
    console.log("\ntest: build");
    try {
      return await buildAll();
    } catch (error) {
      if (!(error instanceof LbError)) throw error;
      console.error(formatError(error));
      return false;
    }
  });
  let counts = "";
  if (!failed.includes("build")) {
    await step("tests", async () => {
      // Of files that are no tests only mod.ts, which does nothing when it is loaded: the example in it.
      const result = await runTests(sources.filter((path) => path !== "main.ts"));
      counts = result.counts;
      return result.passed;
    });
  }
  const seconds = Math.round((performance.now() - started) / 1000);
  if (failed.length > 0) {
    console.log(`\ntest: failed after ${seconds} s: ${failed.join(", ")}`);
  } else console.log(`\ntest: format, lint, types, build and tests are good after ${seconds} s`);
  if (counts !== "") console.log(counts);
  return failed.length > 0 ? 1 : 0;
}

Deno.exit(await main());
