/**
 * How long a move freezes a process.
 *
 * What is reserved or a hole does not make it longer, and is as it was wherever the process runs;
 * what would take too long is not begun.
 *
 * @module
 */
import assert from "node:assert/strict";
import { haveNamespaces, type Host, noNamespacesReason, Testbed } from "../testbed/mod.ts";

/** Says that it is to look, and asks that all is well. */
async function look(job: Awaited<ReturnType<Host["launch"]>>, times: number): Promise<void> {
  await job.write("look\n");
  await job.output(new RegExp(`^(?:[^]*\n){${times + 1}}`), 20_000);
  assert.equal(job.stdout, `ready\n${"ok\n".repeat(times)}`, job.stderr);
}

/** Bytes that the last move of a process from this host has sent. */
function sentBytes(host: Host): number {
  const moves = [...host.daemon.log.matchAll(/ move process=.* outcome=moved .* bytes=(\d+) /g)];
  return Number(moves.at(-1)?.[1]);
}

for (
  const argv of [
    ["sparse", "reserve", "16000"],
    ["sparse", "reserve", "81920"], // nearly all below the program
    ["sparse", "filemap", "2400"],
    ["sparse", "guards"],
  ]
) {
  Deno.test(`${argv.join(" ")} moves on, home and away again as it is`, async () => {
    await using bed = await Testbed.create({ hosts: 3 });
    await bed.startDaemons();
    const [home, away, next] = [bed.host(0), bed.host(1), bed.host(2)];
    const plain = await home.launchKnown(["sparse", "plain"]);
    await plain.output("ready\n");
    await home.migrate(plain.pid, away);
    const bytes = sentBytes(home);
    const job = await home.launchKnown(argv);
    await job.output(/^(ready|none)\n/);
    if (job.stdout === "none\n") return; // no kernel with guard pages
    await home.migrate(job.pid, away);
    assert.ok(sentBytes(home) < 1.5 * bytes, `${sentBytes(home)} bytes, ${bytes} of a plain one`);
    if (argv[1] === "filemap") {
      assert.equal(await home.must(["sparse", "lock", "sparse.data"]), "locked\n");
    }
    await look(job, 1);
    await home.migrate(job.pid, next);
    await look(job, 2);
    await home.bringHome(job.pid);
    await look(job, 3);
    await home.migrate(job.pid, away);
    await look(job, 4);
    for (const one of [job, plain]) {
      await one.closeInput();
      assert.deepEqual(await one.ending(), { code: 0, signal: null }, one.stdout);
    }
    assert.match(job.stdout, /^the end$/m);
  });
}

Deno.test({
  name: "a process that would not arrive in time does not stand still for a move" +
    (haveNamespaces ? "" : ` (${noNamespacesReason})`),
  ignore: !haveNamespaces,
  fn: async () => {
    await using bed = await Testbed.create({ hosts: 2, megabitsPerSecond: 16 });
    await bed.startDaemons();
    const [home, away] = [bed.host(0), bed.host(1)];
    const small = await home.launchKnown(["sparse", "plain"]);
    await small.output("ready\n");
    await home.migrate(small.pid, away);
    const large = await home.launchKnown(["sparse", "own", "100"]);
    await large.output("ready\n");
    const { code, stderr } = await home.lb("migrate", String(large.pid), away.node);
    assert.notEqual(code, 0);
    assert.match(stderr, /it would stand still for \d+ s, more than the 41 s that a move may take/);
    assert.doesNotMatch(home.daemon.log, / move process=.* outcome=aborted /);
    await look(large, 1);
  },
});
