/**
 * Tests of daemons whose native calls fail.
 *
 * They go on, say why an order was not carried out, and lose nothing.
 */
import assert from "node:assert/strict";
import { LbError } from "../base/errors.ts";
import { askCommand, connectLocal, type ProcessCommand } from "../host/command_client.ts";
import { nodeLibrary } from "../host/library.ts";
import { freePorts, type TestNode, until, withNodes } from "../../tests/daemon/nodes.ts";

/** Native functions that a daemon calls while it runs. */
const CALLED = [
  ...["spawn", "queue_order", "start_ticks", "look", "take_socket", "tune_stream", "open"],
  ...["control_send", "control_next", "watch_pid", "cpu_features", "mem_available"],
];
const ROUNDS_MAX = 150;

const PROGRAM = `
import sys, time
n = 0
while True:
    n += 1
    print(n, flush=True)
    time.sleep(0.02)`;

function launch(node: TestNode): Deno.ChildProcess {
  return new Deno.Command("/usr/bin/python3", {
    args: ["-c", PROGRAM],
    env: { LD_PRELOAD: nodeLibrary(node.config) },
    stdin: "null",
    stdout: "piped",
  }).spawn();
}

/** Asks for something; a refusal has a reason and is no failure. Returns the reason; "": it was done. */
async function order(node: TestNode, command: ProcessCommand): Promise<string> {
  const connection = await connectLocal(node.config);
  try {
    await askCommand(connection, command);
    return "";
  } catch (error) {
    if (!(error instanceof LbError)) throw error;
    assert.match(error.message, /: ./);
    return error.message;
  } finally {
    connection.close();
  }
}

/** Native functions that have failed on a node with each error. */
function failed(node: TestNode): Set<string> {
  return new Set(
    [...node.log.matchAll(/^FAULT lb_ffi_(\w+) \d+ 4$/gm)].map(([, name = ""]) => name),
  );
}

Deno.test("a daemon outlives each of its native calls' failing, and no process is lost", async () => {
  const [left = 0, right = 0] = freePorts(2);
  const main = "faulty" as const;
  const extra = "io-timeout = 1\n[thresholds]\nthu = 10\nthf = 20\nthv = 30\n";
  await withNodes([
    { port: left, associated: [right], main, extra },
    { port: right, associated: [left], main, extra },
  ], async (nodes) => {
    const [home, away] = nodes as [TestNode, TestNode];
    const child = launch(home);
    const output = new Response(child.stdout).text();
    try {
      const { pid } = child;
      const isKnown = async () =>
        (await home.snapshot()).processes.some((process) => process.pid === pid);
      await until(isKnown, (known) => known, "it is registered");
      const both = () => new Set([...failed(home), ...failed(away)]);
      const refusals: string[] = [];
      for (let round = 0; round < ROUNDS_MAX; round++) {
        if (CALLED.every((name) => both().has(name))) break;
        const path = `${home.dir}/image-${round}`;
        const refusal = await order(home, { command: "migrate", pid, destination: away.name });
        refusals.push(refusal);
        if (refusal === "") {
          await order(home, { command: "home", pid });
        } else await order(home, { command: "snapshot", pid, path });
        await Promise.all([home.snapshot(), away.snapshot()]);
      }
      assert.deepEqual(CALLED.filter((name) => !both().has(name)), [], "what has not failed yet");
      // What only the destination knows reaches the person who asked for the move.
      for (const error of ["EMFILE", "ENOMEM", "EAGAIN", "ENOSPC"]) {
        const said = `on ${away.name}: Cannot start lb-keeper: `;
        assert.ok(
          refusals.some((refusal) => refusal.includes(said) && refusal.includes(`(${error})`)),
          `${error} in ${refusals.join("\n")}`,
        );
      }
    } finally {
      child.kill("SIGTERM");
    }
    assert.equal((await child.status).signal, "SIGTERM");
    const numbers = (await output).trim().split("\n").map(Number);
    assert.deepEqual(numbers, numbers.map((_, index) => index + 1), "each line came once");
    for (const node of nodes) {
      const left = async () => {
        const { processes, shadows, queueLength } = await node.snapshot();
        return processes.length + shadows.length + queueLength;
      };
      await until(left, (count) => count === 0, "nothing is left");
      assert.equal(await node.stop(), 0, node.log);
    }
  });
});

Deno.test("a daemon without a descriptor left goes on, and knows each end when it has some again", async () => {
  const [port = 0] = freePorts(1);
  const descriptors = 60;
  await withNodes([{ port, descriptors }], async ([node]) => {
    assert.ok(node !== undefined);
    const env = { LD_PRELOAD: nodeLibrary(node.config) };
    const children = Array.from(
      { length: 100 },
      () => new Deno.Command("/bin/sleep", { args: ["60"], env, stdin: "null" }).spawn(),
    );
    try {
      const log = () => Promise.resolve(node.log);
      await until(log, (text) => text.includes("cannot watch a process"), "they are too many");
    } finally {
      for (const child of children) child.kill("SIGKILL");
      for (const child of children) await child.status;
    }
    const count = async () => (await node.snapshot()).processes.length;
    await until(count, (processes) => processes === 0, "all ends are known");
  });
});
