import assert from "node:assert/strict";
import fc from "fast-check";
import { formatAddress, isWildcard, parseAddress } from "./address.ts";

Deno.test("parseAddress() adds the port of a node", () => {
  assert.deepEqual(parseAddress("192.168.0.3"), { hostname: "192.168.0.3", port: 9734 });
  assert.deepEqual(parseAddress("n1.lan:80"), { hostname: "n1.lan", port: 80 });
  assert.deepEqual(parseAddress("[::1]"), { hostname: "::1", port: 9734 });
});

Deno.test("parseAddress() rejects what is not an address", () => {
  for (const text of ["", ":", ":80", "a:b", "a:70000", "::1", "[::1", "a b", "a/b", "[x]:1"]) {
    assert.equal(parseAddress(text), null, text);
  }
});

Deno.test("parseAddress() reads what formatAddress() writes", () => {
  const hostname = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain());
  fc.assert(fc.property(hostname, fc.nat(65_535), (host, port) => {
    const address = { hostname: host, port };
    assert.deepEqual(parseAddress(formatAddress(address)), address);
  }));
});

Deno.test("isWildcard() knows the addresses that name no node", () => {
  for (const hostname of ["0.0.0.0", "::", "0:0::0"]) assert.ok(isWildcard({ hostname, port: 1 }));
  for (const hostname of ["127.0.0.1", "::1", "n1"]) assert.ok(!isWildcard({ hostname, port: 1 }));
});
