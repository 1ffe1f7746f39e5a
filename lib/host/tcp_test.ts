/** Tests of TCP between nodes, over loopback. */
import assert from "node:assert/strict";
import { openFfi } from "../../ffi/open.ts";
import { HostError } from "../base/errors.ts";
import { sleep } from "./clock.ts";
import * as native from "./native.ts";
import { acceptLoop, connectTcp, listenTcp, takeDescriptor, watchForSilence } from "./tcp.ts";

openFfi(); // once and for all, so that no test seems to leak it

/** A connected pair: ours, and the end that Deno accepted. */
async function pair() {
  const listener = listenTcp({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const [near, far] = await Promise.all([connectTcp(`127.0.0.1:${port}`, 5000), listener.accept()]);
  listener.close();
  return { near, far };
}

Deno.test("takeDescriptor() leaves the stream open until its descriptor is closed", async () => {
  const { near, far } = await pair();
  const fd = takeDescriptor(near, 5000);
  const read = far.read(new Uint8Array(1));
  assert.equal(await Promise.race([read, sleep(200).then(() => "still open")]), "still open");
  native.close(fd);
  assert.equal(await read, null);
  far.close();
});

Deno.test("takeDescriptor() takes nothing that has arrived out of the stream", async () => {
  const { near, far } = await pair();
  await far.write(new Uint8Array([1, 2, 3, 4]));
  const first = new Uint8Array(2);
  assert.equal(await near.tcp.read(first), 2);
  const fd = takeDescriptor(near, 5000);
  // The rest is there for whoever has the descriptor.
  const shell = native.open("/bin/sh", native.openFlags.readOnly);
  native.spawn({
    programFd: shell,
    args: ["sh", "-c", 'test "$(head -c 2 <&3 | od -An -tx1)" = " 03 04" && echo yes >&3'],
    env: { PATH: "/usr/bin:/bin" },
    fds: [fd],
    logFd: 2,
  });
  native.close(shell);
  native.close(fd);
  const answer = new Uint8Array(8);
  const size = await far.read(answer);
  assert.equal(new TextDecoder().decode(answer.subarray(0, size ?? 0)), "yes\n");
  far.close();
});

Deno.test("takeDescriptor() of a connection that is gone is an error", async () => {
  const { near, far } = await pair();
  near.close();
  assert.throws(() => takeDescriptor(near, 5000));
  far.close();
});

Deno.test("watchForSilence() does not disturb the connection", async () => {
  const { near, far } = await pair();
  await watchForSilence(near, 5000);
  await far.write(new Uint8Array([7]));
  const byte = new Uint8Array(1);
  assert.equal(await near.tcp.read(byte), 1);
  near.close();
  await watchForSilence(near, 5000);
  far.close();
});

Deno.test("connectTcp() says why it cannot: nobody listens, no address, no answer", async () => {
  const listener = listenTcp({ hostname: "127.0.0.1", port: 0 });
  const node = `127.0.0.1:${listener.addr.port}`;
  listener.close();
  await assert.rejects(connectTcp(node, 1000), HostError);
  await assert.rejects(connectTcp("not an address", 1000), /it is not HOST or HOST:PORT/);
});

Deno.test("listenTcp() names the address that is taken", () => {
  const listener = listenTcp({ hostname: "127.0.0.1", port: 0 });
  try {
    const { port } = listener.addr;
    assert.throws(() => listenTcp({ hostname: "127.0.0.1", port }), /another program listens/);
  } finally {
    listener.close();
  }
});

Deno.test("acceptLoop() goes on after an error and ends when its listener is closed", async () => {
  const results = [
    () => Promise.reject(new Error("too many open files")),
    () => Promise.resolve("connection"),
    () => Promise.reject(new Deno.errors.BadResource("closed")),
  ];
  const [handled, errors]: [unknown[], string[]] = [[], []];
  const listener = { accept: () => results.shift()?.() as Promise<unknown> as Promise<Deno.Conn> };
  await acceptLoop(listener, (conn) => handled.push(conn), (reason) => errors.push(reason));
  assert.deepEqual(handled, ["connection"]);
  assert.deepEqual(errors, ["too many open files"]);
});
