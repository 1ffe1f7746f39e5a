/**
 * Calls, waits and jumps under a storm of signals.
 *
 * While the process moves.
 *
 * @module
 */
import assert from "node:assert/strict";
import { Testbed } from "../testbed/mod.ts";
import { flood } from "../testbed/flood.ts";

const SECONDS = 12;
const FLOOD_SECONDS = 12;
const MOVES = 10;
/** SIGRTMIN + 2 as the C library counts: each one of these must arrive. */
const SIGNAL = 36;

Deno.test("no call and no signal is lost or seen twice in a storm of signals and moves", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  await bed.startDaemons();
  const [home, away] = [bed.host(0), bed.host(1)];
  const job = await home.launch(["storm", String(SECONDS)]);
  await job.output("ready\n");
  const sending = home.must([
    "sh",
    "-c",
    [
      "n=0; end=$(($(date +%s) + 6))",
      `while [ $(date +%s) -lt $end ] && kill -${SIGNAL} ${job.pid}; do n=$((n + 1)); kill -URG ${job.pid}; done`,
      "echo $n",
    ].join("; "),
  ]);
  for (let move = 0; move < MOVES; move++) {
    if (move % 2 === 0) await home.migrate(job.pid, away);
    else await home.bringHome(job.pid);
  }
  const sent = String(await sending).trim();
  assert.deepEqual(await job.ending(), { code: 0, signal: null }, job.stdout + job.stderr);
  assert.equal(job.stdout, `ready\nOK signals ${sent}\n`);
});

Deno.test("calls at full speed and 2000 signals a second lose nothing when the process moves", async () => {
  const { moves, words } = await flood(FLOOD_SECONDS, Math.random);
  assert.ok(moves >= 2, `${moves} moves`);
  assert.match(words, /^OK calls [1-9]/);
});
