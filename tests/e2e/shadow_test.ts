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
