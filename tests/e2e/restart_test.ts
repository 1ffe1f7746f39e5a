/**
 * Daemons that restart, and links that break, around guests.
 *
 * @module
 */
import assert from "node:assert/strict";
import { haveNamespaces, Testbed, waitFor } from "../testbed/mod.ts";

const lines = (count: number): string =>
  Array.from({ length: count }, (_, index) => `line ${index + 1}\n`).join("");

for (const signal of ["TERM", "KILL"]) {
  Deno.test(`processes outlive both daemons' restart after SIG${signal}`, async () => {
    await using bed = await Testbed.create({ hosts: 2 });
    const [home, away] = [bed.host(0), bed.host(1)];
    await bed.startDaemons();
    const here = await home.launchKnown(["counter", "80", "--status", "3"]);
    const there = await home.launchKnown(["counter", "80", "--file", "out", "--status", "4"]);
    await home.migrate(there.pid, away);
    for (const host of [away, home]) {
      await host.daemon.stop(signal);
      await host.daemon.start();
    }
    await home.waitForSnapshot(
      "what it had",
      (s) =>
        s.processes.length === 1 && s.processes[0]?.pid === here.pid &&
        s.shadows.length === 1 && s.shadows[0]?.pid === there.pid,
    );
    await away.waitForSnapshot(
      "its guest",
      (s) => s.processes.length === 1 && s.processes[0]?.shadowPid === there.pid,
    );
    // Shadows look for their daemon once a second; until then it says that it cannot reach them.
    await waitFor("the shadow's return", async () => {
      return (await home.lb("home", String(there.pid))).code === 0;
    });
    await home.migrate(here.pid, away);
    assert.deepEqual(await here.ending(), { code: 3, signal: null });
    assert.deepEqual(await there.ending(), { code: 4, signal: null });
    assert.equal(here.stdout, lines(80));
    assert.equal(there.stdout, lines(80));
    assert.equal(await home.readTextFile("out"), lines(80));
  });
}

Deno.test("a guest that ends while its daemon is down ends at home as well", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  const [home, away] = [bed.host(0), bed.host(1)];
  await bed.startDaemons();
  const job = await home.launchKnown(["counter", "25", "--signal", "10"]);
  await home.migrate(job.pid, away);
  await away.daemon.stop("KILL");
  await job.closeInput();
  await job.output("line 25\n");
  await away.daemon.start();
  assert.equal((await job.ending()).signal, "SIGUSR1");
  assert.equal(job.stdout, lines(25));
});

Deno.test("lb launch without a daemon fails with 125 unless --no-daemon is given", async () => {
  await using bed = await Testbed.create({ hosts: 1 });
  const host = bed.host(0);
  await host.startDaemon();
  await host.daemon.stop();
  const refused = await host.run(["lb", "launch", "--", "true"]);
  assert.equal(refused.code, 125, refused.stderr);
  assert.match(refused.stderr, /^lb: Cannot [^]*\n\s*fix: /);
  assert.equal((await host.run(["lb", "launch", "--no-daemon", "--", "true"])).code, 0);
});

Deno.test("a second daemon of a node is refused and leaves the first alone", async () => {
  await using bed = await Testbed.create({ hosts: 1 });
  const host = bed.host(0);
  await host.startDaemon();
  const second = await host.run(["timeout", "60", "lb", "daemon"]);
  assert.ok(second.code > 0 && second.code < 124, String(second.code));
  assert.match(second.stderr, /^lb: Cannot /m);
  assert.equal((await host.snapshot()).state, "U");
});

Deno.test({
  name: "a process goes on where it was when the link comes back after a cut",
  ignore: !haveNamespaces,
  fn: async () => {
    await using bed = await Testbed.create({ hosts: 2 });
    const [home, away] = [bed.host(0), bed.host(1)];
    await bed.startDaemons({ extra: "io-timeout = 2" });
    const job = await home.launchKnown(["counter", "60", "--file", "out", "--status", "9"]);
    await home.migrate(job.pid, away);
    await job.output("line 10\n");
    await home.cut();
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    await home.restore();
    assert.deepEqual(await job.ending(), { code: 9, signal: null });
    assert.equal(job.stdout, lines(60));
    assert.equal(await home.readTextFile("out"), lines(60));
  },
});

Deno.test({
  name: "when the other node is lost for good the shadow ends within the reconnect limit",
  ignore: !haveNamespaces,
  fn: async () => {
    await using bed = await Testbed.create({ hosts: 2 });
    const [home, away] = [bed.host(0), bed.host(1)];
    await bed.startDaemons({ extra: "io-timeout = 1\nreconnect-limit = 4" });
    const job = await home.launchKnown(["counter", "600"]);
    await home.migrate(job.pid, away);
    await job.output("line 5\n");
    await away.kill();
    assert.equal((await job.ending(60_000)).signal, "SIGKILL");
    assert.match(job.stderr, /^lb: .*\n +fix: .*\n$/);
    assert.ok(lines(600).startsWith(job.stdout));
    await home.waitForSnapshot("no shadow", (s) => s.shadows.length === 0);
  },
});

Deno.test({
  name: "when home is lost for good the guest ends within the reconnect limit",
  ignore: !haveNamespaces,
  fn: async () => {
    await using bed = await Testbed.create({ hosts: 2 });
    const [home, away] = [bed.host(0), bed.host(1)];
    await bed.startDaemons({ extra: "io-timeout = 1\nreconnect-limit = 4" });
    const job = await home.launchKnown(["counter", "600"]);
    await home.migrate(job.pid, away);
    await home.kill();
    await away.waitForSnapshot("no guest", (s) => s.queueLength === 0);
    await job.ending();
  },
});

for (const which of ["home", "away"] as const) {
  Deno.test(`the daemon ${which} killed during moves there and back loses no process`, async () => {
    await using bed = await Testbed.create({ hosts: 2 });
    const [home, away] = [bed.host(0), bed.host(1)];
    await bed.startDaemons({ extra: "io-timeout = 2" });
    const victim = which === "home" ? home : away;
    const job = await home.launchKnown(["counter", "200", "--file", "out", "--status", "6"]);
    for (let round = 0; round < 6 && job.running; round++) {
      const order = round % 2 === 0
        ? ["migrate", String(job.pid), away.node]
        : ["home", String(job.pid)];
      const move = home.lb(...order);
      await new Promise((resolve) => setTimeout(resolve, 70 + 50 * round));
      await victim.daemon.stop("KILL");
      const { code, stderr } = await move;
      if (code !== 0) assert.match(stderr, /^lb: .*\n +fix: /);
      await victim.daemon.start();
      const seen = job.stdout.length;
      // Before its last line it waits for this test.
      const isDone = () => job.stdout.endsWith("line 199\n");
      await waitFor("the process to go on", () => job.stdout.length > seen || isDone());
    }
    assert.deepEqual(await job.ending(), { code: 6, signal: null }, job.stderr);
    assert.equal(job.stdout, lines(200));
    assert.equal(await home.readTextFile("out"), lines(200));
    for (const host of [home, away]) {
      await host.waitForSnapshot("nothing left", (s) => s.queueLength + s.shadows.length === 0);
    }
  });
}

Deno.test("a guest killed while home's daemon is down ends at home once that is back", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  const [home, away] = [bed.host(0), bed.host(1)];
  await bed.startDaemons();
  const job = await home.launchKnown(["counter", "2000"]);
  await home.migrate(job.pid, away);
  await job.output("line 5\n");
  await home.daemon.stop("KILL");
  const guest = (await away.snapshot()).processes[0]?.pid;
  await away.must(["kill", "-USR2", String(guest)]);
  await away.waitForSnapshot("no guest", (s) => s.queueLength === 0);
  await away.daemon.stop("KILL"); // what it owes the home is on its disk
  await away.daemon.start();
  await home.daemon.start();
  assert.equal((await job.ending()).signal, "SIGUSR2", job.stderr);
  assert.ok(lines(2000).startsWith(job.stdout));
  await home.waitForSnapshot("no shadow", (s) => s.shadows.length === 0);
});

Deno.test("a guest killed while home's daemon is down ends at home though that wrote down no move", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  const [home, away] = [bed.host(0), bed.host(1)];
  await bed.startDaemons();
  const job = await home.launchKnown(["counter", "2000"]);
  const state = "run/state.json";
  const before = await waitFor("the state before the move", async () => {
    const text = await home.readTextFile(state).catch(() => "");
    return text.includes(`"homePid": ${job.pid},`) && text;
  });
  await home.migrate(job.pid, away);
  await home.daemon.stop("KILL");
  await home.writeFile(state, before, 0o600);
  const guest = (await away.snapshot()).processes[0]?.pid;
  await away.must(["kill", "-USR2", String(guest)]);
  await away.waitForSnapshot("no guest", (s) => s.queueLength === 0);
  await job.kill("STOP"); // home hears of the end first, then of the shadow
  await home.daemon.start();
  await away.daemon.waitForLog(/guest ended /);
  await job.kill("CONT");
  assert.equal((await job.ending()).signal, "SIGUSR2", job.stderr);
});

Deno.test("an image waits while both daemons are restarted, and then goes on", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  const [home, away] = [bed.host(0), bed.host(1)];
  await bed.startDaemons();
  const job = await home.launchKnown(["counter", "30", "--status", "4"]);
  await job.output("line 5\n");
  await home.must(["lb", "checkpoint", String(job.pid), "--output", "image"]);
  await away.writeFile("image", await home.readFile("image"), 0o600);
  for (const host of [home, away]) {
    await host.daemon.stop("KILL");
    await host.daemon.start();
  }
  await home.waitForSnapshot("the waiting shadow", (s) => s.shadows[0]?.runsOn === null);
  // Shadows look for their daemon once a second.
  await job.closeInput();
  const ended = await waitFor("lb restart", async () => {
    const { code, stderr } = await away.run(["lb", "restart", "image"]);
    return stderr.includes("Cannot") ? undefined : { code, stderr };
  });
  assert.equal(ended.code, 4, ended.stderr);
  assert.deepEqual(await job.ending(), { code: 4, signal: null });
  assert.equal(job.stdout, lines(30));
});
