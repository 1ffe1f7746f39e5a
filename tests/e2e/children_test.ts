/**
 * Children of a process that has moved.
 *
 * They are made, and it stays where it is.
 *
 * @module
 */
import assert from "node:assert/strict";
import $ from "../../tools/commands.ts";
import { type Host, type Job, sleep, Testbed, waitFor } from "../testbed/mod.ts";

const [spawner, forks, script] = await Promise.all(
  ["spawner.py", "forks.py", "forks.sh"].map((name) =>
    Deno.readTextFile(new URL(`../programs/${name}`, import.meta.url))
  ),
) as [string, string, string];

async function has(program: string): Promise<boolean> {
  return (await $`${program} -c ""`.quiet().noThrow()).code === 0;
}

async function twoNodes(): Promise<Testbed> {
  const bed = await Testbed.create({ hosts: 2 });
  await bed.startDaemons();
  return bed;
}

/** Runs a program that prints "ready", waits for a line, works, and prints "done"; returns all it printed. */
async function work(job: Job, home: Host, away: Host | undefined): Promise<string> {
  await job.output("ready\n");
  if (away !== undefined) await home.migrate(job.pid, away);
  await job.write("\n");
  await job.output("done\n", 60_000);
  if (away !== undefined) {
    assert.doesNotMatch(home.daemon.log, /came home/);
    assert.equal((await away.snapshot()).queueLength, 1, "it does not run away from home");
  }
  await job.closeInput();
  assert.deepEqual(await job.ending(), { code: 5, signal: null }, job.stderr);
  return job.stdout;
}

Deno.test("children that share memory with a moved process are as at home", async () => {
  await using bed = await twoNodes();
  const [home, away] = [bed.host(0), bed.host(1)];
  const wanted = await work(await home.launchKnown(["spawner", "1"]), home, undefined);
  assert.match(wanted, /spawn directory: Permission denied\n/);
  const given = await work(await home.launchKnown(["spawner", "1"]), home, away);
  assert.deepEqual(given.split("\n"), wanted.split("\n"));
});

Deno.test({
  name: "Python's subprocesses of a moved process are as at home",
  ignore: !await has("python3"),
  fn: async () => {
    await using bed = await twoNodes();
    const [home, away] = [bed.host(0), bed.host(1)];
    await home.writeFile("spawner.py", spawner);
    const launch = () => home.launchKnown(["python3", "spawner.py", "1"]);
    const wanted = await work(await launch(), home, undefined);
    assert.match(wanted, /returncode=0, stdout='BY RUN\\n'/);
    const given = await work(await launch(), home, away);
    assert.deepEqual(given.split("\n"), wanted.split("\n"));
  },
});

for (
  const [program, file, source, ...rest] of [
    ["python3", "forks.py", forks, "1", "40"],
    ["bash", "forks.sh", script, "1"],
    ["dash", "forks.sh", script, "1"],
  ] as const
) {
  Deno.test({
    name: `what ${program} forks away from home is as at home`,
    ignore: !await has(program),
    fn: async () => {
      await using bed = await twoNodes();
      const [home, away] = [bed.host(0), bed.host(1)];
      await home.writeFile(file, source);
      const launch = () => home.launchKnown([program, file, ...rest]);
      const wanted = await work(await launch(), home, undefined);
      const given = await work(await launch(), home, away);
      assert.deepEqual(given.split("\n"), wanted.split("\n"));
    },
  });
}

Deno.test("a child in its parent's place: orders and signals wait, and each end is told", async (t) => {
  await using bed = await Testbed.create({ hosts: 3 });
  await bed.startDaemons();
  const [home, away, other] = [bed.host(0), bed.host(1), bed.host(2)];

  /** Starts a job that is in its child now, away from home; returns the PID of that child. */
  const begin = async (): Promise<[Job, number]> => {
    const job = await home.launchKnown(["spawner", "hold"]);
    await job.output("ready\n");
    await home.migrate(job.pid, away);
    await job.write("\n");
    const [, child] = await job.output(/child (\d+)\n/);
    return [job, Number(child)];
  };
  const gone = async (pid: number): Promise<void> => {
    await waitFor(`the end of PID ${pid}`, async () => {
      return (await home.run(["kill", "-0", String(pid)])).code !== 0;
    });
  };

  for (const [name, order, host] of [["home", "home", home], ["on", "migrate", other]] as const) {
    await t.step(`a signal, and an order to go ${name}`, async () => {
      const [job] = await begin();
      await job.kill("USR1");
      const to = order === "migrate" ? [other.node] : [];
      const ordered = home.lb(order, String(job.pid), ...to);
      await sleep(300);
      assert.equal((await away.snapshot()).queueLength, 1);
      await job.write("\n");
      const result = await ordered;
      assert.equal(result.code, 0, result.stderr);
      await job.output("held: exit 9\nhits 1\ndone\n");
      await host.waitForSnapshot("the process", (s) => s.queueLength === 1);
      await job.closeInput();
      assert.deepEqual(await job.ending(), { code: 5, signal: null }, job.stderr);
    });
  }
  await t.step("the child is killed", async () => {
    const [job, child] = await begin();
    await home.must(["kill", "-TERM", String(child)]);
    await job.output("held: signal 15\nhits 0\ndone\n");
    await job.closeInput();
    assert.deepEqual(await job.ending(), { code: 5, signal: null }, job.stderr);
  });
  await t.step("the parent is killed at home", async () => {
    const [job, child] = await begin();
    await job.kill("KILL");
    assert.equal((await job.ending()).signal, "SIGKILL");
    await gone(child);
    await away.waitForSnapshot("no guest", (s) => s.queueLength === 0);
  });
  await t.step("the guest is killed on its node", async () => {
    const [job, child] = await begin();
    const [guest] = (await away.snapshot()).processes;
    await away.must(["kill", "-KILL", String(guest?.pid)]);
    assert.equal((await job.ending()).signal, "SIGKILL");
    await gone(child);
  });
});

Deno.test({
  name: "a child that was forked away from home outlives its parent",
  ignore: !await has("bash"),
  fn: async () => {
    await using bed = await twoNodes();
    const [home, away] = [bed.host(0), bed.host(1)];
    await home.must(["mkfifo", "pipe"]);
    const child = "(echo child $BASHPID; read x <&3; echo on its own; read x <&3; exit 0)";
    const script = `exec 3<>pipe; echo ready; read x; ${child} & wait`;
    const job = await home.launchKnown(["bash", "-c", script]);
    await job.output("ready\n");
    await home.migrate(job.pid, away);
    await job.write("\n");
    const [, pid] = await job.output(/child (\d+)\n/);
    await job.kill("KILL");
    await away.waitForSnapshot("no guest", (s) => s.queueLength === 0);
    await home.waitForProcess(Number(pid));
    await home.migrate(Number(pid), away);
    await home.must("echo >pipe");
    await job.output("on its own\n");
    assert.equal((await away.snapshot()).queueLength, 1);
    await home.must("echo >pipe");
    assert.equal((await job.ending()).signal, "SIGKILL");
  },
});
