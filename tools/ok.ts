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
import { tellFailures } from "./outcome.ts";
import { listFiles, runTests, TREE, type Verdict } from "./run_tests.ts";

const root = fileURLToPath(new URL("../", import.meta.url));

/** Folders and files that hold TypeScript of ours. */
const SOURCES = ["main.ts", "mod.ts", "lib", "ffi", "tools", "tests", "bench", "examples"];
/** Where the last lines stand as well, for whoever runs this command and others. */
const SUMMARY = "dist/test-summary.txt";

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

/** Builds what is tested, and what the tests are made of. */
async function buildAll(): Promise<boolean> {
  await build();
  return await deno("run", "-A", "tests/programs/build.ts");
}

/** How many tests ended how, and by name each that failed or passed only alone. */
function tell({ passed, failed, skipped, failures, flaky }: Verdict): string[] {
  const counts = [`${passed} passed`, `${failed} failed`];
  if (skipped > 0) counts.push(`${skipped} skipped`);
  if (flaky.length > 0) counts.push(`${flaky.length} flaky`);
  const lines = [`test: ${counts.join(", ")}`];
  if (failures.length > 0) lines.push("test: failed:", ...tellFailures(failures));
  if (flaky.length > 0) {
    lines.push("test: flaky, failed and then passed alone:", ...tellFailures(flaky));
  }
  return lines;
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(root + path).then(() => true, () => false);
}

async function main(): Promise<number> {
  const started = performance.now();
  if (await exists(SUMMARY)) await Deno.remove(root + SUMMARY);
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
  let counts: string[] = [];
  if (!failed.includes("build")) {
    await step("tests", async () => {
      // Of files that are no tests only mod.ts, which does nothing when it is loaded: the example in it.
      const verdict = await runTests(sources.filter((path) => path !== "main.ts"));
      counts = tell(verdict);
      return verdict.failed === 0;
    });
  }
  const seconds = Math.round((performance.now() - started) / 1000);
  const result = failed.length > 0
    ? `test: failed after ${seconds} s: ${failed.join(", ")}`
    : `test: format, lint, types, build and tests are good after ${seconds} s`;
  const summary = [result, ...counts].join("\n");
  console.log(`\n${summary}`);
  await Deno.mkdir(`${root}dist`, { recursive: true });
  await Deno.writeTextFile(root + SUMMARY, `${summary}\n`);
  return failed.length > 0 ? 1 : 0;
}

Deno.exit(await main());
