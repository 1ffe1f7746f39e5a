/**
 * The owner of a node comes and goes.
 *
 * Guests get a low priority, are stopped, leave, and nothing is lost.
 *
 * @module
 */
import assert from "node:assert/strict";
import { haveNamespaces, type Host, noNamespacesReason, sleep, Testbed } from "../testbed/mod.ts";

const ignore = !haveNamespaces;
if (ignore) console.log(`skipped: owners of nodes: ${noNamespacesReason}`);

/** Types at a terminal of its own as long as the file exists. */
const TYPIST = `
import os, pty, time
master, slave = pty.openpty()
while True:
    if os.path.exists("/tmp/typing"):
        os.write(master, b"x\\n")
        os.read(slave, 100)
    time.sleep(0.5)
`;

/** An owner with a terminal on a host where nobody else has one. */
async function hireTypist(host: Host) {
  await host.must("mount -t devpts devpts /dev/pts", { asRoot: true });
  await host.spawn(["python3", "-c", TYPIST], { asRoot: true });
  // A terminal is as old as its last use; a new one counts as used now.
  await sleep(500);
  await host.must("touch -a -d '1 hour ago' /dev/pts/0", { asRoot: true });
  return {
    come: () => host.must("touch /tmp/typing", { asRoot: true }),
    go: () => host.must("rm /tmp/typing", { asRoot: true }),
  };
}

async function lb(host: Host, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await host.lb(...args);
  assert.equal(code, 0, `lb ${args.join(" ")}: ${stderr}\n${host.daemon.log.slice(-3000)}`);
  return stdout;
}

/** State and nice value of the session of the only guest, as the kernel has them. */
async function guestOf(host: Host): Promise<{ pid: number; state: string; autogroup: string }> {
  const [guest] = (await host.snapshot()).processes;
  assert.ok(guest !== undefined, "a guest is here");
  const { pid } = guest;
  const state = (await host.must(["ps", "-o", "stat=", "-p", `${pid}`])).trim();
  const autogroup = await host.must(`cat /proc/${pid}/autogroup 2>/dev/null || true`);
  return { pid, state, autogroup: autogroup.trim() };
}

const LINES = 400;

function assertWhole(output: string): void {
  const wanted = Array.from({ length: LINES }, (_, index) => `line ${index}\n`).join("");
  assert.equal(output, wanted);
}

Deno.test({
  name:
    "guests of an owner at work are stopped, over a restart and a cut, and go on when the owner has gone",
  ignore,
  fn: async () => {
    await using bed = await Testbed.create({ hosts: 2 });
    const [one, two] = [bed.host(0), bed.host(1)];
    const owner = await hireTypist(two);
    await one.startDaemon({ extra: "io-timeout = 2" });
    await two.startDaemon({
      extra: "io-timeout = 2\nowner = { idle-after = 10, stop-after = 3, leave-after = 'never' }",
    });
    const job = await one.launchKnown(["python3", "-u", "-c", python(LINES)]);
    await one.migrate(job.pid, two);
    assert.match(await lb(two, "monitor", "--once"), /owner away/);
    await owner.come();
    await two.waitForSnapshot("low priority", (s) => s.owner?.treatment === "nice");
    const niced = await guestOf(two);
    if (niced.autogroup !== "") assert.match(niced.autogroup, /nice 19$/);
    await one.waitForSnapshot("two is F", ({ associated }) => associated[0]?.state === "F");
    await two.waitForSnapshot("stopped", ({ processes }) => processes[0]?.stopped === true);
    assert.match((await guestOf(two)).state, /^T/);
    assert.match(await lb(two, "monitor", "--once"), /owner at work for .*: guests are stopped/);
    assert.match(
      await lb(one, "why", `${job.pid}`),
      /the owner of the node is at work: it is stopped/,
    );
    // Longer than any time-out of its link.
    await sleep(500);
    const told = job.stdout;
    await sleep(5_000);
    assert.equal(job.stdout, told);
    await two.daemon.stop();
    await two.daemon.start();
    await two.waitForSnapshot("still", ({ owner }) => owner?.treatment === "stop");
    assert.match((await guestOf(two)).state, /^T/);
    await two.cut();
    await sleep(4_000);
    await two.restore();
    await owner.go();
    await two.waitForSnapshot("gone", ({ owner }) => owner?.activeForMs === null, 40_000);
    await two.waitForSnapshot("goes on", ({ processes }) => processes[0]?.stopped === false);
    const { state, autogroup } = await guestOf(two);
    assert.doesNotMatch(state, /^T/);
    if (autogroup !== "") assert.match(autogroup, /nice 0$/);
    assert.equal((await job.ending()).code, 0);
    assertWhole(job.stdout);
  },
});

Deno.test({
  name: "a stopped guest comes home by hand, and leaves by itself when the owner stays",
  ignore,
  fn: async () => {
    await using bed = await Testbed.create({ hosts: 3 });
    const [one, two, three] = [bed.host(0), bed.host(1), bed.host(2)];
    const owner = await hireTypist(two);
    await one.startDaemon({ thresholds: { thu: 0, thf: 1, thv: 90 } });
    await three.startDaemon({});
    const rule = (leave: string) =>
      `owner = { idle-after = 10, nice-after = 'never', stop-after = 0, leave-after = ${leave} }`;
    await two.startDaemon({ extra: rule("'never'") });
    const job = await one.launchKnown(["python3", "-u", "-c", python(LINES)]);
    const other = await one.launchKnown(["sleep", "6000"]); // one is F: guests leave for three
    await one.migrate(job.pid, two);
    await owner.come();
    await two.waitForSnapshot("stopped", ({ processes }) => processes[0]?.stopped === true);
    await one.must(["lb", "home", `${job.pid}`]);
    assert.equal((await two.snapshot()).processes.length, 0);
    // A person may send it there again: it is treated like any guest, and leaves now.
    await one.migrate(job.pid, two);
    await two.waitForSnapshot("stopped", ({ processes }) => processes[0]?.stopped === true);
    await two.daemon.stop();
    await two.startDaemon({ extra: rule("1") });
    await three.waitForSnapshot("it has left", ({ processes }) => processes.length === 1);
    await two.daemon.waitForLog(
      /the owner of the node is at work; .*the first of the list that is U/,
    );
    await owner.go();
    await three.waitForSnapshot(
      "two takes guests again",
      ({ associated }) => associated.some(({ node, state }) => node === two.node && state === "U"),
      40_000,
    );
    assert.equal((await job.ending()).code, 0);
    assertWhole(job.stdout);
    await other.kill("KILL");
  },
});

/** A program that prints numbered lines, a tenth of a second apart. */
function python(lines: number): string {
  return `import time\nfor i in range(${lines}):\n    print("line", i)\n    time.sleep(0.1)\n`;
}
