/**
 * A launch changes nothing for a program that stays.
 *
 * Whatever other libraries it is built with.
 *
 * @module
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import $ from "../../tools/commands.ts";
import { schema } from "../../lib/wire/schema.ts";
import { type Host, type Snapshot, Testbed } from "../testbed/mod.ts";

const counter = fileURLToPath(new URL("../programs/counter.c", import.meta.url));

/** Compiles a test program once more, with further options, onto a host; false: the compiler cannot. */
async function compileOnto(
  host: Host,
  name: string,
  options: readonly string[],
  compiler = "cc",
): Promise<boolean> {
  const product = await Deno.makeTempFile();
  try {
    const args = ["-D_GNU_SOURCE", "-g", ...options, "-o", product, counter];
    // 127 where there is no such compiler.
    const success = (await $`${compiler} ${args}`.quiet().noThrow()).code === 0;
    if (success) await host.writeFile(name, await Deno.readFile(product), 0o755);
    return success;
  } finally {
    await Deno.remove(product);
  }
}

Deno.test("programs with a sanitizer run as without lb, and move where they can", async (t) => {
  await using bed = await Testbed.create({ hosts: 2 });
  const [home, away] = [bed.host(0), bed.host(1)];
  await bed.startDaemons();
  const kinds: [name: string, options: string[], cantmove: RegExp | null][] = [
    ["asan", ["-fsanitize=address"], null],
    ["asan-static", ["-fsanitize=address", "-static-libasan"], null],
    ["ubsan", ["-fsanitize=undefined"], null],
    ["tsan", ["-fsanitize=thread"], /threads|it is built with libtsan/],
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
        if (cantmove === null) await home.migrate(job.pid, away);
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

Deno.test("what lb leaves alone is said once, listed, and told to whoever asks", async (t) => {
  await using bed = await Testbed.create({ hosts: 2 });
  const [home, away] = [bed.host(0), bed.host(1)];
  await bed.startDaemons();
  const kinds: [name: string, compiler: string, options: string[], reason: string][] = [
    ["static", "cc", ["-static"], "is statically linked"],
    ["musl", "musl-gcc", [], "uses another C library than glibc"],
    ["old", "cc", ["-m32"], "is not a 64-bit x86 program"],
  ];
  for (const [name, compiler, options, reason] of kinds) {
    const path = `${home.home}/${name}`;
    const isThere = await compileOnto(home, name, options, compiler);
    await home.writeFile(`${name}-script`, `#!${path} --file\n`, 0o755); // its own
    await t.step({
      name: name + (isThere ? "" : " (the compiler cannot)"),
      ignore: !isThere,
      fn: async () => {
        const said = `lb: ${path} runs here without balancing as it ${reason}\n`;
        const script = `lb: ${path}-script runs here without balancing as it is a script of ` +
          `${path}, which ${reason}\n`;
        for (
          const [argv, stderr] of [[[path, "1000"], said], [[`${path}-script`, "1000"], script]]
        ) {
          const job = await home.launchKnown(argv as string[]);
          await job.output("line 1\n");
          const { processes } = await home.snapshot();
          const listed = processes.find(({ pid }) => pid === job.pid);
          assert.deepEqual([listed?.program, listed?.cantmove], [name, `it ${reason}`]);
          const moved = await home.lb("migrate", String(job.pid), away.node);
          assert.notEqual(moved.code, 0);
          assert.match(moved.stderr, new RegExp(`it ${reason}`));
          assert.match(await home.must(["lb", "why", String(job.pid)]), new RegExp(`it ${reason}`));
          await job.kill("TERM");
          assert.equal((await job.ending()).signal, "SIGTERM");
          assert.equal(job.stderr, stderr);
          await home.waitForSnapshot("an empty list", (s) => s.processes.length === 0);
        }
        // What a launched shell becomes is listed with the same words.
        const child = await home.launchKnown(["sh", "-c", `exec ${path} 1000`]);
        await home.waitForSnapshot(
          "the reason",
          (s) =>
            s.processes.some((one) => one.pid === child.pid && one.cantmove === `it ${reason}`),
        );
        await child.kill("TERM");
        await child.ending();
      },
    });
  }
});

Deno.test("no variable of the user's means anything to lb", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  const [home, away] = [bed.host(0), bed.host(1)];
  await bed.startDaemons();
  const faults = Object.values(schema.faults).map((number) => `${number}:kill`);
  for (const state of ["0", "3", "960", "x"]) {
    const env = { LB_TRY: "1", LB_STATE: state, LB_FAULT: faults.shift() ?? "", LB_CONTROL: "/x" };
    // The descriptor that LB_STATE names is a file, with a shadow's state for all that its beginning says.
    const start =
      'printf "bLSTATE1\\\\003\\\\000\\\\000\\\\000" > state; exec "$@" 3<> state 960<> state';
    const argv = ["bash", "-c", start, "bash", "lb", "launch", "counter", "20", "--status", "4"];
    const job = await home.spawn(argv, { env });
    await home.waitForProcess(job.pid);
    await home.migrate(job.pid, away);
    await home.bringHome(job.pid);
    assert.deepEqual(await job.ending(), { code: 4, signal: null }, job.stderr);
    assert.equal(job.stdout.match(/^line \d+$/gm)?.length, 20);
    const seen = await home.run(["lb", "launch", "env"], { env });
    for (const [name, value] of Object.entries(env)) {
      assert.ok(seen.stdout.includes(`${name}=${value}\n`), name);
    }
  }
});
