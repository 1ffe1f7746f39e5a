/**
 * Addresses of nodes as text.
 *
 * `HOST`, `HOST:PORT`, `[IPV6]` or `[IPV6]:PORT`, with 9734 as the port.
 *
 * @module
 */
import { schema } from "../wire/schema.ts";

/** A host and a port, as Deno's TCP functions take them. */
export interface Address {
  /** IPv4 or IPv6 address (without brackets) or host name. */
  readonly hostname: string;
  /** From 0 (any free port, for listening only) to 65535. */
  readonly port: number;
}

/**
 * Parses a node address.
 *
 * @returns The address, or null if the text is not one. Port 0 is accepted.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * assert.deepEqual(parseAddress("192.168.0.3"), { hostname: "192.168.0.3", port: 9734 });
 * assert.deepEqual(parseAddress("[::1]:80"), { hostname: "::1", port: 80 });
 * assert.equal(parseAddress("a:b:c"), null);
 * ```
 */
export function parseAddress(text: string): Address | null {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9_.-]+))(?::([0-9]{1,5}))?$/.exec(text);
  if (match === null) return null;
  const hostname = match[1] ?? match[2];
  const port = match[3] === undefined ? schema.port : Number(match[3]);
  if (hostname === undefined || port > 65_535) return null;
  return { hostname, port };
}

/**
 * Formats an address as `HOST:PORT`, with brackets around an IPv6 address.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * assert.equal(formatAddress({ hostname: "::1", port: 80 }), "[::1]:80");
 * ```
 */
export function formatAddress(address: Address): string {
  const host = address.hostname.includes(":") ? `[${address.hostname}]` : address.hostname;
  return `${host}:${address.port}`;
}

/** Whether an address is one by which a machine calls itself only. */
export function isLoopback(address: Address): boolean {
  return /^(127\.|::1$|localhost$)/.test(address.hostname);
}

/**
 * Whether an address stands for every interface and thus names no node.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * assert.ok(isWildcard({ hostname: "0.0.0.0", port: 9734 }));
 * ```
 */
export function isWildcard(address: Address): boolean {
  return /^(0\.0\.0\.0|[0:]*::[0:]*)$/.test(address.hostname);
}
