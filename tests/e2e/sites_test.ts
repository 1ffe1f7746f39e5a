/**
 * Patched system call sites.
 *
 * They are there away and gone at home, and the program does not notice them.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type Job, sleep, Testbed } from "../testbed/mod.ts";

/** What `sites` (tests/programs/sites.c) says to a command that may not depend on where it runs. */
const SAME: Readonly<Record<string, string>> = {
  fault: "14 14 0 0 signals 0",
  handler: "1 code 1 at 0x10000 then 2 code 0 from 1 blocked 0",
  ignored: "yes",
  reset: "1 1 1 signals 2",
  stack: "10",
  code: "1",
  futex: "0 11 110 110 110 110 0",
  wait: "11 4 4 signals 4",
};

class Sites {
  #asked = 0;
  constructor(readonly job: Job) {}

  /** Gives a command; returns its answer. */
  async ask(command: string): Promise<string> {
    const lines = ++this.#asked;
    await this.job.write(`${command}\n`);
    await this.job.output(new RegExp(`^ready\n(.*\n){${lines}}`));
    const answer = this.job.stdout.split("\n")[lines] ?? "";
    const name = command.split(" ")[0];
    assert.ok(answer.startsWith(`${name}: `), `"${command}" was answered "${answer}"`);
    return answer.slice(`${name}: `.length);
  }

  async assertSame(where: string): Promise<void> {
    for (const [command, wanted] of Object.entries(SAME)) {
      assert.equal(await this.ask(command), wanted, `${command} ${where}`);
    }
  }
}

const PLAIN = "getpid plain gettid plain read plain write plain";
/** A C library that makes these calls by another sequence of instructions has none to patch. */
const PATCHED =
  /^getpid patched gettid patched read (patched|plain|unknown) write (patched|plain|unknown)$/;

Deno.test("sites are patched away from home only, and the program does not notice", async () => {
  await using bed = await Testbed.create({ hosts: 3 });
  await bed.startDaemons();
  const [home, away, next] = [bed.host(0), bed.host(1), bed.host(2)];
  const job = await home.launchKnown(["sites"]);
  await job.output("ready\n");
  const sites = new Sites(job);
  assert.equal(await sites.ask("calls"), PLAIN);
  await sites.assertSame("at home");
  for (const host of [away, next]) {
    await home.migrate(job.pid, host);
    assert.match(await sites.ask("calls"), PATCHED);
    await sites.assertSame(`on ${host.name}`);
    assert.equal(await sites.ask("protect"), "patched plain patched, then plain 1");
    // Not where it interrupts the few instructions that have no call frame yet.
    const [traced, of] = (await sites.ask("trace 100")).split(" of ").map(Number);
    assert.ok(traced !== undefined && of !== undefined && traced > of / 2, `${traced} of ${of}`);
    assert.match(await sites.ask("calls"), PATCHED);
  }
  await home.bringHome(job.pid);
  assert.equal(await sites.ask("calls"), PLAIN);
  await sites.assertSame("at home again");
  await home.migrate(job.pid, away);
  assert.match(await sites.ask("calls"), PATCHED);
  await job.closeInput();
  assert.deepEqual(await job.ending(), { code: 0, signal: null }, job.stderr);
});

Deno.test("a wait for another thread goes on where the process is moved in its middle", async () => {
  await using bed = await Testbed.create({ hosts: 3 });
  await bed.startDaemons();
  const [home, away, next] = [bed.host(0), bed.host(1), bed.host(2)];
  const job = await home.launchKnown(["sites"]);
  await job.output("ready\n");
  const sites = new Sites(job);
  for (const [command, result] of [["hold", "11 signals 1"], ["until", "4 signals 1"]] as const) {
    await home.migrate(job.pid, away);
    await sites.assertSame("before the wait");
    const answer = sites.ask(command);
    await sleep(300);
    await home.migrate(job.pid, next);
    await sleep(300);
    await home.bringHome(job.pid);
    await sleep(300);
    assert.ok(!job.stdout.includes(`${command}: `), "no signal of lb's ends the wait");
    await job.kill("USR1");
    assert.equal(await answer, result, command);
  }
  await job.closeInput();
  assert.deepEqual(await job.ending(), { code: 0, signal: null }, job.stderr);
});

Deno.test("a moved program ends by SIGSEGV as it would at home", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  await bed.startDaemons();
  const [home, away] = [bed.host(0), bed.host(1)];
  for (const command of ["null", "kill"]) {
    const job = await home.launchKnown(["sites"]);
    await job.output("ready\n");
    await home.migrate(job.pid, away);
    assert.match(await new Sites(job).ask("calls"), /^getpid patched/);
    await job.write(`${command}\n`);
    assert.equal((await job.ending()).signal, "SIGSEGV", command);
  }
});
