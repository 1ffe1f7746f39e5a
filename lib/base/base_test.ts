import assert from "node:assert/strict";
import fc from "fast-check";
import { assert as promise, AssertionError } from "./assert.ts";
import {
  ConfigError,
  describe,
  exitCodeOf,
  formatError,
  HostError,
  LbError,
  UnsupportedError,
  UsageError,
  WireError,
} from "./errors.ts";
import { Prng } from "./prng.ts";
import { formatBytes, formatSeconds } from "./units.ts";

Deno.test("exitCodeOf() gives each kind of failure its own code", () => {
  const fix = "do this";
  const kinds: [LbError, number][] = [
    [new UsageError("a", { fix }), 2],
    [new ConfigError("a", { fix }), 3],
    [new HostError("a", { fix, errno: 5 }), 4],
    [new WireError("a", { fix }), 5],
    [new UnsupportedError("a", { fix, what: "b" }), 6],
  ];
  for (const [error, code] of kinds) {
    assert.equal(exitCodeOf(error), code);
    assert.equal(formatError(error), "lb: a\n    fix: do this");
    assert.equal(error.name, error.constructor.name);
  }
});

Deno.test("describe() gives the reason alone, without what the runtime adds to it", () => {
  const denied = new Deno.errors.PermissionDenied(
    "Permission denied (os error 13): mkdir '/a (os error 1)'",
  );
  assert.equal(describe(denied), "permission denied");
  assert.equal(describe(new Error("EOF in a frame")), "EOF in a frame");
  assert.equal(describe(new HostError("Cannot do it: no", { fix: "x" })), "Cannot do it: no");
  assert.equal(describe(7), "7");
});

Deno.test("formatError() shows the stack of a bug, whose exit code is 70", () => {
  const error = new AssertionError("broken");
  assert.match(formatError(error), /^lb: This is a bug: .*broken\n +at /);
  assert.equal(exitCodeOf(error), 70);
  assert.equal(exitCodeOf("text"), 70);
});

Deno.test("formatError() does not call it a bug when the kernel refuses", async () => {
  const error = await Deno.open("/no/such/file").catch((reason) => reason);
  assert.match(formatError(error), /^lb: Cannot go on: No such file .*\n {4}fix: /);
  assert.equal(exitCodeOf(error), 4);
});

Deno.test("assert() throws for a broken promise alone", () => {
  promise(true);
  assert.throws(() => promise(false), AssertionError);
});

Deno.test("Prng gives the same numbers for the same seed, on every machine", () => {
  const prng = new Prng(1);
  const first = Array.from({ length: 4 }, () => prng.nextU32());
  const again = new Prng(1);
  assert.deepEqual(Array.from({ length: 4 }, () => again.nextU32()), first);
  assert.notEqual(new Prng(2).nextU32(), first[0]);
  // Golden: a change here would make every recorded seed of the simulator mean something else.
  assert.deepEqual(first, [2442144158, 3238099751, 3819917871, 2104621829]);
});

Deno.test("Prng.nextInt() stays in its range and reaches each number", () => {
  fc.assert(fc.property(fc.integer(), fc.integer({ min: 1, max: 2 ** 32 }), (seed, count) => {
    const value = new Prng(seed).nextInt(count);
    assert.ok(Number.isInteger(value) && value >= 0 && value < count);
  }));
  const prng = new Prng(3);
  const counts = new Array<number>(6).fill(0);
  for (let index = 0; index < 6000; index++) {
    const value = prng.nextInt(6);
    counts[value] = (counts[value] ?? 0) + 1;
  }
  for (const count of counts) assert.ok(count > 850 && count < 1150, counts.join(" "));
});

Deno.test("Prng.nextExponential() has the mean that was asked for", () => {
  const prng = new Prng(4);
  let sum = 0;
  for (let index = 0; index < 20_000; index++) sum += prng.nextExponential(3);
  assert.ok(Math.abs(sum / 20_000 - 3) < 0.1);
});

Deno.test("formatBytes() and formatSeconds() keep two or three digits", () => {
  assert.deepEqual([0, 1023, 1024, 25_165_824, 2 ** 40 * 123].map(formatBytes), [
    "0 B",
    "1023 B",
    "1.0 KiB",
    "24.0 MiB",
    "123 TiB",
  ]);
  assert.deepEqual([0.0042, 12.49, 59.97, 184, 7500, 100_000].map(formatSeconds), [
    "4 ms",
    "12.5 s",
    "1 min 0 s",
    "3 min 4 s",
    "2 h 5 min",
    "1 d 4 h",
  ]);
});
