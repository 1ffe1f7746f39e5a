/**
 * Images in files.
 *
 * Written, carried to another node, continued there and at home.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type Host, type Job, Testbed, waitFor } from "../testbed/mod.ts";

async function twoNodes(): Promise<Testbed> {
  const bed = await Testbed.create({ hosts: 2 });
  await bed.startDaemons();
  return bed;
}

async function checkpoint(home: Host, job: Job, ...options: string[]): Promise<void> {
  await home.must(["lb", "checkpoint", String(job.pid), "--output", "image", ...options]);
}

const lines = (count: number): string =>
  Array.from({ length: count }, (_, index) => `line ${index + 1}\n`).join("");

Deno.test("an image continues on another node, and its shadow at home ends as it does", async () => {
  await using bed = await twoNodes();
  const [home, away] = [bed.host(0), bed.host(1)];
  const job = await home.launchKnown(["counter", "30", "--file", "out", "--status", "5"]);
  await job.output("line 5\n");
  await checkpoint(home, job);
  const frozen = job.stdout;
  await away.writeFile("image", await home.readFile("image"), 0o600);
  assert.ok(job.running, "the shadow ended");
  assert.equal(job.stdout, frozen, "the process went on after its image was written");
  assert.match(await home.must(["lb", "ps"]), /counter +\(waits for restart\) /);
  const pid = String(job.pid);
  for (const args of [["migrate", pid], ["home", pid], ["checkpoint", pid, "-o", "again"]]) {
    const refused = await home.lb(...args);
    assert.equal(refused.code, 4, refused.stderr);
    assert.match(refused.stderr, /an image .*waits to be restarted\n +fix: .*`lb restart IMAGE`/);
  }
  await job.closeInput();
  const restarted = await away.run(["lb", "restart", "image"]);
  assert.deepEqual(
    { code: restarted.code, stdout: restarted.stdout },
    { code: 5, stdout: "" },
    restarted.stderr,
  );
  assert.deepEqual(await job.ending(), { code: 5, signal: null });
  assert.equal(job.stdout, lines(30));
  assert.equal(await home.readTextFile("out"), lines(30));
});

Deno.test("an image continues at home while its shadow waits", async () => {
  await using bed = await twoNodes();
  const home = bed.host(0);
  const job = await home.launchKnown(["counter", "30", "--file", "out"]);
  await job.output("line 5\n");
  await checkpoint(home, job);
  await job.closeInput();
  assert.equal((await home.run(["lb", "restart", "image"])).code, 0);
  assert.deepEqual(await job.ending(), { code: 0, signal: null });
  assert.equal(job.stdout, lines(30));
});

Deno.test("SIGTSTP from another process writes an image that goes on elsewhere", async () => {
  await using bed = await twoNodes();
  const [home, away] = [bed.host(0), bed.host(1)];
  const job = await home.launchKnown(["counter", "30", "--file", "out", "--status", "5"]);
  await job.output("line 5\n");
  await job.kill("TSTP");
  await home.waitForSnapshot("a waiting shadow", (s) => s.shadows[0]?.runsOn === null);
  const image = (await home.must("ls run/images/counter-*.img")).trim();
  assert.match(home.daemon.log, new RegExp(`checkpoint .*path=\\S*${image} outcome=written`));
  await away.writeFile("image", await home.readFile(image), 0o600);
  await job.closeInput();
  assert.equal((await away.run(["lb", "restart", "image"])).code, 5);
  assert.deepEqual(await job.ending(), { code: 5, signal: null });
  assert.equal(job.stdout, lines(30));
});

Deno.test("a checkpoint with --leave-running leaves the process running", async () => {
  await using bed = await twoNodes();
  const home = bed.host(0);
  const job = await home.launchKnown(["counter", "30"]);
  await job.output("line 5\n");
  await checkpoint(home, job, "--leave-running");
  assert.ok((await home.readFile("image")).length > 10_000);
  assert.deepEqual(await job.ending(), { code: 0, signal: null });
  assert.equal(job.stdout, lines(30));
});

Deno.test("an image is continued once: a second restart is refused", async () => {
  await using bed = await twoNodes();
  const [home, away] = [bed.host(0), bed.host(1)];
  const job = await home.launchKnown(["counter", "40"]);
  await job.output("line 3\n");
  await checkpoint(home, job);
  await away.writeFile("image", await home.readFile("image"), 0o600);
  const { length } = job.stdout;
  const first = await away.spawn(["lb", "restart", "image"]);
  await waitFor("a line of the first", () => job.stdout.length > length);
  const second = await home.run(["timeout", "60", "lb", "restart", "image"]);
  assert.notEqual(second.code, 0);
  assert.notEqual(second.code, 124, "the second restart waits for ever");
  assert.deepEqual(await job.ending(), { code: 0, signal: null });
  assert.equal((await first.ending()).code, 0);
  assert.equal(job.stdout, lines(40));
});

Deno.test("an image cut short or changed is refused before anything runs", async () => {
  await using bed = await twoNodes();
  const home = bed.host(0);
  const job = await home.launchKnown(["counter", "40"]);
  await job.output("line 3\n");
  await checkpoint(home, job);
  const image = await home.readFile("image");
  await home.writeFile("short", image.slice(0, image.length >> 1));
  await home.writeFile("empty", "");
  await home.writeFile("other", "#!/bin/sh\nexit 0\n".repeat(1000));
  for (const name of ["short", "empty", "other", "missing"]) {
    const result = await home.run(["timeout", "60", "lb", "restart", name]);
    assert.ok(result.code > 0 && result.code !== 124, `${name}: ${result.code}`);
    assert.match(result.stderr, /^lb: Cannot /m, `${name}: ${result.stderr}`);
  }
  await job.closeInput();
  assert.equal((await home.run(["lb", "restart", "image"])).code, 0);
  assert.deepEqual(await job.ending(), { code: 0, signal: null });
  assert.equal(job.stdout, lines(40));
});
