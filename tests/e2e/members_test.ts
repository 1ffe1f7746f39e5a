/**
 * Members of a running cluster, on real nodes.
 *
 * One joins and takes work, one leaves, one is cut off, one is stopped.
 *
 * @module
 */
import assert from "node:assert/strict";
import { haveNamespaces, type Host, type Job, sleep, Testbed, waitFor } from "../testbed/mod.ts";

const LINES = 400;
const OUTPUT = Array.from({ length: LINES }, (_, line) => `line ${line + 1}\n`).join("");

async function lb(host: Host, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await host.lb(...args);
  assert.equal(
    code,
    0,
    `lb ${args.join(" ")}: ${stdout}${stderr}\n${host.daemon.log.slice(-3000)}`,
  );
  return stdout;
}

async function statusOf(host: Host, of: Host): Promise<string | undefined> {
  return (await host.snapshot()).members?.find(({ node }) => node === of.node)?.status;
}

async function waitForStatus(host: Host, of: Host, status: string) {
  await host.waitForSnapshot(
    `${of.name} is ${status} for ${host.name}`,
    ({ members }) => members?.some((one) => one.node === of.node && one.status === status) === true,
  );
}

/** All have ended as they should, with all their lines in order. */
async function assertWhole(jobs: readonly Job[]): Promise<void> {
  for (const job of jobs) {
    assert.deepEqual(await job.ending(), { code: 0, signal: null }, job.stderr);
    assert.equal(job.stdout.slice(-OUTPUT.length), OUTPUT);
  }
}

Deno.test("a fourth node joins three at work and takes its share; one leaves, and all outputs are whole", async () => {
  await using bed = await Testbed.create({ hosts: 4 });
  const [one, two, three, four] = [bed.host(0), bed.host(1), bed.host(2), bed.host(3)];
  const thresholds = { thu: 1, thf: 2, thv: 3 };
  for (const host of [one, two, three]) {
    await host.startDaemon({ thresholds, associated: [0, 1, 2] });
  }
  await four.startDaemon({ thresholds, associated: [] });
  const jobs: Job[] = [];
  for (let n = 0; n < 8; n++) jobs.push(await one.launch(["counter", `${LINES}`]));
  const busy = (host: Host) => host.waitForSnapshot("two there", (s) => s.processes.length === 2);
  await busy(two);
  await busy(three);
  await one.waitForSnapshot("four are left", ({ processes }) => processes.length === 4);
  assert.match(await lb(four, "join", two.node), /is a member of a cluster of 4 nodes/);
  await busy(four);
  for (const host of [one, two, three]) {
    await waitForStatus(host, four, "alive");
    const { associated } = await host.snapshot();
    assert.equal(associated.at(-1)?.node, four.node, "what the config names stays first");
    assert.equal(associated.length, 3);
  }
  assert.match(await lb(four, "join", one.node), /is already a member of a cluster of 4 nodes/);
  // A restarted daemon is still a member, and a node that left one no more.
  await four.daemon.stop();
  await four.daemon.start();
  await four.waitForSnapshot("three associated", ({ associated }) => associated.length === 3);
  await waitForStatus(one, four, "alive");
  const text = await lb(two, "leave");
  assert.match(text, /has left its cluster of 4 nodes\n$/);
  const left = await two.snapshot();
  assert.deepEqual([left.processes, left.associated, left.draining], [[], [], false]);
  for (const host of [one, three, four]) {
    await waitForStatus(host, two, "left");
    assert.ok((await host.snapshot()).associated.every(({ node }) => node !== two.node));
    assert.doesNotMatch(host.daemon.log, new RegExp(`has failed node=${two.node}`));
  }
  await two.daemon.stop();
  await two.daemon.start();
  await sleep(2_000);
  assert.equal(await statusOf(one, two), "left");
  assert.match(await lb(two, "join", four.node), /is a member of a cluster of 4 nodes/);
  await waitForStatus(one, two, "alive");
  await assertWhole(jobs);
});

Deno.test("who leaves calls its own processes home, and stays if one cannot come", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  const [one, two] = [bed.host(0), bed.host(1)];
  await bed.startDaemons();
  const jobs = [
    await one.launchKnown(["counter", `${LINES}`]),
    await one.launchKnown(["counter", `${LINES}`]),
  ];
  const [first, second] = jobs as [Job, Job];
  for (const job of jobs) await one.migrate(job.pid, two);
  await second.kill("TSTP");
  await waitFor(
    "it stops",
    async () => /^State:\s+T/m.test(await one.must(["cat", `/proc/${second.pid}/status`])),
  );
  const refused = await one.lb("leave");
  assert.equal(refused.code, 1, refused.stderr);
  assert.match(refused.stdout, new RegExp(`${second.pid} counter runs on ${two.node} and needs`));
  assert.match(refused.stdout, /stays a member/);
  assert.equal(await statusOf(two, one), "alive");
  assert.equal((await one.snapshot()).draining, false);
  await second.kill("CONT");
  await one.migrate(first.pid, two);
  // At once: both go on there, and what they need of this node is said.
  assert.match(
    await lb(one, "leave", "--now"),
    /run elsewhere: 2: keep this machine and its daemon/,
  );
  await waitForStatus(two, one, "left");
  await assertWhole(jobs);
});

Deno.test({
  name: "a node that is cut off is suspected, then failed, and comes back",
  ignore: !haveNamespaces,
  async fn() {
    await using bed = await Testbed.create({ hosts: 3 });
    const [one, two, three] = [bed.host(0), bed.host(1), bed.host(2)];
    // A suspicion lasts as many checks as it may be refuted in: long enough to be seen by a busy machine.
    await bed.startDaemons({ frequency: 3 });
    for (const host of [one, two, three]) {
      await host.waitForSnapshot("all are there", ({ members }) => members?.length === 3);
    }
    const job = await three.launch(["sleep", "1"]);
    await three.cut();
    const seen = await one.waitForSnapshot(
      "it is suspected",
      ({ associated }) => associated.some((peer) => peer.node === three.node && peer.suspected),
    );
    assert.equal(seen.members?.find(({ node }) => node === three.node)?.status, "suspected");
    await waitForStatus(one, three, "failed");
    await waitForStatus(two, three, "failed");
    assert.equal((await one.snapshot()).associated.find((p) => p.node === three.node)?.state, " ");
    assert.equal(await statusOf(one, two), "alive");
    await three.restore();
    for (const host of [one, two]) await waitForStatus(host, three, "alive");
    for (const host of [one, two]) await waitForStatus(three, host, "alive");
    await one.waitForSnapshot(
      "its letter is known again",
      ({ associated }) => associated.every(({ state, suspected }) => state === "U" && !suspected),
    );
    await job.ending();
  },
});

Deno.test("a daemon that is stopped for a while calls nobody failed, and is back at once", async () => {
  await using bed = await Testbed.create({ hosts: 3 });
  const [one, two, three] = [bed.host(0), bed.host(1), bed.host(2)];
  await bed.startDaemons();
  for (const host of [one, two, three]) {
    await host.waitForSnapshot("all are there", ({ members }) => members?.length === 3);
  }
  for (const seconds of [3, 12]) {
    const logged = three.daemon.log.length;
    await three.must(["kill", "-STOP", `${three.daemon.pid}`]);
    await sleep(seconds * 1000);
    await three.must(["kill", "-CONT", `${three.daemon.pid}`]);
    for (const host of [one, two]) await waitForStatus(host, three, "alive");
    for (const host of [one, two]) await waitForStatus(three, host, "alive");
    assert.doesNotMatch(three.daemon.log.slice(logged), /has failed/);
  }
  for (const host of [one, two]) assert.equal((await host.snapshot()).health, 0);
});

Deno.test("SIGHUP changes the preferred list at once, and tells what only a restart changes", async () => {
  await using bed = await Testbed.create({ hosts: 3 });
  const [one, two, three] = [bed.host(0), bed.host(1), bed.host(2)];
  await one.startDaemon({ associated: [1] });
  await two.startDaemon({ associated: [0] });
  await three.startDaemon({ associated: [0] });
  const right = await one.readTextFile("lb.toml");
  const hup = () => one.must(["kill", "-HUP", `${one.daemon.pid}`]);
  const reload = async (text: string) => {
    await one.writeFile("lb.toml", text);
    await hup();
  };
  const job = await one.launchKnown(["counter", `${LINES}`]);
  await reload(
    right.replace(`["${two.node}"]`, `["${three.node}", "${two.node}"]`)
      .replace("frequency = 1", "frequency = 0.5"),
  );
  await one.daemon.waitForLog(/config read again changed=associated,frequency/);
  await one.waitForSnapshot(
    "the list is the new one",
    ({ associated, frequencySeconds }) =>
      associated.map(({ node }) => node).join() === `${three.node},${two.node}` &&
      associated.every(({ state }) => state === "U") && frequencySeconds === 0.5,
  );
  await reload(right.replace(`listen = "${one.node}"`, `listen = "${two.node}"`));
  const line = await one.daemon.waitForLog(/count after a restart of the daemon only keys=(\S+)/);
  assert.match(line[1] ?? "", /^listen,node$/);
  await reload(right.replace("frequency = 1", "frequency = 99999"));
  await one.daemon.waitForLog(/not read again .*frequency as it must be .*lb.toml:3 has 99999/);
  await one.writeFile("lb.toml", right);
  assert.equal((await one.snapshot()).frequencySeconds, 1);
  await assertWhole([job]);
});
