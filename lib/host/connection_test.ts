/** Tests of connections that carry frames, over pipes in memory. */
import assert from "node:assert/strict";
import { HostError, WireError } from "../base/errors.ts";
import { limits, schema } from "../wire/schema.ts";
import { type ByteConnection, FrameConnection } from "./connection.ts";
import { acceptHello, callHello, noIdentity } from "./handshake.ts";

/** One end of a pair; gives out at most `chunk` bytes a read, as a network may. */
class PipeEnd implements ByteConnection {
  #incoming: Uint8Array[] = [];
  #wake: (() => void) | null = null;
  #ended = false;
  other: PipeEnd | null = null;
  readonly sent: Uint8Array[] = [];
  constructor(readonly chunk = 3) {}

  async read(buffer: Uint8Array): Promise<number | null> {
    while (this.#incoming.length === 0) {
      if (this.#ended) return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const [first = new Uint8Array()] = this.#incoming;
    const size = Math.min(buffer.length, first.length, this.chunk);
    buffer.set(first.subarray(0, size));
    if (size === first.length) this.#incoming.shift();
    else this.#incoming[0] = first.subarray(size);
    return size;
  }

  write(bytes: Uint8Array): Promise<number> {
    if (this.#ended) return Promise.reject(new Error("Broken pipe"));
    const size = Math.min(bytes.length, 7);
    this.sent.push(bytes.slice(0, size));
    this.other?.push(bytes.slice(0, size));
    return Promise.resolve(size);
  }

  push(bytes: Uint8Array): void {
    this.#incoming.push(bytes);
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  close(): void {
    this.end();
    this.other?.end();
  }
}

function pair(): [FrameConnection, FrameConnection, PipeEnd, PipeEnd] {
  const [a, b] = [new PipeEnd(), new PipeEnd()];
  a.other = b;
  b.other = a;
  return [new FrameConnection(a, "b"), new FrameConnection(b, "a"), a, b];
}

const key = new Uint8Array(32).fill(1);
const a = { key, node: "a:1" };
const b = { key, node: "b:1" };

Deno.test("FrameConnection carries frames over short reads and writes, in order", async () => {
  const [left, right] = pair();
  void left.send("inquiry", {
    request: 1n,
    ticket: 2n,
    startTicks: 3n,
    homePid: 4,
    homeNode: "å:1",
  });
  void left.send("under", { epoch: 5n, sequence: 6n, load: 7, cores: 0, speed: 0 }, {
    answer: true,
  });
  const first = await right.read();
  assert.deepEqual(first?.values, {
    request: 1n,
    ticket: 2n,
    startTicks: 3n,
    homePid: 4,
    homeNode: "å:1",
  });
  const second = await right.read();
  assert.deepEqual([second?.type, second?.answer], ["under", true]);
  left.close();
  assert.equal(await right.read(), null);
});

Deno.test("FrameConnection.read() reports an end inside a frame as malformed", async () => {
  for (const size of [1, 8, 12]) {
    const end = new PipeEnd();
    const connection = new FrameConnection(end, "peer");
    const [sender, , pipe] = pair();
    await sender.send("under", { epoch: 1n, sequence: 1n, load: 1, cores: 0, speed: 0 });
    const bytes = new Uint8Array(pipe.sent.flatMap((part) => [...part]));
    end.push(bytes.subarray(0, size));
    end.end();
    await assert.rejects(connection.read(), WireError);
  }
});

Deno.test("FrameConnection.read() does not reserve what a frame only claims to have", async () => {
  const end = new PipeEnd();
  const header = new Uint8Array([0x49, schema.protocolVersion, 0, 0, 0xff, 0xff, 0xff, 0x7f]);
  end.push(header);
  await assert.rejects(new FrameConnection(end, "peer").read(), WireError);
});

Deno.test("FrameConnection.send() fails with a reason once the connection is closed", async () => {
  const [left] = pair();
  left.close();
  await assert.rejects(
    left.send("under", { epoch: 1n, sequence: 1n, load: 1, cores: 0, speed: 0 }),
    HostError,
  );
});

Deno.test("callHello() and acceptHello() tell both sides who the other is", async () => {
  const [left, right] = pair();
  const identity = { ticket: 9n, startTicks: 8n, homePid: 7, homeNode: "c:1" };
  const [called, accepted] = await Promise.all([
    callHello(left, a, "link", identity),
    acceptHello(right, b),
  ]);
  assert.equal(called.node, "b:1");
  assert.deepEqual([accepted.node, accepted.role, accepted.identity], ["a:1", "link", identity]);
  void left.send("withdraw", { ticket: 5n });
  assert.deepEqual((await right.read())?.values, { ticket: 5n });
  void right.send("withdraw", { ticket: 6n });
  assert.deepEqual((await left.read())?.values, { ticket: 6n });
});

Deno.test("acceptHello() refuses another key, and the caller hears why", async () => {
  const [left, right] = pair();
  const wrong = { key: new Uint8Array(32).fill(2), node: "a:1" };
  const caller = callHello(left, wrong, "daemon").finally(() => left.close());
  const acceptor = acceptHello(right, b).finally(() => right.close());
  await assert.rejects(acceptor, /its proof is wrong/);
  await assert.rejects(caller, /the cluster keys differ/);
});

Deno.test("callHello() refuses an acceptor that does not know the key", async () => {
  const [left, right] = pair();
  const caller = callHello(left, a, "daemon").finally(() => left.close());
  // It repeats what it hears: a proof that was sent back must not pass for one.
  const mirror = (async () => {
    const hello = await right.read();
    assert.equal(hello?.type, "hello");
    if (hello?.type === "hello") await right.send("hello", hello.values);
    const proof = await right.read();
    if (proof?.type === "proof") await right.send("proof", proof.values);
  })();
  await assert.rejects(caller, WireError);
  await mirror;
});

Deno.test("acceptHello() takes no other frame before the proof", async () => {
  const [left, right] = pair();
  await left.send("snapshot", { request: 1n, json: new Uint8Array() });
  await assert.rejects(acceptHello(right, b).finally(() => right.close()), WireError);
});

Deno.test("acceptHello() refuses a hello that is too long before it reads it", async () => {
  const [left, right] = pair();
  const json = new Uint8Array(limits.helloFrameSizeMax);
  void left.send("snapshot", { request: 1n, json }).catch(() => {});
  await assert.rejects(acceptHello(right, b).finally(() => right.close()), WireError);
});

Deno.test("acceptHello() closes a half-open connection after its time", async () => {
  const [left, right] = pair();
  const startMs = performance.now();
  await assert.rejects(acceptHello(right, b), /did not answer within/);
  assert.ok(performance.now() - startMs >= limits.helloTimeoutMs - 50);
  assert.equal(right.closed, true);
  left.close();
});

Deno.test("a frame without its code after the proof closes the connection", async () => {
  const [left, right] = pair();
  await Promise.all([callHello(left, a, "daemon", noIdentity), acceptHello(right, b)]);
  left.auth = null;
  void left.send("withdraw", { ticket: 5n });
  await assert.rejects(right.read(), /must end with its code/);
  left.close();
});
