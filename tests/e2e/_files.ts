/**
 * Random calls on files of a program that is moved.
 *
 * Each is compared with a model in its memory (tests/programs/filemodel.py).
 *
 * @module
 */
import assert from "node:assert/strict";
import { type Host, type Job, sleep } from "../testbed/mod.ts";

/** Moves a program that has a child now and then, while which it stays at home. */
async function moveBetweenForks(home: Host, job: Job, away: Host): Promise<void> {
  for (let attempt = 0;; attempt++) {
    try {
      return await home.migrate(job.pid, away);
    } catch (error) {
      if (attempt === 20 || !/it has 1 child/.test(String(error))) throw error;
    }
  }
}

/** Runs it in a folder of `home`; it ends by itself where a result is not the model's. */
export async function modelFiles(
  home: Host,
  away: Host,
  folder: string,
  seed: string,
): Promise<void> {
  const script = await Deno.readTextFile(new URL("../programs/filemodel.py", import.meta.url));
  const job = await home.launchKnown(["python3", "-c", script, seed, `${folder}/files${seed}`]);
  await job.output("ready\n");
  for (let i = 0; i < 5; i++) {
    await moveBetweenForks(home, job, away);
    await sleep(400);
    await home.bringHome(job.pid);
  }
  await moveBetweenForks(home, job, away);
  await sleep(2000);
  await home.must(["kill", String(job.pid)]);
  assert.deepEqual(await job.ending(), { code: 0, signal: null }, job.stderr);
  assert.match(job.stdout, /^ready\n\d+ calls\n$/);
}
