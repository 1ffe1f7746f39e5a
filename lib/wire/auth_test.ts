/** Tests of the proof of the cluster key and frames' codes. */
import assert from "node:assert/strict";
import { WireError } from "../base/errors.ts";
import { checkProof, FrameAuth, makeNonce, makeProof } from "./auth.ts";

const key = new Uint8Array(32).fill(7);
const text = (value: string) => new TextEncoder().encode(value);
const transcript = { caller: text("caller"), acceptor: text("acceptor") };

Deno.test("checkProof() accepts the other side's proof only", () => {
  const proof = makeProof(key, "caller", transcript);
  assert.equal(checkProof(key, "caller", transcript, proof), true);
  assert.equal(checkProof(key, "acceptor", transcript, proof), false, "a reflected proof");
  assert.equal(checkProof(new Uint8Array(32), "caller", transcript, proof), false, "another key");
  assert.equal(checkProof(key, "caller", transcript, proof.subarray(1)), false, "a short proof");
  const moved = { caller: text("callera"), acceptor: text("cceptor") };
  assert.equal(checkProof(key, "caller", moved, proof), false, "bytes moved between the hellos");
});

Deno.test("makeNonce() never repeats", () => {
  assert.notDeepEqual(makeNonce(), makeNonce());
  assert.equal(makeNonce().length, 32);
});

Deno.test("FrameAuth.open() accepts what the other side sealed, in order and once", () => {
  const caller = new FrameAuth(key, "caller", transcript);
  const acceptor = new FrameAuth(key, "acceptor", transcript);
  const header = text("12345678");
  const sealed = (body: string) =>
    new Uint8Array([...text(body), ...caller.seal(header, text(body))]);
  const [first, second] = [sealed("one"), sealed("two")];
  assert.deepEqual(acceptor.open(header, first), text("one"));
  assert.deepEqual(acceptor.open(header, second), text("two"));
  assert.throws(() => acceptor.open(header, second), WireError, "repeated");
});

Deno.test("FrameAuth.open() rejects a changed, short or reflected frame", () => {
  const caller = new FrameAuth(key, "caller", transcript);
  const header = text("12345678");
  const sealed = new Uint8Array([...text("one"), ...caller.seal(header, text("one"))]);
  for (const at of [0, 3, sealed.length - 1]) {
    const acceptor = new FrameAuth(key, "acceptor", transcript);
    const changed = sealed.map((byte, index) => index === at ? byte ^ 1 : byte);
    assert.throws(() => acceptor.open(header, changed), WireError);
  }
  const acceptor = new FrameAuth(key, "acceptor", transcript);
  assert.throws(() => acceptor.open(text("12345679"), sealed), WireError, "another header");
  const short = new FrameAuth(key, "acceptor", transcript);
  assert.throws(() => short.open(header, sealed.subarray(0, 15)), WireError);
  assert.throws(() => caller.open(header, sealed), WireError, "reflected");
});
