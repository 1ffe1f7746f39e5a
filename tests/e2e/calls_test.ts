/**
 * System calls away from home as at home.
 *
 * Results, errors and side effects.
 *
 * @module
 */
import assert from "node:assert/strict";
import $ from "../../tools/commands.ts";
import { type Host, Testbed } from "../testbed/mod.ts";

const program = await Deno.readTextFile(new URL("../programs/everycall.py", import.meta.url));

async function hasPython(): Promise<boolean> {
  return (await $`python3 --version`.quiet().noThrow()).code === 0;
}

/** Runs the program in a folder of its own; `meanwhile` runs before it makes its calls. */
async function run(host: Host, folder: string, meanwhile: (pid: number) => Promise<void>) {
  await host.must(["mkdir", folder]);
  const job = await host.spawn([
    ...["sh", "-c", `cd ${folder} && exec lb launch python3 ../everycall.py`],
  ]);
  await job.output("ready\n");
  await meanwhile(job.pid);
  await host.must(["touch", `${folder}/go`]);
  assert.deepEqual(await job.ending(), { code: 0, signal: null }, job.stderr);
  return job.stdout;
}

Deno.test({
  name: "a hundred calls, right and wrong, give the same away from home as at home",
  ignore: !await hasPython(),
  fn: async () => {
    await using bed = await Testbed.create({ hosts: 2 });
    await bed.startDaemons();
    const [home, away] = [bed.host(0), bed.host(1)];
    await home.must(["sh", "-c", `cat > everycall.py <<"END OF FILE"\n${program}\nEND OF FILE`]);
    const wanted = await run(home, "home", async () => {});
    const given = await run(home, "away", async (pid) => {
      await home.migrate(pid, away);
    });
    assert.ok(wanted.split("\n").length > 100, wanted);
    assert.deepEqual(given.split("\n"), wanted.split("\n"));
    assert.doesNotMatch(home.daemon.log, /came home/, "a call has no row in the table");
  },
});
