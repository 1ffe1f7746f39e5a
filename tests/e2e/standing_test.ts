/**
 * Standing orders of a person, on real nodes.
 *
 * `lb pin`, `lb drain`, `lb why`, a policy by name.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type Host, Testbed } from "../testbed/mod.ts";

async function lb(host: Host, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await host.lb(...args);
  assert.equal(code, 0, `lb ${args.join(" ")}: ${stderr}\n${host.daemon.log.slice(-3000)}`);
  return stdout;
}

Deno.test("a pinned process stays, the others leave, and lb why tells both", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  const [one, two] = [bed.host(0), bed.host(1)];
  await bed.startDaemons({ thresholds: { thu: 1, thf: 2, thv: 3 } });
  const pinned = await one.launchKnown(["counter", "6000"]);
  assert.match(await lb(one, "why", `${pinned.pid}`), /the node is not over: 1 of 3 processes/);
  assert.match(await lb(one, "pin", `${pinned.pid}`), /stays on .* until it is unpinned/);
  // Over a restart of the daemon, too.
  await one.daemon.stop();
  await one.daemon.start();
  const second = await one.launch(["counter", "6000"]);
  const third = await one.launch(["counter", "6000"]);
  const { shadows, processes } = await one.waitForSnapshot(
    "one of three away",
    (snapshot) => snapshot.shadows.length === 1 && snapshot.processes.length === 2,
  );
  assert.ok(processes.some(({ pid }) => pid === pinned.pid));
  assert.match(await lb(one, "ps"), /pinned/);
  const away = shadows[0]?.pid ?? 0;
  assert.ok([second.pid, third.pid].includes(away));
  const why = await lb(one, "why", `${away}`);
  assert.match(why, new RegExp(`runs on ${two.node}`));
  assert.match(why, /process chosen, to .*over with 3 processes, thv 3; most CPU time/);
  assert.match(why, /it has moved here/);
  assert.match(await lb(one, "why", `${pinned.pid}`), /it is pinned/);
  await lb(one, "migrate", `${pinned.pid}`, two.node);
  assert.doesNotMatch(await lb(one, "why", `${pinned.pid}`), /it is pinned/);
  // From home, of a guest.
  await lb(one, "pin", `${pinned.pid}`);
  assert.match(await lb(one, "why", `${pinned.pid}`), /it is pinned/);
  await lb(one, "unpin", `${pinned.pid}`);
  assert.doesNotMatch(await lb(one, "why", `${pinned.pid}`), /it is pinned/);
  const { code, stderr } = await one.lb("pin", "999999");
  assert.equal(code, 4);
  assert.match(stderr, /Cannot find process 999999/);
});

Deno.test("a drained node empties, takes nothing, and takes again when that is undone", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  const [one, two] = [bed.host(0), bed.host(1)];
  await bed.startDaemons({
    thresholds: { thu: 2, thf: 10, thv: 20 },
    select: "age-cost",
    extra: 'policy = "lifetime"',
  });
  const own = await two.launchKnown(["sleep", "6000"]); // the test programs are on one host only
  const guest = await one.launchKnown(["counter", "6000"]);
  await one.migrate(guest.pid, two);
  const text = await lb(two, "drain", "--wait");
  assert.match(text, /takes no process; to be moved away: 2\n.*No process is left/s);
  const { processes, draining, associated } = await two.snapshot();
  assert.deepEqual([processes, draining], [[], true]);
  assert.equal(associated[0]?.state, "U");
  await one.waitForSnapshot(
    "both there, and the drained node F",
    (snapshot) => snapshot.processes.length === 2 && snapshot.associated[0]?.state === "F",
  );
  const refused = await one.lb("migrate", `${guest.pid}`, two.node);
  assert.equal(refused.code, 4);
  assert.match(refused.stderr, /the node is being drained/);
  await two.daemon.stop();
  await two.daemon.start();
  assert.equal((await two.snapshot()).draining, true);
  assert.match(await lb(two, "drain", "--undo"), /takes processes again/);
  await one.migrate(guest.pid, two);
  assert.match(await lb(two, "why", `${own.pid}`), /the node is being drained/);
});

Deno.test("by age and cost what is too young for its move stays, and lb why tells", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  const one = bed.host(0);
  await bed.startDaemons({
    thresholds: { thu: 0, thf: 1, thv: 2 },
    select: "age-cost",
    // So that a move costs an hour: nothing is ever worth it.
    extra: 'policy = { base = "lifetime", move-time = 3600, location = "two-random" }',
  });
  const jobs = [];
  for (let n = 0; n < 3; n++) jobs.push(await one.launchKnown(["counter", "6000"]));
  await one.waitForSnapshot(
    "the other node is U",
    ({ associated }) => associated[0]?.state === "U",
  );
  const why = await lb(one, "why", `${jobs[0]?.pid}`);
  assert.match(why, /its move is not worth it: age .* s, cost 3600/);
  assert.equal((await one.snapshot()).shadows.length, 0);
});

Deno.test("where nobody is U an over node finds the one with clearly fewer processes", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  const [one, two] = [bed.host(0), bed.host(1)];
  await bed.startDaemons({ thresholds: { thu: 0, thf: 1, thv: 2 }, extra: 'policy = "probing"' });
  const own = await two.launchKnown(["sleep", "6000"]);
  await one.waitForSnapshot("the other is F", ({ associated }) => associated[0]?.state === "F");
  for (let n = 0; n < 4; n++) await one.launch(["counter", "6000"]);
  await one.waitForSnapshot(
    "one of four away",
    ({ shadows, processes }) => shadows.length === 1 && processes.length === 3,
  );
  const guest = (await two.snapshot()).processes.find(({ pid }) => pid !== own.pid);
  assert.match(await lb(two, "why", `${guest?.pid}`), /offer taken, from .*, queue length 1/);
});

Deno.test("by the default policy a process leaves as soon as it has no core of its own", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  const [one, two] = [bed.host(0), bed.host(1)];
  await bed.startDaemons({
    thresholds: { thu: 0, thf: 1, thv: 2 },
    select: "age-cost",
    extra: 'policy = "sharing"\ncores = 2',
  });
  for (let n = 0; n < 2; n++) await one.launch(["counter", "6000"]);
  await two.waitForSnapshot("the other is F", ({ associated }) => associated[0]?.state === "F");
  assert.deepEqual((await one.snapshot()).thresholds, { thu: 1, thf: 2, thv: 3 });
  assert.equal((await one.snapshot()).shadows.length, 0);
  await one.launch(["counter", "6000"]);
  await one.waitForSnapshot(
    "two here, one there",
    ({ shadows, processes }) => shadows.length === 1 && processes.length === 2,
  );
  const [guest] = (await two.snapshot()).processes;
  assert.match(await lb(two, "why", `${guest?.pid}`), /offer taken/);
});

Deno.test("by receiver an over node waits, and a node that is U asks it for processes", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  const [one, two] = [bed.host(0), bed.host(1)];
  const thresholds = { thu: 0, thf: 1, thv: 2 };
  await one.startDaemon({ thresholds, extra: 'policy = "receiver"' });
  const own = await one.launchKnown(["sleep", "6000"]);
  await lb(one, "pin", `${own.pid}`);
  for (let n = 0; n < 3; n++) await one.launch(["counter", "6000"]);
  await one.waitForSnapshot("four processes", ({ processes }) => processes.length === 4);
  await two.startDaemon({ thresholds, extra: 'policy = "receiver"' });
  await one.waitForSnapshot("one of four away", ({ shadows }) => shadows.length === 1);
  const [guest] = (await two.snapshot()).processes;
  assert.match(await lb(two, "why", `${guest?.pid}`), /it has moved here/);
  assert.match(
    await lb(one, "why", `${own.pid}`),
    /it waits until a node that is U asks: 3 of 2 processes/,
  );
  const away = (await one.snapshot()).shadows[0]?.pid ?? 0;
  assert.match(await lb(one, "why", `${away}`), /asked by a node with load 0; .*it has asked/);
  // No longer U: it asks for no more.
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  assert.equal((await one.snapshot()).shadows.length, 1);
});
