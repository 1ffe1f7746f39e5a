/**
 * Reads how a run of `deno test` ended.
 *
 * @module
 */

/** Lines of an error that a summary shows, and characters of each. */
const ERROR_LINES_MAX = 4;
const ERROR_LINE_MAX = 300;
/** Errors that a summary shows: with more, names are what matters, and a log may be cut. */
const ERRORS_MAX = 6;

/** A test that failed. */
export interface Failure {
  /** Its name, with the step that failed; "(uncaught error)" where the error was no test's own. */
  readonly test: string;
  /** Its file, from the root of the repository; empty where no file is named. */
  readonly file: string;
  /** The first lines of its error, without its stack, and of the error's cause. */
  readonly error: readonly string[];
}

/** How a run ended. */
export interface Outcome {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly failures: readonly Failure[];
}

/** What a process left that ran tests, in full. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Takes colours out. */
function plain(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/\x1b\[[0-9;]*m/g, "");
}

/** The lines of an error that tell what it is, and of its causes: no stack, no code that it points at. */
function shorten(lines: readonly string[]): string[] {
  const isStack = (line: string): boolean => /^ *at /.test(line);
  const isPointer = (line: string | undefined): boolean => /^ *\^ *$/.test(line ?? "");
  const said = lines.filter((line, at) =>
    line.trim() !== "" && !isPointer(line) && !isPointer(lines[at + 1])
  );
  const stack = said.findIndex(isStack);
  const first = stack < 0 ? said : said.slice(0, stack);
  // As Deno writes causes, and below them the errors of an AggregateError.
  const causes = said.filter((line) => /^Caused by: |^ {4}[A-Za-z]*Error: /.test(line));
  return [...first.slice(0, ERROR_LINES_MAX), ...causes.slice(0, ERROR_LINES_MAX)]
    .map((line) => line.length > ERROR_LINE_MAX ? `${line.slice(0, ERROR_LINE_MAX)} ...` : line);
}

/** The failures between the headings ERRORS and FAILURES: a line that names the test, then its error. */
function readFailures(stdout: string): Failure[] {
  const lines = (stdout.split(/^ ERRORS *$/m)[1] ?? "").split(/^ FAILURES *$/m)[0]?.split("\n") ??
    [];
  const heads = lines.flatMap((line, at) => {
    const head = /^(?:(.*) => )?(\.\/[^ ]+?)(?::\d+:\d+| (\(uncaught error\)))$/.exec(line);
    const isHead = head !== null && /^error: /.test(lines[at + 1] ?? "");
    // An example in a comment has the lines that it stands on behind its file's name.
    const file = head?.[2]?.slice("./".length).replace(/\$\d+-\d+\.ts$/, "");
    return isHead ? [{ at, test: head[1] ?? head[3] ?? "", file: file ?? "" }] : [];
  });
  return heads.map(({ at, test, file }, index) => ({
    test,
    file,
    error: shorten(lines.slice(at + 1, heads[index + 1]?.at)),
  }));
}

/**
 * Reads how a run of `deno test` ended.
 *
 * @param file The one file that it ran, which a failure is told of that names none; empty: several.
 */
export function readOutcome(ended: Ended, file = ""): Outcome {
  const stdout = plain(ended.stdout);
  const stderr = plain(ended.stderr);
  const counts = /(\d+) passed.*?\| (\d+) failed(?:.*?\| (\d+) ignored)?/.exec(stdout.slice(-400));
  const failures = readFailures(stdout);
  const left = stderr.split("\n").filter((line) => line.startsWith("hosttree: "));
  if (left.length > 0) failures.push({ test: "(what it left)", file, error: shorten(left) });
  if (ended.code !== 0 && failures.length === 0) {
    const said = stderr.split("\n").filter((line) => line.trim() !== "");
    failures.push({
      test: `(ended with ${ended.code})`,
      file,
      error: shorten(said.length > 0 ? said : stdout.trimEnd().split("\n").slice(-ERROR_LINES_MAX)),
    });
  }
  return {
    passed: Number(counts?.[1] ?? 0),
    // What was left, or tests that could not run, are a failure, too.
    failed: ended.code === 0 ? 0 : Math.max(1, Number(counts?.[2] ?? 0)),
    skipped: Number(counts?.[3] ?? 0),
    failures,
  };
}

/** Lines that name each failure, and show the errors of the first ones. */
export function tellFailures(failures: readonly Failure[]): string[] {
  return failures.flatMap(({ test, file, error }, index) => [
    `  ${[file, test].filter((word) => word !== "").join(": ")}`,
    ...index < ERRORS_MAX ? error.map((line) => `    ${line}`) : [],
  ]);
}
