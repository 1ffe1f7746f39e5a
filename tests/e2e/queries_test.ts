/**
 * Commands that show and move processes, as a person types.
 *
 * ps, monitor, migrate, home.
 *
 * @module
 */
import assert from "node:assert/strict";
import { Testbed } from "../testbed/mod.ts";

Deno.test("lb ps and lb monitor show who runs where, on this node and on another", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  const [one, two] = [bed.host(0), bed.host(1)];
  await bed.startDaemons();
  const [stays, goes] = [
    await one.launchKnown(["counter", "600"]),
    await one.launchKnown(["counter", "600"]),
  ];
  await one.migrate(goes.pid, two);

  const here = await one.must(["lb", "ps"]);
  assert.match(here, /^ *PID +PROGRAM +RUNS ON +HOME +SHADOW +THR +CPU +MEMORY +CANNOT MOVE\n/);
  const line = (pid: number, ...words: string[]) =>
    new RegExp(`^ *${[pid, ...words].join(" +").replaceAll(".", "\\.")}`, "m");
  assert.match(here, line(stays.pid, "counter", one.node, one.node, "-"));
  const away = await two.waitForSnapshot("a guest", (s) => s.processes.length === 1);
  const guest = away.processes[0]?.pid ?? 0;
  await one.waitForSnapshot("a shadow", (s) => s.shadows.length === 1);
  assert.match(
    await one.must(["lb", "ps"]),
    line(goes.pid, "counter", two.node, one.node, String(goes.pid)),
  );

  for (const args of [["ps"], ["monitor", "--once"], ["monitor"]]) {
    const there = await one.must(["lb", ...args, two.address]);
    assert.match(there, line(guest, "counter", two.node, one.node, String(goes.pid)));
    assert.equal(there.split("\n").filter((text) => text.includes("counter")).length, 1);
  }
  const picture = await one.must(["lb", "monitor", "--once"]);
  assert.match(picture, /^Node \S+ {3}state U \(under\) {3}queue length 1$/m);
  assert.match(picture, new RegExp(`^${two.node} +U under$`, "m"));
  for (const command of ["ps", "monitor"]) {
    const { node, queueLength } = JSON.parse(await one.must(["lb", command, two.node, "--json"]));
    assert.deepEqual([node, queueLength], [two.node, 1]);
  }
});

Deno.test("a move that cannot be made says so, and the process goes on where it was", async () => {
  await using bed = await Testbed.create({ hosts: 1 });
  const one = bed.host(0);
  await bed.startDaemons();
  const job = await one.launchKnown(["counter", "600"]);
  const pid = String(job.pid);
  for (
    const [args, code, reason] of [
      [["migrate", pid], 4, /no associated node is U/],
      [["migrate", pid, one.node], 4, /runs here already/],
      [["migrate", pid, `${one.address}:1`], 4, /Cannot connect/],
      [["migrate", pid, "a:b:c"], 2, /HOST or HOST:PORT/],
      [["ps", "a:b:c"], 2, /HOST or HOST:PORT/],
      [["migrate", "1"], 4, /not one that lb looks after/],
      [["home", "1"], 4, /not one that lb looks after/],
      [["migrate", "zero"], 2, /integer/],
      [["monitor", `${one.address}:1`], 4, /Cannot connect/],
    ] as const
  ) {
    const result = await one.lb(...args);
    assert.equal(result.code, code, `${args.join(" ")}: ${result.stderr}`);
    assert.match(result.stderr, reason);
    assert.match(result.stderr, /^ {4}fix: /m);
    assert.equal(result.stdout, "");
  }
  assert.ok(job.running);
  const { processes } = await one.snapshot();
  assert.deepEqual(processes.map((process) => [process.pid, process.cantmove]), [[job.pid, null]]);
  assert.match(await one.must(["lb", "home", pid]), /is at home/);
});

Deno.test("a command without a daemon says how to start one", async () => {
  await using bed = await Testbed.create({ hosts: 1 });
  const one = bed.host(0);
  await one.writeFile("lb.toml", `listen = "${one.node}"\nruntime-dir = "${one.home}/run"\n`);
  for (const args of [["ps"], ["monitor", "--once"], ["migrate", "1"], ["home", "1"]]) {
    const result = await one.lb(...args);
    assert.equal(result.code, 4, result.stderr);
    assert.match(result.stderr, /fix: .*lb daemon/);
  }
});
