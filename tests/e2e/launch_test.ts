/**
 * A launch changes nothing for a program that does not move, whatever other libraries it is built with.
 *
 * @module
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { type Host, type Snapshot, Testbed } from "../testbed/mod.ts";

const counter = fileURLToPath(new URL("../programs/counter.c", import.meta.url));

/** Compiles a test program once more, with further options, onto a host; false: the compiler cannot. */
async function compileOnto(host: Host, name: string, options: readonly string[]): Promise<boolean> {
  const product = await Deno.makeTempFile();
  try {
    const args = ["-D_GNU_SOURCE", "-g", ...options, "-o", product, counter];
    const { success } = await new Deno.Command("cc", { args, stderr: "null" }).output();
    if (success) await host.writeFile(name, await Deno.readFile(product), 0o755);
    return success;
  } finally {
    await Deno.remove(product);
  }
}

Deno.test("programs with a sanitizer run as without lb, and are listed", async (t) => {
  await using bed = await Testbed.create({ hosts: 1 });
  const home = bed.host(0);
  await bed.startDaemons();
  const kinds: [name: string, options: string[], cantmove: RegExp | null][] = [
    ["asan", ["-fsanitize=address"], null],
    ["asan-static", ["-fsanitize=address", "-static-libasan"], null],
    ["ubsan", ["-fsanitize=undefined"], null],
    ["tsan", ["-fsanitize=thread"], /threads|library is not loaded/],
  ];
  for (const [name, options, cantmove] of kinds) {
    const isThere = await compileOnto(home, name, options);
    await t.step({
      name: name + (isThere ? "" : " (the compiler has none)"),
      ignore: !isThere,
      fn: async () => {
        const job = await home.launchKnown([`${home.home}/${name}`, "20", "--status", "3"]);
        const listed = (s: Snapshot) => s.processes.find(({ pid }) => pid === job.pid);
        await home.waitForSnapshot("whether it can move", (snapshot) => {
          const reason = listed(snapshot)?.cantmove;
          return cantmove === null ? reason === null : cantmove.test(reason ?? "");
        });
        assert.deepEqual(await job.ending(), { code: 3, signal: null }, job.stderr);
        assert.equal(job.stdout.match(/^line \d+$/gm)?.length, 20);
        assert.equal(job.stderr, "");
      },
    });
  }
});

Deno.test("a program sees of itself what it sees without lb", async () => {
  await using bed = await Testbed.create({ hosts: 1 });
  const home = bed.host(0);
  await bed.startDaemons();
  const bare = await home.must(["bystander"]);
  const launched = await home.must(["lb", "launch", "bystander"]);
  assert.equal(launched, bare); // the environment in its order, too
});
