/** Tests of the text form of an identity. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { formatProcessId, parseProcessId } from "./process_id.ts";

Deno.test("formatProcessId() gives the form of the snapshot", () => {
  const identity = { homeNode: "192.168.0.1:9734", homePid: 1669, startTicks: 8371234n };
  assert.equal(formatProcessId(identity), "192.168.0.1:9734/1669/8371234");
});

Deno.test("parseProcessId() is the inverse of formatProcessId()", () => {
  const identity = fc.record({
    homeNode: fc.constantFrom("a:1", "[fd00::1]:9734", "node-3.example:9734"),
    homePid: fc.integer({ min: 1, max: 4_194_304 }),
    startTicks: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  }, { noNullPrototype: true });
  fc.assert(fc.property(identity, (some) => {
    assert.deepEqual(parseProcessId(formatProcessId(some)), some);
  }));
});

Deno.test("parseProcessId() refuses what is not an identity", () => {
  for (const text of ["", "a/b/c", "a/0/1", "a/1", "a/1/2/3", "/1/2", "a/-1/2", "a/1/2 "]) {
    assert.equal(parseProcessId(text), null, text);
  }
});
