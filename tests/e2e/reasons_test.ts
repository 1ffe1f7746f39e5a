/**
 * Reasons of a move that fails.
 *
 * The person who asked for it is told why, from whatever node knows, with its name; and so is who
 * asks `lb why` later. The process goes on where it was.
 *
 * @module
 */
import assert from "node:assert/strict";
import { schema } from "../../lib/wire/schema.ts";
import { haveNamespaces, type Host, Testbed, waitFor } from "../testbed/mod.ts";

/** Asks for a move that must fail, and returns what is said of it at once and afterwards. */
async function failure(home: Host, pid: number, away: Host): Promise<string> {
  const { code, stderr } = await home.lb("migrate", String(pid), away.node);
  assert.equal(code, 4, stderr);
  assert.match(stderr, /^ {4}fix: /m);
  const reason = /^lb: Cannot move \S+: (.*)$/m.exec(stderr)?.[1] ?? "";
  assert.ok(reason.startsWith(`on ${away.node}: `), `it names the node that knows: ${stderr}`);
  const why = await home.must(["lb", "why", String(pid)]);
  assert.ok(why.includes(`its move to ${away.node} was aborted: ${reason}`), why);
  return reason;
}

/** What is said of a copy that ends at this step. */
const steps = [
  ["guestTable", "kill", /its copy was ended by signal 9, by a person or for lack of memory/],
  ["guestMemory", "kill", /its copy was ended by signal 9/],
  ["guestMapped", "kill", /its copy was ended by signal 9/],
  ["guestGo", "kill", /its copy was ended by signal 9/],
  ["guestRunning", "kill", /its copy was ended by signal 9/],
  ["guestTable", "fail", /its copy ended before it ran.*a test asked for this failure/],
] as const;

Deno.test("whatever step of a move ends the copy, the person who asked hears that it ended, and where", async () => {
  await using bed = await Testbed.create({ hosts: 2, faults: true });
  const [home, away] = [bed.host(0), bed.host(1)];
  await home.startDaemon();
  const job = await home.launchKnown(["counter", "6000"]);
  for (const [step, action, said] of steps) {
    await away.startDaemon({ env: { LB_FAULT: `${schema.faults[step]}:${action}` } });
    assert.match(await failure(home, job.pid, away), said, `${step}:${action}`);
    await away.daemon.stop();
  }
  const before = job.stdout.length;
  await waitFor("the program to go on", () => job.stdout.length > before);
});

Deno.test("a keeper that is killed while memory arrives is told of", async () => {
  await using bed = await Testbed.create({ hosts: 2, faults: true });
  const [home, away] = [bed.host(0), bed.host(1)];
  await bed.startDaemons();
  const env = { LB_FAULT: `${schema.faults.sourceMemory}:pause` };
  const job = await home.launchKnown(["counter", "6000"], { env });
  const told = failure(home, job.pid, away);
  const keeper = await waitFor("its keeper", async () => (await away.pidsOf("lb-keeper"))[0]);
  await away.must(["kill", "-KILL", String(keeper)]);
  assert.match(await told, /its keeper was ended by signal 9, by a person or for lack of memory/);
});

Deno.test({
  name: "where no keeper can be started, as /dev/null is no device, that is said",
  ignore: !haveNamespaces,
  fn: async () => {
    await using bed = await Testbed.create({ hosts: 2 });
    const [home, away] = [bed.host(0), bed.host(1)];
    await bed.startDaemons();
    const job = await home.launchKnown(["counter", "6000"]);
    await away.writeFile("file", "");
    // In the mount namespace of that host alone.
    const bind = ["mount", "--bind", `${away.home}/file`, "/dev/null"];
    await away.must(bind, { asRoot: true });
    assert.match(await failure(home, job.pid, away), /\/dev\/null is not a device: Make it again/);
    await away.must(["umount", "/dev/null"], { asRoot: true });
    await home.migrate(job.pid, away);
  },
});

Deno.test("a process that stands still for too long is told of, and so is why it cannot move then", async () => {
  await using bed = await Testbed.create({ hosts: 2, faults: true });
  const [home, away] = [bed.host(0), bed.host(1)];
  await bed.startDaemons({ extra: "io-timeout = 1" });
  const env = { LB_FAULT: `${schema.faults.sourceMemory}:hang` };
  const job = await home.launchKnown(["counter", "6000"], { env });
  const id = String(job.pid);
  const first = await home.lb("migrate", id, away.node);
  assert.equal(first.code, 4);
  assert.match(first.stderr, /it has said nothing for \d+ ms, which is too long for its \d+ MiB/);
  const second = await home.lb("migrate", id, away.node);
  assert.equal(second.code, 4);
  assert.match(second.stderr, /an earlier order has taken too long and has not ended yet/);
});
