import assert from "node:assert/strict";
import { readOutcome, tellFailures } from "./outcome.ts";

/** A heading ends with a blank. */
const FAILURES = " FAILURES ";

/** What Deno prints where all kinds of failures come together, with the colour of a heading. */
const PRINTED = `running 9 tests from ./tests/e2e/some_test.ts
counts => one by one ... FAILED (8ms)

\x1b[0m\x1b[1m ERRORS \x1b[0m

counts => one by one => ./tests/e2e/some_test.ts:2:6
error: AssertionError: Expected values to be strictly equal:

1 !== 2

  assert.equal(1, 2);
         ^
    at file:///lb/tests/e2e/some_test.ts:2:43

moves ... to and fro => ./tests/e2e/some_test.ts:3:48
error: Error: host1: last snapshot {${"x".repeat(400)}
    at file:///lb/tests/e2e/some_test.ts:3:80
Caused by: Error: Waited 10 ms in vain for a guest
    at file:///lb/tests/e2e/some_test.ts:3:126

is disposed of => ./tests/e2e/some_test.ts:5:6
error: SuppressedError: An error was suppressed during disposal
    at file:///lb/tests/e2e/some_test.ts:5:127
Caused by: AggregateError: First in the test, then in its disposal
    Error: no guest
        at file:///lb/tests/e2e/some_test.ts:5:127
    RangeError: no host
        at Object.[Symbol.asyncDispose] (file:///lb/tests/e2e/some_test.ts:5:96)
    at SuppressedError.get (file:///lb/tests/testbed/shell.ts:12:12)

./tests/e2e/machine_test.ts (uncaught error)
error: (in promise) NotFound: No such file or directory
    using file = await Deno.open(path, { write: true, create: true });
                            ^
    at Object.open (ext:deno_fs/30_fs.js:556:21)
This error was not caught from a test and caused the test runner to fail on the referenced module.

file:///lb/lib/base/units.ts$3-6.ts => ./lib/base/units.ts$3-6.ts:2:6
error: Error: in an example
    at file:///lb/lib/base/units.ts$3-6.ts:3:11

${FAILURES}

counts => one by one => ./tests/e2e/some_test.ts:2:6

FAILED | 31 passed (5 steps) | 5 failed (1 step) | 2 ignored (21ms)

`;

Deno.test("readOutcome() counts, and names each failed test with what its error says", () => {
  const outcome = readOutcome({ code: 1, stdout: PRINTED, stderr: "error: Test failed\n" });
  const { passed, failed, skipped } = outcome;
  assert.deepEqual({ passed, failed, skipped }, { passed: 31, failed: 5, skipped: 2 });
  assert.deepEqual(tellFailures(outcome.failures), [
    "  tests/e2e/some_test.ts: counts => one by one",
    "    error: AssertionError: Expected values to be strictly equal:",
    "    1 !== 2",
    "  tests/e2e/some_test.ts: moves ... to and fro",
    `    error: Error: host1: last snapshot {${"x".repeat(264)} ...`,
    "    Caused by: Error: Waited 10 ms in vain for a guest",
    "  tests/e2e/some_test.ts: is disposed of",
    "    error: SuppressedError: An error was suppressed during disposal",
    "    Caused by: AggregateError: First in the test, then in its disposal",
    "        Error: no guest",
    "        RangeError: no host",
    "  tests/e2e/machine_test.ts: (uncaught error)",
    "    error: (in promise) NotFound: No such file or directory",
    "  lib/base/units.ts: file:///lb/lib/base/units.ts$3-6.ts",
    "    error: Error: in an example",
  ]);
});

Deno.test("readOutcome() tells what failed though no test did", () => {
  const good = "ok | 3 passed | 0 failed (5ms)\n";
  const file = "tests/e2e/some_test.ts";
  const left = readOutcome(
    { code: 1, stdout: good, stderr: "hosttree: a process is left: 77 (sleep)\n" },
    file,
  );
  assert.deepEqual([left.passed, left.failed], [3, 1]);
  assert.deepEqual(tellFailures(left.failures), [
    `  ${file}: (what it left)`,
    "    hosttree: a process is left: 77 (sleep)",
  ]);
  const unread = readOutcome(
    { code: 1, stdout: "", stderr: "\nerror: Module not found\n    at file:///lb/x.ts:1:8\n" },
  );
  assert.deepEqual([unread.passed, unread.failed], [0, 1]);
  assert.deepEqual(tellFailures(unread.failures), [
    "  (ended with 1)",
    "    error: Module not found",
  ]);
  const all = readOutcome({ code: 0, stdout: good, stderr: "" }, file);
  assert.deepEqual(all, { passed: 3, failed: 0, skipped: 0, failures: [] });
});
