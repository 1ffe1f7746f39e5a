/**
 * Broken configs, half-open connections, wiped and unusable directories.
 *
 * Each is reported, none hurts.
 *
 * @module
 */
import assert from "node:assert/strict";
import { haveNamespaces, Testbed } from "../testbed/mod.ts";

/** Exit code of an error in the config, as the help texts have it. */
const CONFIG_ERROR = 3;

Deno.test("an error in the config is told with file, line and a way out", async () => {
  await using bed = await Testbed.create({ hosts: 1 });
  const host = bed.host(0);
  const broken: [string, RegExp][] = [
    ['listen = "127.0.0.2"\ncolour = "red"\n', /lb\.toml:2\b[^]*colour|colour[^]*lb\.toml:2\b/],
    ['listen = "127.0.0.2"\n[thresholds]\nthu = 5\nthf = 3\nthv = 9\n', /th[uf]/],
    ["listen = 9734\n", /listen/],
    ['listen = "127.0.0.2:99999"\n', /listen/],
    ['select = "heaviest"\n', /select/],
    ["frequency = 0\n", /frequency/],
    ["listen = \n", /lb\.toml/],
  ];
  for (const [text, wanted] of broken) {
    await host.writeFile("lb.toml", text);
    for (const command of [["daemon"], ["ps"], ["launch", "--", "true"]]) {
      const result = await host.run(["timeout", "60", "lb", ...command]);
      const what = `lb ${command[0]} with ${text}: ${result.code} ${result.stderr}`;
      assert.equal(result.code, command[0] === "launch" ? 125 : CONFIG_ERROR, what);
      assert.match(result.stderr, wanted, what);
      assert.match(result.stderr, /fix: /, what);
    }
  }
});

Deno.test("a daemon is not held up by connections that say nothing or stop half way", async () => {
  await using bed = await Testbed.create({ hosts: 2, programs: "all" });
  const [home, away] = [bed.host(0), bed.host(1)];
  await bed.startDaemons();
  // Sixty connections that stay open: some silent, some with the beginning of a frame.
  const script = `for i in $(seq 60); do exec {fd}<>/dev/tcp/${home.address}/9734; ` +
    `test $((i % 3)) = 0 || printf 'H\\x01\\x00\\x00\\x40' >&$fd; done; echo open; sleep 60`;
  const silent = await away.spawn(["bash", "-c", script]);
  await silent.output("open\n");
  const job = await home.launchKnown(["counter", "50", "--status", "2"]);
  await home.migrate(job.pid, away);
  assert.deepEqual(await job.ending(), { code: 2, signal: null });
  assert.equal((await home.snapshot()).associated[0]?.state, "U");
});

Deno.test("programs are launched and moved after the extracted parts were wiped", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  const [home, away] = [bed.host(0), bed.host(1)];
  await bed.startDaemons();
  for (const host of bed.hosts) await host.must("rm -rf .cache run/*.so");
  const job = await home.launchKnown(["counter", "50", "--status", "2"]);
  await home.migrate(job.pid, away);
  await home.bringHome(job.pid);
  assert.deepEqual(await job.ending(), { code: 2, signal: null });
  assert.equal(job.stdout.split("\n").length, 51);
});

Deno.test({
  name: "where no directory allows execution it is told, and another one may be named",
  ignore: !haveNamespaces,
  fn: async () => {
    await using bed = await Testbed.create({ hosts: 1 });
    const host = bed.host(0);
    await host.startDaemon();
    await host.daemon.stop();
    await host.must("rm -rf .cache run/*");
    await host.must(["mount", "-o", "remount,noexec", "/home"], { asRoot: true });
    const refused = await host.run(["timeout", "60", "lb", "daemon"]);
    assert.equal(refused.code, 4, refused.stderr);
    assert.match(refused.stderr, /^lb: Cannot [^]*exec[^]*\n +fix: [^]*LB_LIBDIR/);
    await host.must("mkdir -m 700 /tmp/parts");
    const env = { LB_LIBDIR: "/tmp/parts" };
    const daemon = await host.spawn(["lb", "daemon"], { env });
    await daemon.output("READY");
    const result = await host.run(["lb", "launch", "--", "counter", "1"], { env });
    assert.deepEqual([result.code, result.stdout], [0, "line 1\n"], result.stderr);
    await daemon.kill("TERM");
    assert.equal((await daemon.ending()).code, 0);
  },
});
