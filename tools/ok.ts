/**
 * `npm test`: everything that must hold, in one task: format, lint, types, the generated header, the
 * C build with warnings as errors, the binary, and every test. Names given as arguments are passed to
 * `deno test` and skip the rest.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { formatError, LbError } from "../lib/base/errors.ts";
import { build } from "./build.ts";

const root = fileURLToPath(new URL("../", import.meta.url));

/** Folders and files that hold TypeScript of ours. */
const SOURCES = ["main.ts", "mod.ts", "lib", "ffi", "tools", "tests", "bench"];

/** Runs deno with output to the terminal; returns whether it succeeded. */
async function deno(...args: string[]): Promise<boolean> {
  const shown = args.length > 6 ? [...args.slice(0, 3), `... ${args.length} words`] : args;
  console.log(`\ntest: deno ${shown.join(" ")}`);
  const { success } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: root,
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).output();
  return success;
}

/** Runs the tests; passes their output on as it comes and counts them by deno's last line. */
async function runTests(sources: readonly string[]): Promise<{ passed: boolean; counts: string }> {
  // Types were checked before. Leaks are traced so that a failure names the line.
  // Examples in docstrings are tests too.
  const args = ["test", "-A", "--doc", "--no-check", "--trace-leaks", ...sources];
  console.log(`\ntest: deno ${args.join(" ")}`);
  const child = new Deno.Command(Deno.execPath(), {
    args,
    cwd: root,
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const decoder = new TextDecoder();
  let tail = "";
  for await (const bytes of child.stdout) {
    await Deno.stdout.write(bytes);
    tail = (tail + decoder.decode(bytes, { stream: true })).slice(-400);
  }
  const { success } = await child.status;
  // deno-lint-ignore no-control-regex
  const plain = tail.replace(/\x1b\[[0-9;]*m/g, "");
  const line = /(\d+) passed.*?\| (\d+) failed(?:.*?\| (\d+) ignored)?/.exec(plain);
  const skipped = line?.[3] === undefined ? "" : `, ${line[3]} skipped`;
  const counts = line === null ? "" : `test: ${line[1]} passed, ${line[2]} failed${skipped}`;
  return { passed: success, counts };
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
    await build();
    return await deno("test", "-A", "--no-check", ...Deno.args) ? 0 : 1;
  }
  const sources: string[] = [];
  for (const path of SOURCES) if (await exists(path)) sources.push(path);
  const files = sources.flatMap((path) => path.endsWith(".ts") ? [path] : listFiles(path, ".ts"));
  const failed: string[] = [];
  const step = async (name: string, run: () => Promise<boolean>): Promise<void> => {
    if (!await run()) failed.push(name);
  };
  await step("format", () => deno("fmt", "--check"));
  await step("lint", () => deno("lint"));
  await step("types", () => deno("check", "--quiet", ...files));
  await step("build", async () => {
    console.log("\ntest: build");
    try {
      await build();
      return true;
    } catch (error) {
      if (!(error instanceof LbError)) throw error;
      console.error(formatError(error));
      return false;
    }
  });
  let counts = "";
  await step("tests", async () => {
    // Of files that are no tests only mod.ts, which does nothing when it is loaded: the example in it.
    const result = await runTests(sources.filter((path) => path !== "main.ts"));
    counts = result.counts;
    return result.passed;
  });
  const seconds = Math.round((performance.now() - started) / 1000);
  if (failed.length > 0) {
    if (counts !== "") console.log(`\n${counts}`);
    console.error(`\ntest: failed after ${seconds} s: ${failed.join(", ")}`);
    return 1;
  }
  console.log(`\ntest: format, lint, types, build and tests are good after ${seconds} s`);
  console.log(counts);
  return 0;
}

Deno.exit(await main());
