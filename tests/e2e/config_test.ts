/**
 * Config keys that reach into programs.
 *
 * The trigger's signal and what SIGTSTP does.
 *
 * @module
 */
import assert from "node:assert/strict";
import { Testbed, waitFor } from "../testbed/mod.ts";

Deno.test("with trigger-signal SIGWINCH a process moves, comes home and still sees its SIGWINCH", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  await bed.startDaemons({ extra: 'trigger-signal = "SIGWINCH"' });
  const [home, away] = [bed.host(0), bed.host(1)];
  const script = "trap 'echo winch' WINCH; echo ready; i=0; " +
    "while [ $i -lt 400 ]; do sleep 0.05; i=$((i+1)); done";
  const job = await home.launchKnown(["bash", "-c", script]);
  await job.output("ready\n");
  await job.kill("WINCH");
  await job.output("winch\n");
  const counter = await home.launchKnown(["counter", "60"]);
  await counter.output("line 3\n");
  const pid = String(counter.pid);
  await home.must(["lb", "migrate", pid, away.node]);
  await counter.output("line 10\n");
  await home.must(["lb", "home", pid]);
  await counter.output("line 15\n");
  await home.must(["lb", "migrate", pid, away.node]);
  assert.deepEqual(await counter.ending(), { code: 0, signal: null });
  await job.kill("KILL");
  await job.ending();
});

Deno.test('with sigtstp = "stop" SIGTSTP by hand stops a process, as without lb', async () => {
  await using bed = await Testbed.create({ hosts: 1 });
  await bed.startDaemons({ extra: 'sigtstp = "stop"' });
  const home = bed.host(0);
  const job = await home.launchKnown(["counter", "30"]);
  await job.output("line 3\n");
  await job.kill("TSTP");
  const state = async () =>
    /^State:\s+(\S)/m.exec(await home.must(["cat", `/proc/${job.pid}/status`]))?.[1];
  await waitFor("the job to stop", async () => await state() === "T");
  await job.kill("CONT");
  assert.deepEqual(await job.ending(), { code: 0, signal: null });
});

Deno.test("SIGHUP has the daemon read its config again; a wrong one changes nothing", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  await bed.startDaemons();
  const [home, away] = [bed.host(0), bed.host(1)];
  const jobs = [];
  for (let n = 0; n < 4; n++) jobs.push(await home.launchKnown(["counter", "80"]));
  const right = await home.readTextFile("lb.toml");
  await home.writeFile("lb.toml", `${right}frob = 1\n`);
  await home.must(["kill", "-HUP", String(home.daemon.pid)]);
  await home.daemon.waitForLog(/the config is not read again .*frob/);
  await home.writeFile("lb.toml", right); // commands read it as well
  assert.equal((await home.snapshot()).thresholds.thv, 1000);
  await home.writeFile("lb.toml", right.replace("thf = 500", "thf = 2").replace("1000", "3"));
  await home.must(["kill", "-HUP", String(home.daemon.pid)]);
  await home.daemon.waitForLog(/config read again .*thresholds/);
  await home.waitForSnapshot("state F", (s) => s.state === "F" && s.queueLength === 2);
  await away.waitForSnapshot("two guests", (s) => s.queueLength === 2);
  for (const job of jobs) assert.deepEqual(await job.ending(), { code: 0, signal: null });
});
