/**
 * Nothing hangs and nothing lingers.
 *
 * Orders that cannot be carried out are answered, one process's order does not wait for another's,
 * and what has ended leaves no trace.
 *
 * @module
 */
import assert from "node:assert/strict";
import { Testbed, waitFor } from "../testbed/mod.ts";

/** Ends its main thread and goes on in another, for a minute. */
const LEADERLESS = `
import ctypes, threading, time
threading.Thread(target=time.sleep, args=(60,)).start()
print("begun", flush=True)
ctypes.CDLL(None).pthread_exit(None)`;

/** Accepts connections at an address, and says nothing. */
const SILENT = `
import socket, sys, time
listener = socket.create_server((sys.argv[1], 0))
print(listener.getsockname()[1], flush=True)
time.sleep(60)`;

/** Of an order that is carried out, or refused, at once; an idle machine needs a fraction of it. */
const AT_ONCE_MS = 5_000;

Deno.test("a process whose main thread has ended stays, and says so at once", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  const [home, away] = [bed.host(0), bed.host(1)];
  await bed.startDaemons();
  const odd = await home.launchKnown(["python3", "-c", LEADERLESS]);
  await odd.output("begun");
  await waitFor("the end of its main thread", async () => {
    const stat = await home.must(["cat", `/proc/${odd.pid}/stat`]);
    return / Z /.test(stat) || undefined;
  });
  const other = await home.launchKnown(["counter", "600"]);
  const beganMs = performance.now();
  const [refused] = await Promise.all([
    home.lb("migrate", String(odd.pid), away.node),
    home.migrate(other.pid, away),
  ]);
  assert.ok(performance.now() - beganMs < AT_ONCE_MS);
  assert.equal(refused.code, 4);
  assert.match(refused.stderr, /its main thread has ended/);
  const { processes } = await home.snapshot();
  assert.match(processes[0]?.cantmove ?? "", /its main thread has ended/);
});

Deno.test("an order whose destination is silent keeps no other process's order waiting", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  const [home, away] = [bed.host(0), bed.host(1)];
  await bed.startDaemons();
  const silent = await home.spawn(["python3", "-c", SILENT, home.address]);
  const [, port] = await silent.output(/^(\d+)\n/m);
  const [first, second] = [
    await home.launchKnown(["counter", "600"]),
    await home.launchKnown(["counter", "600"]),
  ];
  let isOver = false;
  const stuck = home.lb("migrate", String(first.pid), `${home.address}:${port}`)
    .finally(() => isOver = true);
  await waitFor("its offer", async () => {
    const { processes } = await home.snapshot();
    return processes.some(({ movingTo }) => movingTo !== null) || undefined;
  });
  await home.migrate(second.pid, away);
  assert.ok(!isOver, "it does not wait for the first");
  const { code, stderr } = await stuck;
  assert.equal(code, 4);
  assert.match(stderr, /it did not answer|no answer in/);
});

Deno.test("a process that has just come home may leave again at once", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  const [home, away] = [bed.host(0), bed.host(1)];
  await bed.startDaemons();
  const job = await home.launchKnown(["counter", "6000"]);
  const id = String(job.pid);
  await home.migrate(job.pid, away);
  const both = `lb home ${id} && lb migrate ${id} ${away.node}`;
  await home.must(`for i in 1 2 3 4 5 6 7 8 9 10 11 12; do ${both} || exit 1; done`);
  // Asked for where it runs, it comes home as well; then home itself sends it away.
  for (let round = 0; round < 4; round++) {
    const guest = (await away.snapshot()).processes[0]?.pid;
    await away.must(["lb", "home", String(guest)]);
    await home.migrate(job.pid, away);
  }
});

for (const victim of ["program", "keeper"]) {
  Deno.test(`an image that was restarted at home leaves nothing when its ${victim} is killed`, async () => {
    await using bed = await Testbed.create({ hosts: 1 });
    const home = bed.host(0);
    await bed.startDaemons();
    const job = await home.launchKnown(["counter", "6000"]);
    await job.output("line 5\n");
    await home.must(["lb", "checkpoint", String(job.pid), "--output", "image"]);
    const restarted = await home.spawn(["lb", "restart", "image"]);
    const { processes } = await home.waitForSnapshot("it runs", (s) => s.processes.length === 1);
    const pid = victim === "keeper" ? restarted.pid : processes[0]?.pid;
    await home.must(["kill", "-KILL", String(pid)]);
    assert.equal((await job.ending()).signal, "SIGKILL");
    await restarted.ending();
    await home.waitForSnapshot(
      "nothing",
      (s) => s.processes.length === 0 && s.shadows.length === 0 && s.queueLength === 0,
    );
    assert.equal((await home.lb("leave")).code, 0);
  });
}

for (const command of ["shadow", "restart"]) {
  Deno.test(`lb ${command} refuses an image that is not whole, and leaves it as it was`, async () => {
    await using bed = await Testbed.create({ hosts: 1 });
    const home = bed.host(0);
    await bed.startDaemons();
    const job = await home.launchKnown(["counter", "6000"]);
    await job.output("line 5\n");
    await home.must(["lb", "checkpoint", String(job.pid), "--output", "image", "--leave-running"]);
    const { size } = await Deno.stat(home.outside("image"));
    for (const kept of [400, 2_000, Math.floor(size / 2), size - 8]) {
      await home.must(`head -c ${kept} image > part`);
      const refused = await home.run(["timeout", "60", "lb", command, "part"]);
      assert.equal(refused.code, 4, `${kept} of ${size}: ${refused.stderr}`);
      assert.match(
        refused.stderr,
        /Cannot read part as it must be an image: it ends in the middle/,
      );
      assert.equal(await home.must(`head -c ${kept} image | cmp - part`), "");
    }
  });
}
