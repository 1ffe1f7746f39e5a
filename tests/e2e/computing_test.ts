/**
 * Programs with threads in a node's load.
 *
 * What computes counts, what sleeps does not, by every policy but the thesis's.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type Host, type SnapshotProcess, Testbed } from "../testbed/mod.ts";

const sharing = { select: "age-cost", extra: 'policy = "sharing"' };

/** A crowd's figures, once it has been looked at for so long that they are those of the last seconds. */
async function figures(host: Host, computing: number, pid: number): Promise<SnapshotProcess> {
  const isRight = (process: SnapshotProcess) =>
    process.pid === pid && process.threads !== undefined && process.threads.all > 1 &&
    Math.abs(process.threads.computing - computing) < 0.4;
  const { processes } = await host.waitForSnapshot(
    `${computing} that compute`,
    (snapshot) => snapshot.processes.some(isRight),
    60_000,
  );
  const found = processes.find(isRight);
  assert.ok(found !== undefined);
  return found;
}

Deno.test("lb ps tells how many threads of a program compute, and they are its load", async () => {
  await using bed = await Testbed.create({ hosts: 1, programs: "all" });
  const [one] = [bed.host(0)];
  await bed.startDaemons(sharing);
  const pool = await one.launchKnown(["crowd", "0", "20", "600"]);
  const busy = await one.launchKnown(["crowd", "4", "30", "600"]);
  const asleep = await figures(one, 0, pool.pid);
  assert.deepEqual([asleep.threads?.all, asleep.weight], [21, 1]);
  const awake = await figures(one, 4, busy.pid);
  assert.deepEqual([awake.threads?.all, awake.weight], [35, 4], "as many as run or wait");
  const { queueLength, load } = await one.snapshot();
  assert.deepEqual([queueLength, load], [2, 5]);
  const table = await one.must(["lb", "ps"]);
  assert.match(table, new RegExp(`^ *${busy.pid} +crowd .* 4/35 `, "m"));
  assert.match(table, new RegExp(`^ *${pool.pid} +crowd .* 0/21 `, "m"));
  const picture = await one.must(["lb", "monitor", "--once"]);
  assert.match(picture, /queue length 2, which weighs 5 by its threads$/m);
});

Deno.test("by the thesis's policy a program counts as one, whatever its threads do", async () => {
  await using bed = await Testbed.create({ hosts: 1, programs: "all" });
  const one = bed.host(0);
  await bed.startDaemons();
  const busy = await one.launchKnown(["crowd", "3", "2", "600"]);
  const { threads, weight } = await figures(one, 3, busy.pid);
  assert.deepEqual([threads?.all, weight], [6, 1]);
  assert.equal((await one.snapshot()).load, 1);
});

Deno.test("threads that have no room on another node are said to keep their program", async () => {
  await using bed = await Testbed.create({ hosts: 2, programs: "all" });
  const one = bed.host(0);
  const thresholds = { thu: 0, thf: 1, thv: 2 };
  await bed.startDaemons({
    thresholds,
    select: "age-cost",
    extra: 'policy = "sharing"\ncores = 2',
  });
  const busy = await one.launchKnown(["crowd", "4", "2", "600"]);
  await figures(one, 4, busy.pid);
  const { state, processes } = await one.waitForSnapshot("it to be over", (s) => s.state === "V");
  assert.equal(state, "V", "four threads on two cores");
  assert.match(
    processes[0]?.noRoom ?? "",
    /no room for its 4 computing threads at .*: 2 of 2 cores/,
  );
});
