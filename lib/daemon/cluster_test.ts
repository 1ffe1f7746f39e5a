/**
 * Tests of joining and leaving, over loopback.
 *
 * With daemons in processes of their own.
 */
import assert from "node:assert/strict";
import { version } from "../base/version.ts";
import { askCommand, connectLocal } from "../host/command_client.ts";
import { callHello } from "../host/handshake.ts";
import { readKey } from "../host/key_file.ts";
import { connectTcp, TcpConnection } from "../host/tcp.ts";
import { FrameAuth, makeNonce, makeProof } from "../wire/auth.ts";
import { encodeFrameBody, type Frame } from "../wire/frame.ts";
import { roles, schema } from "../wire/schema.ts";
import { freePorts, TestNode, until, withNodes } from "../../tests/daemon/nodes.ts";

async function command(node: TestNode, name: "join" | "leave", destination = ""): Promise<string> {
  const connection = await connectLocal(node.config);
  try {
    return await askCommand(connection, { command: name, pid: 0, destination });
  } finally {
    connection.close();
  }
}

const membersOf = (node: TestNode) => async () =>
  (await node.snapshot()).members?.map((one) => `${one.node} ${one.status}`) ?? [];

/** Members by port and status, the node itself included. */
async function untilMembers(node: TestNode, ...wanted: string[]): Promise<void> {
  const expected = wanted.map((one) => `127.0.0.1:${one}`).toSorted().join();
  await until(membersOf(node), (seen) => seen.toSorted().join() === expected, `of ${node.name}`);
}

Deno.test("nodes join, leave and join again, and a restart changes nothing of it", async () => {
  const [a = 0, b = 0, c = 0] = freePorts(3);
  await withNodes([{ port: a }, { port: b }, { port: c }], async (nodes) => {
    const [one, two, three] = nodes as [TestNode, TestNode, TestNode];
    assert.match(await command(two, "join", one.name), /is a member of a cluster of 2 nodes/);
    assert.match(await command(three, "join", two.name), /is a member of a cluster of 3 nodes/);
    const all = [`${a} alive`, `${b} alive`, `${c} alive`];
    for (const node of nodes) await untilMembers(node, ...all);
    assert.match(await command(three, "join", one.name), /is already a member/);
    await three.stop("SIGKILL");
    await untilMembers(one, `${a} alive`, `${b} alive`, `${c} failed`);
    await three.start();
    for (const node of nodes) await untilMembers(node, ...all);
    assert.match(await command(two, "leave"), /has left its cluster of 3 nodes/);
    for (const node of [one, three]) {
      await untilMembers(node, `${a} alive`, `${b} left`, `${c} alive`);
    }
    await two.stop();
    await two.start();
    await untilMembers(two, `${b} left`);
    assert.deepEqual((await two.snapshot()).associated, []);
    assert.match(await command(two, "leave"), /no member already/);
    await command(two, "join", three.name);
    for (const node of nodes) await untilMembers(node, ...all);
  });
});

Deno.test("a node does not join itself, nobody, a stranger's cluster or another version's", async () => {
  const [a = 0, b = 0, c = 0] = freePorts(3);
  await withNodes([{ port: a }, { port: b, key: "other" }], async (nodes) => {
    const [one, two] = nodes as [TestNode, TestNode];
    const before = JSON.stringify((await one.snapshot()).members);
    await assert.rejects(command(one, "join", one.name), /that is this node itself/);
    await assert.rejects(command(one, "join", `127.0.0.1:${c}`), /Cannot connect to .*refused/);
    await assert.rejects(command(one, "join", two.name), /keys differ|proof is wrong/);
    await assert.rejects(command(one, "join", "192.0.2.1:9734"), /other machines cannot call/);
    using old = oldNode(c, await readKey(one.config.keyFile));
    await assert.rejects(command(one, "join", old.name), /it runs another version of lb/);
    assert.equal(JSON.stringify((await one.snapshot()).members), before);
    assert.equal((await two.snapshot()).members?.length, 1);
  });
});

Deno.test("a node that cannot be called back may not join, and hears why", async () => {
  const [a = 0, b = 0] = freePorts(2);
  await withNodes([{ port: a }], async (nodes) => {
    const [one] = nodes as [TestNode];
    const key = await readKey(one.config.keyFile);
    const connection = await connectTcp(one.name, 5_000);
    try {
      await callHello(connection, { key, node: `127.0.0.1:${b}` }, "daemon");
      const nothing = {
        text: "",
        digest: 0n,
        epoch: 0n,
        sequence: 0n,
        letter: 0,
        load: 0,
        cores: 0,
        speed: 0,
      };
      const claims = new Uint8Array();
      const kind = schema.gossipKinds.sync;
      await connection.send("gossip", { ...nothing, request: 7n, kind, claims });
      const frame = await connection.read();
      assert.ok(frame?.type === "gossip" && frame.values.kind === schema.gossipKinds.refused);
      assert.match(frame.values.text, /cannot reach it as 127.0.0.1:.*connection refused/);
      assert.equal((await one.snapshot()).members?.length, 1);
    } finally {
      connection.close();
    }
  });
});

Deno.test("a node of another version is told letters and nothing that it does not know", async () => {
  const [a = 0, b = 0] = freePorts(2);
  await withNodes([{ port: a, associated: [b] }], async (nodes) => {
    const [one] = nodes as [TestNode];
    using old = oldNode(b, await readKey(one.config.keyFile));
    await until(
      () => Promise.resolve(old.types),
      (types) => types.length > 0,
      "it is greeted",
    );
    await new Promise((resolve) => setTimeout(resolve, 1_500)); // three checks
    assert.deepEqual(old.types.filter((type) => !["started", "under", "full"].includes(type)), []);
    assert.equal((await one.snapshot()).members?.length, 1);
  });
});

/** A node that says it is of an earlier version, and notes what it is sent. */
function oldNode(port: number, key: Uint8Array) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port });
  const types: string[] = [];
  const name = `127.0.0.1:${port}`;
  const connections: TcpConnection[] = [];
  const serve = async (conn: Deno.TcpConn) => {
    const connection = new TcpConnection(conn, "test");
    connections.push(connection);
    const hello = await connection.read();
    if (hello?.type !== "hello") return;
    const caller = connection.lastBody.slice();
    const values = {
      protocolVersion: schema.protocolVersion,
      role: roles.daemon,
      ticket: 0n,
      startTicks: 0n,
      homePid: 0,
      homeNode: "",
      nonce: makeNonce(),
      node: name,
      lbVersion: `0.0.${version.length}`,
    };
    await connection.send("hello", values);
    const hellos = { caller, acceptor: encodeFrameBody("hello", values) };
    await connection.read(); // its proof, which is right
    await connection.send("proof", { proof: makeProof(key, "acceptor", hellos) });
    connection.auth = new FrameAuth(key, "acceptor", hellos);
    for (let frame: Frame | null; (frame = await connection.read()) !== null;) {
      types.push(frame.type);
    }
  };
  void (async () => {
    for await (const conn of listener) void serve(conn).catch(() => {});
  })();
  return {
    name,
    types,
    [Symbol.dispose]() {
      listener.close();
      for (const connection of connections) connection.close();
    },
  };
}
