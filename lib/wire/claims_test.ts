/** Tests of claims on the wire. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { WireError } from "../base/errors.ts";
import { decodeClaims, encodeClaims, type WireClaim } from "./claims.ts";

const claim: WireClaim = {
  node: "a:1",
  incarnation: 0x0102030405060708n,
  status: "failed",
  isOpen: true,
  ageSeconds: 0x0a0b0c0d,
};

Deno.test("encodeClaims() writes what the drawing says", () => {
  const hex = [...encodeClaims([claim])].map((byte) => byte.toString(16).padStart(2, "0")).join(
    " ",
  );
  assert.equal(hex, "08 07 06 05 04 03 02 01 0d 0c 0b 0a 03 01 03 00 61 3a 31");
});

Deno.test("decodeClaims() reads what encodeClaims() writes", () => {
  const claims = fc.array(fc.record({
    node: fc.constantFrom("a:1", "[::1]:9734", "ü:2"),
    incarnation: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    status: fc.constantFrom("alive", "suspected", "failed", "left"),
    isOpen: fc.boolean(),
    ageSeconds: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  }, { noNullPrototype: true }));
  fc.assert(fc.property(claims, (list) => {
    assert.deepEqual(decodeClaims(encodeClaims(list as WireClaim[])), list);
  }));
});

Deno.test("decodeClaims() rejects what is cut, unknown or without a name, and nothing else fails", () => {
  const good = encodeClaims([claim, { ...claim, node: "b:1" }]);
  for (let size = 1; size < good.length; size++) {
    if (size === good.length / 2) continue;
    assert.throws(() => decodeClaims(good.subarray(0, size)), WireError, `${size}`);
  }
  const with_ = (offset: number, value: number) =>
    decodeClaims(Uint8Array.from(good, (byte, index) => index === offset ? value : byte));
  for (
    const [offset, value] of [[12, 0], [12, 5], [13, 2], [14, 0], [14, 200], [16, 0xff]] as const
  ) {
    assert.throws(() => with_(offset, value), WireError, `${offset}`);
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
    try {
      decodeClaims(bytes);
    } catch (error) {
      assert.ok(error instanceof WireError);
    }
  }));
});
