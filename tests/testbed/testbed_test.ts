/**
 * The testbed itself.
 *
 * Hosts are apart, joined by the network, and leave nothing behind.
 *
 * @module
 */
import assert from "node:assert/strict";
import { haveNamespaces, Testbed, waitFor } from "./mod.ts";

async function processesWith(text: string): Promise<number> {
  let found = 0;
  for await (const entry of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(entry.name)) continue;
    const line = await Deno.readTextFile(`/proc/${entry.name}/cmdline`).catch(() => "");
    if (line.includes(text)) found++;
  }
  return found;
}

Deno.test({
  name: "a testbed runs programs as an ordinary user without capabilities",
  ignore: !haveNamespaces,
  fn: async () => {
    await using bed = await Testbed.create({ hosts: 1 });
    const status = await bed.host(0).must("cat /proc/self/status");
    assert.match(status, /^CapEff:\s+0+$/m);
    assert.doesNotMatch(status, /^Uid:\s+0\s/m);
  },
});

Deno.test("a testbed's job keeps its PID, takes input, and tells how it ended", async () => {
  await using bed = await Testbed.create({ hosts: 1 });
  const job = await bed.host(0).spawn(["reader"]);
  await job.write("hello\n");
  await job.output(`${job.pid} 1 hello`);
  await job.closeInput();
  assert.deepEqual(await job.ending(), { code: 0, signal: null });
  const other = await bed.host(0).spawn(["sleeper", "60"]);
  await other.kill("SEGV");
  assert.equal((await other.ending()).signal, "SIGSEGV");
});

Deno.test({
  name: "a testbed's hosts share no file, no PID and no host name, and reach each other",
  ignore: !haveNamespaces,
  fn: async () => {
    await using bed = await Testbed.create({ hosts: 2 });
    const [one, two] = [bed.host(0), bed.host(1)];
    await one.writeFile("only-here", "text");
    assert.equal(await one.must("cat only-here; hostname"), "texthost0\n");
    assert.notEqual((await two.run("cat only-here")).code, 0);
    assert.equal((await two.run("matmul 2")).code, 127);
    assert.equal((await one.run("test $(ls -d /proc/[0-9]* | wc -l) -lt 10")).code, 0);
    await one.hide("/usr/bin/bc");
    assert.notEqual((await one.run("echo 1 | bc")).code, 0);
    assert.equal(await two.must("echo 1+1 | bc"), "2\n");
    const talk = `exec 3<>/dev/tcp/${one.address}/4000; read -r line <&3; echo "$line"`;
    const listener = await one.spawn(["perl", "-MIO::Socket", "-e", LISTENER]);
    await listener.output("listening");
    assert.equal(await two.must(["bash", "-c", talk]), "hello\n");
  },
});

/** Sends a line to each that connects. */
const LISTENER = `$s=IO::Socket::INET->new(LocalPort=>4000,Listen=>5,ReuseAddr=>1) or die; $|=1;` +
  ` print "listening\\n"; while($c=$s->accept){print $c "hello\\n";close $c}`;

Deno.test({
  name: "a testbed cuts a link without a word, and restores it",
  ignore: !haveNamespaces,
  fn: async () => {
    await using bed = await Testbed.create({ hosts: 2 });
    const talk = `exec 3<>/dev/tcp/${bed.host(0).address}/4000 && read -r line <&3`;
    const listener = await bed.host(0).spawn(["perl", "-MIO::Socket", "-e", LISTENER]);
    await listener.output("listening");
    await bed.host(0).cut();
    assert.equal((await bed.host(1).run(["timeout", "1", "bash", "-c", talk])).code, 124);
    await bed.host(0).restore();
    assert.equal((await bed.host(1).run(["timeout", "5", "bash", "-c", talk])).code, 0);
  },
});

Deno.test("killing a host ends all that runs on it and nothing on the others", async () => {
  await using bed = await Testbed.create({ hosts: 2, programs: "all" });
  const first = await bed.host(0).spawn(["sleeper", "3333"]);
  const second = await bed.host(1).spawn(["sleeper", "3333"]);
  await bed.host(0).kill();
  assert.equal((await first.ending()).signal, "SIGKILL");
  assert.ok(second.running);
});

/** Leaves its group, its session, its environment, its name and its descriptors. */
const STRAY = `use POSIX; exit if fork; setsid; exit if fork; $0 = "$ARGV[0]"; chdir "/"; ` +
  `close $_ for *STDIN, *STDOUT, *STDERR; exec {"/usr/bin/env"} "env", "-i", "perl", "-e", ` +
  `'$0 = shift; fork; sleep 4444 while 1', $ARGV[0]`;

for (const loopback of haveNamespaces ? [false, true] : [true]) {
  const where = loopback ? " without namespaces" : "";
  Deno.test(`a testbed leaves no process${where}`, async () => {
    const mark = `lb-testbed-mark-${Deno.pid}-${loopback}`;
    let leftMs = 0;
    {
      await using bed = await Testbed.create({ hosts: 1, loopback });
      await bed.host(0).must(["perl", "-e", STRAY, mark]);
      await waitFor("both", async () => await processesWith(mark) === 2);
      await bed.host(0).spawn(["sleeper", "4444"]);
      leftMs = performance.now();
    }
    assert.equal(await processesWith(mark), 0);
    assert.ok(performance.now() - leftMs < 5_000, "its disposal waits");
  });

  Deno.test(`a testbed's host tells its own processes from others'${where}`, async () => {
    await using bed = await Testbed.create({ hosts: 2, loopback, programs: "all" });
    const [first, second] = [
      await bed.host(0).spawn(["sleeper", "4444"]),
      await bed.host(1).spawn(["sleeper", "4444"]),
    ];
    await waitFor("an exec", async () => (await bed.host(1).pidsOf("sleeper")).length > 0);
    assert.deepEqual(await bed.host(0).pidsOf("sleeper"), [first.pid]);
    assert.deepEqual(await bed.host(1).pidsOf("sleeper"), [second.pid]);
    assert.deepEqual(await bed.host(0).pidsOf("nosuchprogram"), []);
  });

  Deno.test(`a testbed's programs can be stopped by SIGTSTP${where}`, async () => {
    // Whoever runs the tests may itself be in an orphaned process group (setpgid(2)).
    await using bed = await Testbed.create({ hosts: 1, loopback });
    const job = await bed.host(0).spawn(["sleeper", "4444"]);
    await job.kill("TSTP");
    await waitFor(
      "it stops",
      async () => /^State:\s+T/m.test(await bed.host(0).must(["cat", `/proc/${job.pid}/status`])),
    );
  });
}

Deno.test("a testbed's programs start with no signal ignored", async () => {
  // Those of Deno's own commands among them, and those of a job in a script or under nohup.
  for (const loopback of haveNamespaces ? [false, true] : [true]) {
    await using bed = await Testbed.create({ hosts: 1, loopback });
    assert.match(await bed.host(0).must(["cat", "/proc/self/status"]), /^SigIgn:\s+0+$/m);
  }
});

Deno.test("a test that fails shows its own message before that of its disposal", async () => {
  const failing = async () => {
    await using _bed = {
      [Symbol.asyncDispose]: () => Promise.reject(new Error("the disposal's")),
    };
    throw new Error("the test's own");
  };
  const error = await failing().catch((error) => error);
  assert.match(Deno.inspect(error), /the test's own[^]*the disposal's/);
});

Deno.test({
  name: "a testbed's host gets its part of a CPU, and what it used is counted",
  ignore: !haveNamespaces,
  fn: async () => {
    await using bed = await Testbed.create({ hosts: 1 });
    const [host] = bed.hosts;
    assert.ok(host !== undefined);
    try {
      await host.limitCpu({ fraction: 0.25, periodUs: 10_000, first: true });
    } catch (error) {
      assert.match(String(error), /the cpu controller is not enabled/);
      return;
    }
    const before = await host.cpuUse(), startMs = performance.now();
    assert.match(await host.must(["burn", "0.5"]), /^used 0\.5/);
    const after = await host.cpuUse(), passedMs = performance.now() - startMs;
    const usedMs = after.usedMs - before.usedMs;
    assert.ok(usedMs >= 500 && usedMs < 0.25 * passedMs + 10, `${usedMs} ms in ${passedMs} ms`);
    assert.ok(after.throttled > before.throttled && after.periods >= after.throttled);
  },
});
