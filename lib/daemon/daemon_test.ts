/**
 * Tests of whole daemons over loopback.
 *
 * Each in a process of its own.
 */
import assert from "node:assert/strict";
import { WireError } from "../base/errors.ts";
import { nodeLibrary } from "../host/library.ts";
import { askCommand, connectLocal, connectNode } from "../host/command_client.ts";
import { freePorts, TestNode, until, withNodes } from "../../tests/daemon/nodes.ts";
import { runtimePath } from "../host/runtime_dir.ts";

/** Starts a program as `lb launch` would, under a node. */
function launch(node: TestNode, args: string[]): Deno.ChildProcess {
  return new Deno.Command("env", {
    args,
    env: { LD_PRELOAD: nodeLibrary(node.config) },
    stdin: "null",
  }).spawn();
}

function pair(): [{ port: number; associated: number[] }, { port: number; associated: number[] }] {
  const [first = 0, second = 0] = freePorts(2);
  return [{ port: first, associated: [second] }, { port: second, associated: [first] }];
}

Deno.test("two daemons learn each other's letter, lose it and find it again", async () => {
  const [left, right] = pair();
  await withNodes([left, right], async (nodes) => {
    const [a, b] = nodes as [TestNode, TestNode];
    const stateAt = (node: TestNode) => async () => (await node.snapshot()).associated[0]?.state;
    await until(stateAt(a), (state) => state === "U", "a knows b");
    await until(stateAt(b), (state) => state === "U", "b knows a");
    assert.equal(await b.stop(), 0);
    await until(stateAt(a), (state) => state === " ", "a has lost b");
    assert.equal(await b.start(), "ready");
    await until(stateAt(a), (state) => state === "U", "a knows b again");
  });
});

Deno.test("a daemon keeps its process table over a restart and notices every end", async () => {
  const [port = 0] = freePorts(1);
  await withNodes([{ port }], async (nodes) => {
    const [node] = nodes as [TestNode];
    const children = ["31", "32"].map((seconds) => launch(node, ["sleep", seconds]));
    try {
      const pids = async () => (await node.snapshot()).processes.map(({ pid }) => pid).sort();
      const wanted = children.map(({ pid }) => pid).sort();
      const same = (seen: number[]) => JSON.stringify(seen) === JSON.stringify(wanted);
      await until(pids, same, "both are registered");
      assert.equal((await node.snapshot()).processes[0]?.program, "sleep");
      assert.equal(await node.stop("SIGTERM"), 0);
      children[1]?.kill("SIGKILL");
      await children[1]?.status;
      assert.equal(await node.start(), "ready");
      wanted.splice(0, 2, children[0]?.pid ?? 0);
      await until(pids, same, "the one that lives is found again");
      children[0]?.kill("SIGTERM");
      await until(pids, (seen) => seen.length === 0, "its end is noticed");
    } finally {
      for (const child of children) {
        await child.status.catch(() => {});
      }
    }
  });
});

Deno.test("a daemon with another key is out of reach, for commands and daemons alike", async () => {
  const [left, right] = pair();
  await withNodes([left, { ...right, key: "other" }], async (nodes) => {
    const [a, b] = nodes as [TestNode, TestNode];
    await assert.rejects(connectNode(a.config, b.name), WireError);
    await until(() => Promise.resolve(a.log), (log) => log.includes("keys differ"), "it is logged");
    assert.equal((await a.snapshot()).associated[0]?.state, " ");
    assert.equal((await b.snapshot()).associated[0]?.state, " ");
  });
});

Deno.test("garbage on the port closes that connection and nothing else", async () => {
  const [left, right] = pair();
  await withNodes([left, right], async (nodes) => {
    const [a] = nodes as [TestNode];
    for (const text of ["GET / HTTP/1.1\r\n\r\n", "H\x01\0\0\0\0\0\x7f", "\0".repeat(64), "I"]) {
      const conn = await Deno.connect({ hostname: "127.0.0.1", port: left.port });
      await conn.write(new TextEncoder().encode(text));
      await conn.closeWrite();
      const answer = await new Response(conn.readable).text().catch(() => "reset");
      assert.ok(answer.length < 600, answer);
    }
    const local = await Deno.connect({
      transport: "unix",
      path: runtimePath(a.config.runtimeDir, "commands"),
    });
    await local.write(new TextEncoder().encode("K nonsense, and more of it"));
    await new Response(local.readable).text().catch(() => "reset");
    await until(
      async () => (await a.snapshot()).associated[0]?.state,
      (state) => state === "U",
      "it serves on",
    );
  });
});

Deno.test("a second daemon refuses a taken directory and a taken port, and says so", async () => {
  const [port = 0, other = 0] = freePorts(2);
  await withNodes([{ port }], async (nodes) => {
    const [first] = nodes as [TestNode];
    const same = new TestNode(first.dir, { port });
    assert.equal(await same.start(), 4);
    assert.match(same.log, /Cannot start a daemon in .*: one runs there already/);
    const samePort = new TestNode(first.dir, { port: other });
    const listener = Deno.listen({ hostname: "127.0.0.1", port: other });
    try {
      assert.equal(await samePort.start(), 4);
      assert.match(samePort.log, /another program listens there/);
    } finally {
      listener.close();
    }
  });
});

Deno.test("a key that others may read is refused before anything is served", async () => {
  const [port = 0] = freePorts(1);
  const dir = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${dir}/shared.key`, "ab".repeat(32), { mode: 0o644 });
    await Deno.chmod(`${dir}/shared.key`, 0o644);
    const node = new TestNode(dir, { port });
    assert.equal(await node.start(), 3);
    assert.match(node.log, /has mode 0644/);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("commands about processes that lb does not know are refused with a reason", async () => {
  const [port = 0] = freePorts(1);
  await withNodes([{ port }], async (nodes) => {
    const [node] = nodes as [TestNode];
    for (const command of ["migrate", "home", "checkpoint"] as const) {
      const connection = await connectLocal(node.config);
      const asked = askCommand(connection, { command, pid: 1, path: "/nonexistent/image" });
      await assert.rejects(asked, /Cannot find process 1/);
      connection.close();
    }
  });
});

Deno.test("a process that has threads is refused before anything is touched", async () => {
  const [left, right] = pair();
  await withNodes([left, right], async (nodes) => {
    const [a, b] = nodes as [TestNode, TestNode];
    const child = launch(a, [Deno.execPath(), "eval", "setTimeout(() => {}, 60000)"]);
    try {
      const programs = async () => (await a.snapshot()).processes.map(({ program }) => program);
      await until(programs, (seen) => seen.includes("deno"), "it is registered after its exec");
      // It registers before its main() makes any, and until then it may move.
      const threads = () =>
        Promise.resolve([...Deno.readDirSync(`/proc/${child.pid}/task`)].length);
      await until(threads, (count) => count > 1, "it has threads");
      const connection = await connectLocal(a.config);
      const asked = askCommand(connection, {
        command: "migrate",
        pid: child.pid,
        destination: b.name,
      });
      await assert.rejects(asked, /it has \d+ threads/);
      connection.close();
    } finally {
      child.kill("SIGKILL");
      await child.status;
    }
  });
});

Deno.test("a daemon whose runtime directory is removed makes its sockets anew and keeps its process table", async () => {
  const [port = 0] = freePorts(1);
  await withNodes([{ port }], async (nodes) => {
    const [node] = nodes as [TestNode];
    const children = [launch(node, ["sleep", "31"])];
    try {
      const pids = async () => (await node.snapshot()).processes.map(({ pid }) => pid).sort();
      await until(pids, (seen) => seen.length === 1, "it is registered");
      await Deno.remove(node.config.runtimeDir, { recursive: true });
      const log = () => Promise.resolve(node.log);
      await until(log, (text) => text.includes("made anew"), "the daemon notices");
      children.push(launch(node, ["sleep", "32"]));
      await until(pids, (seen) => seen.length === 2, "programs register again");
      assert.equal(await node.stop(), 0);
      assert.equal(await node.start(), "ready");
      await until(pids, (seen) => seen.length === 2, "a restart knows both");
    } finally {
      for (const child of children) child.kill("SIGTERM");
      for (const child of children) await child.status;
    }
  });
});

Deno.test("who connects without a key again and again does not fill the log", async () => {
  const [port = 0] = freePorts(1);
  await withNodes([{ port }], async (nodes) => {
    const [node] = nodes as [TestNode];
    for (let n = 0; n < 30; n++) {
      const conn = await Deno.connect({ hostname: "127.0.0.1", port });
      await conn.write(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"));
      await new Response(conn.readable).text().catch(() => "reset"); // until it is refused
    }
    const lines = () => Promise.resolve(node.log.match(/connection refused/g)?.length ?? 0);
    assert.ok(await until(lines, (count) => count > 0, "it is told") <= 5, node.log);
  });
});
