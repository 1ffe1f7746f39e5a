/**
 * Fuzz tests of the handshake.
 *
 * A caller that sends anything gets an error of ours, never a session.
 */
import fc from "fast-check";
import assert from "node:assert/strict";
import { HostError, WireError } from "../../lib/base/errors.ts";
import { type ByteConnection, FrameConnection } from "../../lib/host/connection.ts";
import { acceptHello } from "../../lib/host/handshake.ts";
import { encodeFrameBody, encodeHeader } from "../../lib/wire/frame.ts";
import { roles } from "../../lib/wire/schema.ts";

/** A peer that sends these bytes, then ends, and takes whatever it is sent. */
class Script implements ByteConnection {
  #rest: Uint8Array;
  constructor(bytes: Uint8Array) {
    this.#rest = bytes;
  }
  read(buffer: Uint8Array): Promise<number | null> {
    const size = Math.min(buffer.length, this.#rest.length);
    buffer.set(this.#rest.subarray(0, size));
    this.#rest = this.#rest.subarray(size);
    return Promise.resolve(size === 0 ? null : size);
  }
  write(bytes: Uint8Array): Promise<number> {
    return Promise.resolve(bytes.length);
  }
  close(): void {
    this.#rest = new Uint8Array();
  }
}

const credentials = { key: new Uint8Array(32).fill(3), node: "a:1" };

async function refuses(bytes: Uint8Array): Promise<void> {
  const connection = new FrameConnection(new Script(bytes), "fuzz");
  const error = await acceptHello(connection, credentials).then(() => null, (reason) => reason);
  connection.close();
  assert.ok(error instanceof WireError || error instanceof HostError, `${error}`);
  assert.equal(connection.auth, null);
}

function hello(node: string, role: number): Uint8Array {
  const body = encodeFrameBody("hello", {
    protocolVersion: 1,
    role,
    ticket: 1n,
    startTicks: 2n,
    homePid: 3,
    homeNode: "b:1",
    nonce: new Uint8Array(32),
    node,
    lbVersion: "0.1.0",
  });
  return new Uint8Array([
    ...encodeHeader({ type: "hello", flags: 0, length: body.length }),
    ...body,
  ]);
}

Deno.test("acceptHello() refuses random bytes", async () => {
  await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), refuses));
});

Deno.test("acceptHello() refuses a true hello with a changed byte, then random bytes", async () => {
  const good = hello("b:1", roles.daemon);
  await fc.assert(fc.asyncProperty(
    fc.nat(good.length - 1),
    fc.nat(255),
    fc.uint8Array({ maxLength: 100 }),
    async (at, value, rest) => {
      const bytes = good.slice();
      bytes[at] = value;
      await refuses(new Uint8Array([...bytes, ...rest]));
    },
  ));
});

Deno.test("acceptHello() refuses every proof that was not made with the key", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 0, maxLength: 64 }), async (proof) => {
      const body = encodeFrameBody("proof", { proof });
      const frame = [...encodeHeader({ type: "proof", flags: 0, length: body.length }), ...body];
      await refuses(new Uint8Array([...hello("b:1", roles.command), ...frame]));
    }),
  );
});
