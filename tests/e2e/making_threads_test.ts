/**
 * Threads that a program makes and ends where it runs.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type Host, Testbed } from "../testbed/mod.ts";
import { threadsMove } from "../testbed/torture.ts";

const COUNT = 300;

/** What it says where nothing happens to it. */
async function undisturbed(home: Host, last: string): Promise<string> {
  return await home.must(
    `mkdir -p bare && touch bare/go bare/on && cd bare && { maker ${COUNT} ${last} || [ $? = 7 ]; }`,
  );
}

for (const last of ["return", "exit", "pthread_exit"]) {
  Deno.test(`threads that are made away are what they are at home, and the program ends by ${last}`, async () => {
    await using bed = await Testbed.create({ hosts: 2 });
    await bed.startDaemons({ extra: threadsMove });
    const [home, away] = [bed.host(0), bed.host(1)];
    const wanted = await undisturbed(home, last);
    assert.doesNotMatch(wanted, /NO/);
    const job = await home.launchKnown(["maker", String(COUNT), last]);
    await job.output("ready\n");
    await home.migrate(job.pid, away);
    await home.must(["touch", "go"]);
    await job.output("detached threads have run\n");
    const { shadows } = await home.snapshot();
    assert.equal(shadows.find(({ pid }) => pid === job.pid)?.runsOn, away.node);
    await home.must(["touch", "on"]);
    assert.deepEqual(await job.ending(), { code: 7, signal: null }, job.stdout + job.stderr);
    assert.equal(job.stdout, wanted, job.stderr);
  });
}
