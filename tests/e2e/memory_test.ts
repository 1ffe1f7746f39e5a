/**
 * Memory after a move is what it was: of the same kind, with the same attributes, from the same files.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type Job, Testbed } from "../testbed/mod.ts";

/** What the program tells of itself when it is asked for the first, second, ... time. */
async function told(job: Job, time: number): Promise<string[]> {
  await job.write(`${time}\n`);
  const [, text = ""] = await job.output(new RegExp(`begin ${time}\n([^]*?)end ${time}\n`));
  return text.split("\n");
}

Deno.test("each page, and the process, has the same attributes after each move", async () => {
  await using bed = await Testbed.create({ hosts: 3 });
  await bed.startDaemons();
  const [home, near, far] = [bed.host(0), bed.host(1), bed.host(2)];
  const job = await home.launchKnown(["mapflags"]);
  await job.output("ready\n");
  const wanted = await told(job, 1);
  await home.migrate(job.pid, near);
  assert.deepEqual(await told(job, 2), wanted, "on the first node");
  const guest = (await near.snapshot()).processes[0]?.pid;
  const path = `/proc/${guest}/`;
  assert.equal(await near.readTextFile(`${path}oom_score_adj`), "200\n");
  assert.equal(await near.readTextFile(`${path}coredump_filter`), "0000003f\n");
  await near.migrate((await near.snapshot()).processes[0]?.pid ?? 0, far);
  assert.deepEqual(await told(job, 3), wanted, "on the second node");
  await home.bringHome(job.pid);
  assert.deepEqual(await told(job, 4), wanted, "at home again");
  await job.closeInput();
  assert.deepEqual(await job.ending(), { code: 0, signal: null });
});

Deno.test("a process does not move where it may not lock its memory, and hears why", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  await bed.startDaemons();
  const [home, away] = [bed.host(0), bed.host(1)];
  await away.must(["prlimit", "--memlock=4096:4096", "--pid", String(away.daemon.pid)]);
  const job = await home.launchKnown(["mapflags"]);
  await job.output("ready\n");
  const wanted = await told(job, 1);
  const { code, stderr } = await home.lb("migrate", String(job.pid), away.node);
  assert.notEqual(code, 0);
  assert.match(stderr, /more memory is locked than the limit there allows/);
  assert.deepEqual(await told(job, 2), wanted);
  await job.closeInput();
  assert.deepEqual(await job.ending(), { code: 0, signal: null });
});
