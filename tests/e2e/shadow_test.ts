/**
 * `lb shadow`: a shadow by hand.
 *
 * For an image whose process went on or is gone.
 *
 * @module
 */
import assert from "node:assert/strict";
import { Testbed, waitFor } from "../testbed/mod.ts";

const lines = (count: number): string =>
  Array.from({ length: count }, (_, index) => `line ${index + 1}\n`).join("");

Deno.test("lb shadow serves an image whose process has ended, under the shadow's own PID", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  await bed.startDaemons();
  const [home, away] = [bed.host(0), bed.host(1)];
  const job = await home.launchKnown(["counter", "30", "--status", "6"]);
  await job.output("line 5\n");
  await home.must([
    ...["lb", "checkpoint", String(job.pid), "--output", "image", "--leave-running"],
  ]);
  await job.ending();

  const shadow = await home.spawn(["lb", "shadow", "image"]);
  await waitFor("the shadow", () => /waits at .*lb restart image/.test(shadow.stderr));
  await away.writeFile("image", await home.readFile("image"), 0o600);
  await shadow.closeInput();
  const restarted = await away.run(["timeout", "60", "lb", "restart", "image"]);
  assert.equal(restarted.code, 6, restarted.stderr);
  assert.deepEqual(await shadow.ending(), { code: 6, signal: null });
  // It goes on behind the line at which the image was written.
  assert.ok(shadow.stdout.length > 0);
  assert.ok(lines(30).endsWith(shadow.stdout), shadow.stdout);
  assert.ok(!shadow.stdout.includes("line 1\n"));
});

Deno.test("a process that goes on from an image comes home into the shadow of lb shadow", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  await bed.startDaemons();
  const [home, away] = [bed.host(0), bed.host(1)];
  const job = await home.launchKnown(["counter", "60", "--status", "5"]);
  await job.output("line 5\n");
  await home.must([
    ...["lb", "checkpoint", String(job.pid), "--output", "image", "--leave-running"],
  ]);
  await job.kill("KILL");
  await job.ending();
  const shadow = await home.spawn(["lb", "shadow", "image"]);
  await waitFor("the shadow", () => /waits at .*lb restart image/.test(shadow.stderr));
  await away.writeFile("image", await home.readFile("image"), 0o600);
  const restarted = await away.spawn(["timeout", "60", "lb", "restart", "image"]);
  await shadow.output(/line \d+\n/);
  for (let round = 0; round < 2; round++) {
    await home.bringHome(shadow.pid);
    if (round === 0) await restarted.ending();
    if (round === 0) await home.migrate(shadow.pid, away);
  }
  assert.deepEqual(await shadow.ending(), { code: 5, signal: null }, shadow.stderr);
  assert.ok(lines(60).endsWith(shadow.stdout), shadow.stdout);
});

Deno.test("a process is one and the same as its shadow: its file, name and descriptors", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  await bed.startDaemons();
  const [home, away] = [bed.host(0), bed.host(1)];
  const job = await home.launchKnown(["counter", "1000"]);
  await job.output("line 2\n");
  const look = async () =>
    await home.must(
      `readlink /proc/${job.pid}/exe; cat /proc/${job.pid}/comm; ls /proc/${job.pid}/task`,
    );
  const atHome = await look();
  for (let round = 0; round < 2; round++) {
    await home.migrate(job.pid, away);
    assert.deepEqual(await look(), atHome);
    await home.bringHome(job.pid);
    assert.deepEqual(await look(), atHome);
  }
  await job.kill("TERM");
  await job.ending();
});

Deno.test("lb restart goes on without a daemon on its own node", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  await bed.startDaemons();
  const [home, away] = [bed.host(0), bed.host(1)];
  await away.daemon.stop();
  const job = await home.launchKnown(["counter", "40"]);
  await job.output("line 5\n");
  await home.must(["lb", "checkpoint", String(job.pid), "--output", "image"]);
  await away.writeFile("image", await home.readFile("image"), 0o600);
  await job.closeInput();
  const restarted = await away.run(["timeout", "60", "lb", "restart", "image"]);
  assert.equal(restarted.code, 0, restarted.stderr);
  assert.deepEqual(await job.ending(), { code: 0, signal: null });
  assert.equal(job.stdout, lines(40));
});

Deno.test("lb shadow refuses what is not an image, and leaves it as it was", async () => {
  await using bed = await Testbed.create({ hosts: 1 });
  await bed.startDaemons();
  const home = bed.host(0);
  const text = "not an image\n".repeat(100);
  await home.writeFile("image", text, 0o600);
  const wrong = await home.run(["lb", "shadow", "image"]);
  assert.equal(wrong.code, 4);
  assert.match(wrong.stderr, /Cannot read image as it must be an image/);
  assert.equal(await home.readTextFile("image"), text);
});
