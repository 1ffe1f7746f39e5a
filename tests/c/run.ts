/**
 * Compiles and runs the C unit tests under AddressSanitizer and UndefinedBehaviorSanitizer.
 *
 * The first paragraph of `tests/c/test_NAME.c` names the units that it is linked with, as paths from
 * the repository's root; a folder stands for all its C files and `{a,b}` for a choice:
 * `/* test_NAME.c - What it tests. Units: c/ffi/ c/keeper/{link,loop}.c`.
 *
 * Run this file with names of tests to run only those: `run.ts ffi keeper`.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import $ from "../../tools/commands.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const productDir = `${root}dist/tests/c/`;

const FLAGS = [
  ...["-std=gnu11", "-O1", "-g", "-fno-omit-frame-pointer", "-pthread"],
  ...["-DLB_FAULTS", "-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wmissing-prototypes"],
  ...[
    "-Ic/library",
    "-Ic/include",
    "-Ic/base",
    "-Ic/restorer",
    "-Ic/ffi",
    "-Ic/keeper",
    "-Ic",
    "-Itests/c",
  ],
];
const SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];

/** One C test program. */
export interface CTest {
  readonly name: string;
  /** What the file's first line says that it tests. */
  readonly summary: string;
  /** Paths from the repository's root, the test's own first. */
  readonly sources: readonly string[];
}

/** What a run printed, and whether it was good. */
export interface CTestResult {
  readonly passed: boolean;
  /** Names of the cases that held. */
  readonly cases: readonly string[];
  /** Reasons of cases that could not run here. */
  readonly skipped: readonly string[];
  readonly output: string;
}

/** The C files that a path names. */
function expand(pattern: string): string[] {
  const slash = pattern.lastIndexOf("/");
  const folder = pattern.slice(0, slash);
  const source = pattern.slice(slash + 1)
    .replaceAll(/[.+^$()|[\]\\]/g, "\\$&")
    .replaceAll(/\{([^}]*)\}/g, (_, choice: string) => `(${choice.replaceAll(",", "|")})`);
  const name = source === "" ? /\.c$/ : new RegExp(`^${source}$`);
  const found = [...Deno.readDirSync(root + folder)]
    .filter((entry) => entry.isFile && name.test(entry.name))
    .map((entry) => `${folder}/${entry.name}`).sort();
  if (found.length === 0) {
    throw new Error(`Cannot link ${pattern} as it must name a file: it does not`);
  }
  return found;
}

/** Lists the C tests, by name. */
export function listCTests(): CTest[] {
  const names = [...Deno.readDirSync(new URL("./", import.meta.url))]
    .flatMap((entry) => /^test_(\w+)\.c$/.exec(entry.name)?.[1] ?? []).sort();
  return names.map((name) => {
    const path = `tests/c/test_${name}.c`;
    const first = (Deno.readTextFileSync(root + path).split(/\n \*\n|\*\//, 1)[0] ?? "")
      .replaceAll(/\n \*/g, "");
    const line = /^\/\* test_\w+\.c - (.*?)\s*Units:\s*(.*?)\s*$/i.exec(first);
    if (line === null) {
      throw new Error(`Cannot run ${path} as its first lines must name its units: "${first}"`);
    }
    const units = (line[2] ?? "").split(/\s+/).filter((unit) => unit !== "");
    return { name, summary: line[1] ?? "", sources: [path, ...units.flatMap(expand)] };
  });
}

function modifiedMs(path: string): number {
  try {
    return Deno.statSync(path).mtime?.getTime() ?? 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}

/** The files a program was made from, as the compiler named them. */
function readDependencies(path: string): string[] {
  try {
    return Deno.readTextFileSync(path).replaceAll(/^[^:\n]*:/gm, "").replaceAll("\\\n", " ")
      .trim().split(/\s+/);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

async function cc(args: readonly string[]): Promise<string | null> {
  const { code, combined } = await $`cc ${args}`.cwd(root).captureCombined().noThrow();
  return code === 0 ? null : combined;
}

/** Whether this compiler has the sanitizers; where it has not, the tests run without. */
async function findSanitizers(): Promise<readonly string[]> {
  const probe = `${productDir}probe.${Deno.pid}.c`;
  await Deno.writeTextFile(probe, "int main(void) { return 0; }\n");
  const error = await cc([...SANITIZERS, "-o", `${probe}.out`, probe]);
  for (const path of [probe, `${probe}.out`]) await Deno.remove(path).catch(() => {});
  if (error !== null) console.error("C tests run without sanitizers: cc has none");
  return error === null ? SANITIZERS : [];
}

let sanitizers: Promise<readonly string[]> | undefined;

/** Compiles a test if anything it is made from has changed. Returns the program's path. */
async function compile(test: CTest): Promise<string> {
  await Deno.mkdir(productDir, { recursive: true });
  const product = `${productDir}${test.name}`;
  const productMs = modifiedMs(product);
  const known = readDependencies(`${product}.d`).map((path) =>
    path.startsWith("/") ? path : root + path
  );
  const inputs = [...test.sources.map((path) => root + path), ...known];
  const isFresh = known.length > 0 && inputs.every((path) => modifiedMs(path) < productMs);
  if (isFresh) return product;
  sanitizers ??= findSanitizers();
  const flags = [...FLAGS, ...await sanitizers];
  const mine = `${product}.${Deno.pid}`; // renamed when done: another run may use the old one
  const dependencies: string[] = [];
  const objects: string[] = [];
  try {
    for (const [index, source] of test.sources.entries()) {
      const object = `${mine}.${index}.o`;
      objects.push(object, `${object}.d`);
      const error = await cc([...flags, "-MMD", "-MF", `${object}.d`, "-c", "-o", object, source]);
      if (error !== null) throw new Error(`Cannot compile ${source} for ${test.name}:\n${error}`);
      dependencies.push(Deno.readTextFileSync(`${object}.d`));
    }
    const linked = objects.filter((path) => path.endsWith(".o"));
    const error = await cc([...flags, "-o", mine, ...linked]);
    if (error !== null) throw new Error(`Cannot link the C test ${test.name}:\n${error}`);
    await Deno.writeTextFile(`${product}.d`, dependencies.join("\n"));
    await Deno.rename(mine, product);
  } finally {
    for (const path of [mine, ...objects]) await Deno.remove(path).catch(() => {});
  }
  return product;
}

/**
 * Compiles and runs one C test, in the repository's root.
 *
 * @throws {Error} If it does not compile.
 */
export async function runCTest(test: CTest): Promise<CTestResult> {
  const program = await compile(test);
  const { code, stdout, stderr } = await $`${program}`.cwd(root).stdin("null").env({
    ASAN_OPTIONS: "abort_on_error=0:detect_stack_use_after_return=1",
    UBSAN_OPTIONS: "print_stacktrace=1",
  }).stdout("piped").stderr("piped").noThrow();
  const lines = stdout.split("\n");
  const named = (word: string) =>
    lines.flatMap((line) => line.startsWith(`${word} `) ? [line.slice(word.length + 1)] : []);
  return {
    passed: code === 0,
    cases: named("ok"),
    skipped: named("skip"),
    output: stderr + stdout,
  };
}

if (import.meta.main) {
  let failures = 0;
  const tests = listCTests();
  const unknown = Deno.args.filter((name) => !tests.some((test) => test.name === name));
  if (unknown.length > 0) {
    console.error(`Cannot run C test '${unknown[0]}' as tests/c must have it: it does not`);
    Deno.exit(2);
  }
  for (const test of tests) {
    if (Deno.args.length > 0 && !Deno.args.includes(test.name)) continue;
    const { passed, cases, skipped, output } = await runCTest(test);
    if (!passed) failures++;
    console.log(`${passed ? "ok" : "FAILED"} ${test.name}: ${cases.length} cases`);
    for (const reason of skipped) console.log(`  skipped: ${reason}`);
    if (!passed) console.log(output);
  }
  Deno.exit(failures === 0 ? 0 : 1);
}
