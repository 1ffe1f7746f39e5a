/**
 * Policies that look at the machine, on real nodes.
 *
 * Load that lb did not launch, pressure, memory.
 *
 * @module
 */
import assert from "node:assert/strict";
import { haveNamespaces, type Host, noNamespacesReason, Testbed } from "../testbed/mod.ts";
import { FakeMachine } from "./_machine.ts";

const ignore = !haveNamespaces;
if (ignore) console.log(`skipped: policies that look at the machine: ${noNamespacesReason}`);

async function lb(host: Host, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await host.lb(...args);
  assert.equal(code, 0, `lb ${args.join(" ")}: ${stderr}\n${host.daemon.log.slice(-3000)}`);
  return stdout;
}

Deno.test({
  name: "by run-queue a process leaves the node whose owner computes, and none comes there",
  ignore,
  fn: async () => {
    await using bed = await Testbed.create({ hosts: 2, pin: true });
    const [one, two] = [bed.host(0), bed.host(1)];
    await using here = await FakeMachine.cover(one);
    await using there = await FakeMachine.cover(two);
    await bed.startDaemons({
      thresholds: { thu: 0, thf: 1, thv: 2 },
      extra: 'policy = { base = "thesis", index = "run-queue" }',
    });
    there.do({ busy: 1 });
    await one.waitForSnapshot("two is F", ({ associated }) => associated[0]?.state === "F");
    const { machine, queueLength, load } = await two.snapshot();
    assert.deepEqual([machine?.others, queueLength, load], [1, 0, 1]);
    // It waits for input, so that all of the processor's time is somebody else's.
    const job = await one.launchKnown(["sleep", "6000"]);
    here.do({ busy: 1 });
    await one.waitForSnapshot("others here, too", ({ machine }) => machine?.others === 1);
    assert.equal((await one.snapshot()).shadows.length, 0);
    assert.match(await lb(one, "why", `${job.pid}`), /no associated node is U/);
    assert.match(await lb(one, "monitor", "--once"), /load 2 +others 1/);
    there.do({ busy: 0 });
    await one.waitForSnapshot("it has left", ({ shadows }) => shadows.length === 1);
    await two.waitForSnapshot("it is there", ({ processes }) => processes.length === 1);
  },
});

Deno.test({
  name: "by pressure one process leaves for each measurement, and none where little waits",
  ignore,
  fn: async () => {
    await using bed = await Testbed.create({ hosts: 2 });
    const [one, two] = [bed.host(0), bed.host(1)];
    await using here = await FakeMachine.cover(one);
    await using _there = await FakeMachine.cover(two);
    await bed.startDaemons({
      thresholds: { thu: 10, thf: 40, thv: 70, unit: "percent" },
      extra: 'policy = { base = "thesis", index = "pressure" }',
    });
    const jobs = [];
    for (let n = 0; n < 3; n++) jobs.push(await one.launchKnown(["counter", "6000"]));
    await one.waitForSnapshot("two is U", ({ associated }) => associated[0]?.state === "U");
    assert.equal((await one.snapshot()).processes.length, 3);
    assert.match(await lb(one, "why", `${jobs[0]?.pid}`), /the pressure is 0 %, thv 70 %/);
    here.do({ cpuStall: 0.9 });
    const first = await one.waitForSnapshot("one away", ({ shadows }) => shadows.length >= 1);
    assert.equal(first.shadows.length, 1);
    here.do({ cpuStall: 0.2 });
    await one.waitForSnapshot("calm", ({ machine }) => (machine?.cpuStall ?? 1) < 0.3);
    const { state, load = 0, shadows } = await one.snapshot();
    assert.ok(state === "M" && load > 10 && load < 40 && shadows.length < 3);
    assert.match(await lb(one, "monitor", "--once"), /waiting for processors [12]\d %/);
    assert.match(await lb(one, "doctor"), /ok +\/proc\/pressure tells of work that waits/);
  },
});

Deno.test({
  name: "a node short of memory sends what is enough and takes nothing, as lb why tells",
  ignore,
  fn: async () => {
    await using bed = await Testbed.create({ hosts: 2 });
    const [one, two] = [bed.host(0), bed.host(1)];
    await using here = await FakeMachine.cover(one);
    await using _there = await FakeMachine.cover(two);
    await bed.startDaemons({
      extra: 'policy = { base = "lifetime", memory-floor = 0.1, memory-stall = 0.3 }',
      select: "age-cost",
    });
    const job = await one.launchKnown(["counter", "6000"]);
    here.do({ memoryStall: 0.5 });
    await one.waitForSnapshot("it has left", ({ shadows }) => shadows.length === 1);
    const why = await lb(one, "why", `${job.pid}`);
    assert.match(why, /short of memory: work waits for memory for \d\d\.?\d? % of the time/);
    here.do({ memoryStall: 0, availableBytes: 2e9 });
    await one.waitForSnapshot(
      "short of memory",
      ({ machine }) => machine?.memoryShortage?.includes("1907 of 30518 MiB") === true,
    );
    await two.waitForSnapshot("one is F", ({ associated }) => associated[0]?.state === "F");
    assert.match(await lb(one, "monitor", "--once"), /short of memory: 1907 of 30518 MiB/);
    here.do({ availableBytes: 30e9 });
    await two.waitForSnapshot("one is U again", ({ associated }) => associated[0]?.state === "U");
  },
});

Deno.test({
  name: "a daemon whose kernel tells no pressure says so at its start if the policy asks",
  ignore,
  fn: async () => {
    await using bed = await Testbed.create({ hosts: 1 });
    const host = bed.host(0);
    await host.must("mkdir -p /tmp/none && mount --bind /tmp/none /proc/pressure", {
      asRoot: true,
    });
    await assert.rejects(host.startDaemon({
      thresholds: { thu: 10, thf: 40, thv: 70, unit: "percent" },
      extra: 'policy = { base = "thesis", index = "pressure" }',
    }));
    const { code, stderr } = await host.lb("daemon");
    assert.equal(code, 3);
    assert.match(
      stderr,
      /Cannot use policy\.index of .*lb\.toml as \/proc\/pressure\/cpu must tell/,
    );
    assert.match(stderr, /fix: Use a kernel with CONFIG_PSI=y/);
    await host.startDaemon({});
    assert.match(
      (await host.lb("doctor")).stdout,
      /note +\/proc\/pressure does not tell: cpu, memory/,
    );
  },
});
