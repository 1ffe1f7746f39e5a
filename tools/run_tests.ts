/**
 * Runs all tests, some groups at a time.
 *
 * A file of real time that failed once more, alone.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import $ from "./commands.ts";
import { type Failure, type Outcome, readOutcome } from "./outcome.ts";

const root = fileURLToPath(new URL("../", import.meta.url));

/** Put before a command: it fails if it leaves a process behind, which is killed. */
export const TREE: readonly string[] = [`${root}dist/tests/hosttree`, "--"];

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
/** Folders whose tests hold real nodes to what they do in real time. */
const TIMED = ["tests/e2e/", "tests/faults/"];
/** What tests import that do so elsewhere. */
const DAEMONS = "tests/daemon/nodes.ts";

/** Files that are tried again in a run: more than so many do not fail for lack of time. */
const SECOND_TRIES_MAX = 5;

/** How all tests ended. */
export interface Verdict {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** What failed, of the second try as well. */
  readonly failures: readonly Failure[];
  /** What failed at first, in files that passed when they were run once more alone. */
  readonly flaky: readonly Failure[];
}

/** Lists files below a folder by the end of their names. */
export function listFiles(folder: string, end: string): string[] {
  return [...Deno.readDirSync(root + folder)].flatMap((entry) =>
    entry.isDirectory
      ? listFiles(`${folder}/${entry.name}`, end)
      : entry.name.endsWith(end)
      ? [`${folder}/${entry.name}`]
      : []
  ).sort();
}

/** Whether a loaded machine alone can make a test of this file fail. */
function isTimed(file: string): boolean {
  if (TIMED.some((folder) => file.startsWith(folder))) return true;
  return file.endsWith("_test.ts") && Deno.readTextFileSync(root + file).includes(DAEMONS);
}

/** Writes a text to its end: one write(2) to a pipe may take a part. */
async function writeAll(to: typeof Deno.stdout, text: string): Promise<void> {
  for (let rest = new TextEncoder().encode(text); rest.length > 0;) {
    rest = rest.subarray(await to.write(rest));
  }
}

/** Runs some tests in a process of their own, and shows their output when they are over. */
async function runGroup(sources: readonly string[]): Promise<Outcome> {
  // Types were checked before. Leaks are traced so that a failure names the line.
  // Examples in docstrings are tests too.
  const args = ["test", "-A", "--doc", "--no-check", "--trace-leaks", ...sources];
  const ended = await $`${[...TREE, Deno.execPath(), ...args]}`.cwd(root)
    .stdin("null").stdout("piped").stderr("piped").noThrow();
  await writeAll(Deno.stdout, ended.stdout);
  await writeAll(Deno.stderr, ended.stderr);
  return readOutcome(ended, sources.length === 1 ? sources[0] : "");
}

/** Runs files once more, one after the other, with nothing beside them. Returns what fails again. */
async function tryAgain(files: readonly string[]): Promise<Failure[]> {
  const again: Failure[] = [];
  for (const file of files) {
    console.log(`\ntest: once more, alone: ${file}`);
    const { failures } = await runGroup([file]);
    again.push(...failures.map((failure) => ({ ...failure, test: `${failure.test} (alone)` })));
  }
  return again;
}

/**
 * Runs all tests, some groups at a time. A file of those on hosts is a group, as its hosts are its own; all
 * others are one.
 */
export async function runTests(sources: readonly string[]): Promise<Verdict> {
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
  const outcomes: Outcome[] = [];
  console.log(`\ntest: deno test, ${queue.length} groups`);
  await Promise.all(Array.from({ length: LANES }, async () => {
    for (let group = queue.shift(); group !== undefined; group = queue.shift()) {
      outcomes.push(await runGroup(group));
    }
  }));
  const sum = (count: (outcome: Outcome) => number) =>
    outcomes.reduce((total, outcome) => total + count(outcome), 0);
  const filesOf = (outcome: Outcome) => [...new Set(outcome.failures.map(({ file }) => file))];
  let [passed, failed] = [sum((outcome) => outcome.passed), sum((outcome) => outcome.failed)];
  const [failures, flaky]: [Failure[], Failure[]] = [[], []];
  const bad = outcomes.filter((outcome) => outcome.failed > 0);
  const few = bad.flatMap(filesOf).length <= SECOND_TRIES_MAX;
  for (const outcome of bad) {
    const isTried = few && filesOf(outcome).every(isTimed);
    const again = isTried ? await tryAgain(filesOf(outcome)) : [];
    if (isTried && again.length === 0) {
      flaky.push(...outcome.failures);
      passed += outcome.failed;
      failed -= outcome.failed;
    } else failures.push(...outcome.failures, ...again);
  }
  return { passed, failed, skipped: sum((outcome) => outcome.skipped), failures, flaky };
}
