/**
 * A thousand small checks of system calls.
 *
 * The log of a process that is launched, of one that runs away from home, and of one that is moved
 * to and fro meanwhile, are that of a process without lb.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type Host, type Job, sleep, Testbed } from "../testbed/mod.ts";

const SEED = 20240917;
/** Reasons of a move that did not take place, but may the next time. */
const NOT_NOW = /did not answer within|it runs here already|it has 1 child|has children/;
/** Milliseconds between two checks while the process is moved to and fro. */
const PAUSE = "2";

/** Starts the program in a folder of its own; it waits for the file "go" in it. */
async function start(host: Host, folder: string, command: string): Promise<Job> {
  await host.must(["mkdir", folder]);
  const line = ["sh", "-c", `cd ${folder} && exec ${command}`];
  const job = await host.spawn(line);
  await job.output("ready\n");
  return job;
}

async function finish(host: Host, folder: string, job: Job): Promise<string[]> {
  await job.output("parts at any place end\n", 60_000);
  await host.must(["touch", `${folder}/rest`]);
  assert.deepEqual(await job.ending(), { code: 0, signal: null }, job.stdout + job.stderr);
  return job.stdout.split("\n");
}

/** What differs, with the part that it is in: a diff of a thousand lines helps nobody. */
function assertSame(given: readonly string[], wanted: readonly string[]): void {
  const findings: string[] = [];
  let part = "";
  wanted.forEach((line, index) => {
    if (line.startsWith("----")) part = line;
    if (given[index] === line) return;
    findings.push(
      `${part} line ${index + 1}\n  without lb  ${line}\n  with it     ${given[index]}`,
    );
  });
  assert.equal(findings.length, 0, findings.slice(0, 40).join("\n"));
  assert.equal(given.length, wanted.length);
}

/** Numbers from 0 up to `max`, the same in each run. */
function* numbers(seed: number, max: number): Generator<number> {
  for (let state = seed;;) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    yield (state >>> 8) % max;
  }
}

Deno.test("each check of calls gives launched, away from home, and moved meanwhile, what it gives without lb", async (t) => {
  await using bed = await Testbed.create({ hosts: 2 });
  await bed.startDaemons();
  const [home, away] = [bed.host(0), bed.host(1)];
  const jobs = [
    await start(home, "bare", "conformity"),
    await start(home, "two", "lb launch conformity"),
    await start(home, "six", `lb launch conformity ${PAUSE}`),
    await start(home, "one", "lb launch conformity"),
  ] as const;
  await home.must(["touch", "bare/go"]);
  const running = finish(home, "bare", jobs[0]);

  await t.step("at home", async () => {
    await home.must(["touch", "one/go"]);
    assertSame(await finish(home, "one", jobs[3]), await running);
  });

  await t.step("away", async () => {
    await home.waitForProcess(jobs[1].pid);
    await home.migrate(jobs[1].pid, away);
    await home.must(["touch", "two/go"]);
    await jobs[1].output("parts at any place end\n", 60_000);
    const guests = (await away.snapshot()).processes.map(({ shadowPid }) => shadowPid);
    assert.deepEqual(guests, [jobs[1].pid], `it came home:\n${home.daemon.log}`);
    const wanted = await running;
    assert.ok(wanted.length > 1000, wanted.join("\n"));
    assertSame(await finish(home, "two", jobs[1]), wanted);
  });

  await t.step("to and fro", async () => {
    const delays = numbers(SEED, 300);
    await home.waitForProcess(jobs[2].pid);
    await home.must(["touch", "six/go"]);
    let moves = 0;
    while (!jobs[2].stdout.includes("parts at any place end\n")) {
      await sleep(delays.next().value ?? 0);
      const order = moves % 2 === 0
        ? ["migrate", String(jobs[2].pid), away.node]
        : ["home", String(jobs[2].pid)];
      const { code, stderr } = await home.lb(...order);
      // It may have ended meanwhile, and a slow machine may not keep up: then nothing has happened.
      assert.ok(code === 0 || !jobs[2].running || NOT_NOW.test(stderr), stderr);
      if (code === 0) moves++;
    }
    assert.ok(moves >= 4, `${moves} moves`);
    assertSame(await finish(home, "six", jobs[2]), await running);
  });
});

Deno.test("a program whose file was replaced finds its own at /proc/self/exe, away as at home", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  await bed.startDaemons();
  const [home, away] = [bed.host(0), bed.host(1)];
  const run = async (folder: string, meanwhile: (pid: number) => Promise<void>) => {
    await home.must(`mkdir ${folder} && cp $(command -v conformity) ${folder}/checks`);
    const line = `cd ${folder} && exec lb launch ./checks 0 program`;
    const job = await home.spawn(["sh", "-c", line]);
    await job.output("ready\n");
    await home.waitForProcess(job.pid);
    await meanwhile(job.pid);
    await home.must(
      `cd ${folder} && cp /bin/true other && mv other checks && touch go rest`,
    );
    assert.deepEqual(await job.ending(), { code: 0, signal: null }, job.stdout + job.stderr);
    return job.stdout.split("\n");
  };
  const wanted = await run("home", async () => {});
  assert.ok(wanted.includes("link: /checks (deleted)"), wanted.join("\n"));
  assertSame(await run("away", (pid) => home.migrate(pid, away)), wanted);
});
