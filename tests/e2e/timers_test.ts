/**
 * POSIX timers of a process that moves to and fro.
 *
 * Numbers, clocks, values, and every tick.
 *
 * @module
 */
import assert from "node:assert/strict";
import { schema } from "../../lib/wire/schema.ts";
import { sleep, Testbed, waitFor } from "../testbed/mod.ts";

Deno.test("POSIX timers lose no tick when a process moves, fails to move, moves on and comes home", async () => {
  await using bed = await Testbed.create({ hosts: 3, faults: true });
  await bed.startDaemons();
  const [home, first, second] = [bed.host(0), bed.host(1), bed.host(2)];
  // Acts once: everything is sent, and then the process goes on where it was.
  const env = { LB_FAULT: `${schema.faults.sourceRunning}:fail` };
  const job = await home.launchKnown(["timers"], { env });
  await job.output("ready\n");
  const failed = await home.lb("migrate", String(job.pid), first.node);
  assert.notEqual(failed.code, 0, failed.stdout);
  await first.waitForSnapshot("no copy is left", ({ queueLength }) => queueLength === 0);
  await home.migrate(job.pid, first);
  await sleep(300);
  await first.migrate((await first.snapshot()).processes[0]?.pid ?? 0, second);
  await sleep(300);
  await home.bringHome(job.pid);
  await sleep(100);
  assert.ok(job.running, job.stdout + job.stderr);
  await home.migrate(job.pid, first);
  await sleep(300);
  const guests = (await first.snapshot()).processes.map(({ shadowPid }) => shadowPid);
  assert.deepEqual(guests, [job.pid]);
  await home.must(["touch", "stop"]);
  assert.deepEqual(await job.ending(), { code: 0, signal: null }, job.stdout + job.stderr);
  assert.equal(job.stdout, "ready\nOK\n");
});

Deno.test("timers keep their moments, their phase and every tick over a long freeze", async () => {
  await using bed = await Testbed.create({ hosts: 2, faults: true });
  await bed.startDaemons();
  const [home, away] = [bed.host(0), bed.host(1)];
  const env = { LB_FAULT: `${schema.faults.sourceMemory}:pause` };
  const job = await home.launchKnown(["timers"], { env });
  await job.output("ready\n");
  await home.migrate(job.pid, away);
  await sleep(200);
  await home.bringHome(job.pid);
  await home.must(["touch", "stop"]);
  assert.deepEqual(await job.ending(), { code: 0, signal: null }, job.stdout + job.stderr);
  assert.equal(job.stdout, "ready\nOK\n");
});

Deno.test("a program that does nothing but look at its clocks moves and comes home, and none is wrong", async () => {
  await using bed = await Testbed.create({ hosts: 3 });
  await bed.startDaemons();
  const [home, first, second] = [bed.host(0), bed.host(1), bed.host(2)];
  const job = await home.launchKnown(["clocks"]);
  await job.output("looking\n");
  // By then a second of CPU time that counts twice, or not at all, is seen.
  await sleep(1_000);
  for (let round = 0; round < 3; round++) {
    await home.migrate(job.pid, first);
    await home.migrate(job.pid, second);
    await home.bringHome(job.pid);
  }
  await job.kill("TERM");
  assert.deepEqual(await job.ending(), { code: 0, signal: null }, job.stdout + job.stderr);
});

Deno.test("a timer whose signal is blocked has one waiting with all its ticks, wherever its process goes", async () => {
  await using bed = await Testbed.create({ hosts: 3 });
  await bed.startDaemons();
  const [home, first, second] = [bed.host(0), bed.host(1), bed.host(2)];
  const job = await home.launchKnown(["ticks"]);
  await job.output("ready\n");
  let read = "ready\n".length;
  const ask = async (command: string): Promise<string> => {
    await job.write(`${command}\n`);
    await waitFor(`an answer to ${command}`, () => job.stdout.slice(read).includes("\n"));
    const answer = job.stdout.slice(read);
    read = job.stdout.length;
    return answer;
  };
  const takeAll = async (where: string) => {
    await sleep(500); // ticks that wait
    assert.equal(await ask("take"), "took 1 1 1, every tick\n", where);
  };
  const passTime = () => sleep(300);
  await takeAll("at home");
  await passTime();
  await home.migrate(job.pid, first);
  assert.equal(await ask("overrun"), "overrun as before\n", "away");
  await takeAll("away");
  await passTime();
  await home.migrate(job.pid, second);
  await passTime();
  assert.equal(await ask("overrun"), "overrun as before\n", "further away");
  await home.bringHome(job.pid);
  await takeAll("home again");
  await home.migrate(job.pid, first);
  await home.bringHome(job.pid);
  await takeAll("home again, with what waited there");
  await job.closeInput();
  assert.deepEqual(await job.ending(), { code: 0, signal: null }, job.stderr);
});
