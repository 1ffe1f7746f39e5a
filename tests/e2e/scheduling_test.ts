/**
 * How a process is scheduled.
 *
 * What it has chosen holds wherever it runs, as far as that node can.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type Host, Testbed, waitFor } from "../testbed/mod.ts";

/** Policy, nice value and processors of the guest as its node's kernel has them. */
async function ofGuest(host: Host): Promise<string> {
  const pid = (await host.snapshot()).processes[0]?.pid;
  const stat = await host.must(["cat", `/proc/${pid}/stat`]);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" "); // from field 3 on: proc(5)
  const cpus = /^Cpus_allowed_list:\s*(\S+)$/m.exec(
    await host.must(["cat", `/proc/${pid}/status`]),
  );
  return `policy ${fields[41 - 3]}, nice ${fields[19 - 3]}, cpus ${cpus?.[1]}`;
}

Deno.test("policy, nice value, I/O priority and processors stay as the program has set them", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  await bed.startDaemons();
  const [home, away] = [bed.host(0), bed.host(1)];
  const all = /list:\s*(\S+)/.exec(
    await home.must(["grep", "Cpus_allowed_list", "/proc/self/status"]),
  );
  const last = all?.[1]?.split(/[-,]/).at(-1) ?? "";
  await home.must("mkdir bare && touch bare/away bare/home bare/again bare/lock bare/end");
  const wanted = await home.must("cd bare && scheduled");
  const job = await home.launchKnown(["scheduled"]);
  await job.output("ready\n");
  await home.migrate(job.pid, away);
  assert.equal(await ofGuest(away), "policy 3, nice 2, cpus 0");
  await home.must(["touch", "away"]);
  await job.output(/its child.*\n/);
  assert.equal(await ofGuest(away), `policy 0, nice 4, cpus ${last}`);
  await home.bringHome(job.pid);
  await home.must(["touch", "home"]);
  await waitFor("the second choice", () => job.stdout.match(/its child/g)?.length === 2);
  await home.migrate(job.pid, away);
  assert.equal(await ofGuest(away), "policy 3, nice 5, cpus 0");
  await home.must(["touch", "again"]);
  await waitFor("the third choice", () => job.stdout.match(/its child/g)?.length === 3);
  assert.equal(await ofGuest(away), `policy 3, nice 5, cpus ${all?.[1]}`);
  await home.must(["touch", "lock"]);
  const { processes } = await home.waitForSnapshot(
    "the process that came home",
    (snapshot) =>
      snapshot.processes.some(({ pid, cantmove }) => pid === job.pid && cantmove !== null),
  );
  const reason = processes.find(({ pid }) => pid === job.pid)?.cantmove;
  assert.equal(reason, "it needs its home for futex FUTEX_LOCK_PI");
  await home.must(["touch", "end"]);
  assert.deepEqual(await job.ending(), { code: 0, signal: null }, job.stdout + job.stderr);
  assert.equal(job.stdout, wanted);
});

Deno.test({
  name: "a policy that a node does not allow keeps the process where it is, with the reason",
  ignore: Deno.uid() !== 0, // only root may give it one that is not allowed
  fn: async () => {
    await using bed = await Testbed.create({ hosts: 2 });
    await bed.startDaemons();
    const [home, away] = [bed.host(0), bed.host(1)];
    const job = await home.launchKnown(["counter", "1000"]);
    await home.must(["chrt", "--rr", "--pid", "1", String(job.pid)], { asRoot: true });
    const { code, stderr } = await home.lb("migrate", String(job.pid), away.node);
    assert.equal(code, 4, stderr);
    assert.match(stderr, /its scheduling policy cannot be had there/);
    const before = job.stdout.length;
    await waitFor("it goes on", () => job.stdout.length > before);
  },
});
