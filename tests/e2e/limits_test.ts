/**
 * Limits on memory count what the program has.
 *
 * Wherever it runs, not what `lb` adds to it there.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type Host, type Job, Testbed } from "../testbed/mod.ts";

/** Of `ulimit -v`: little more than the program and its C library need. */
const LIMIT_KIB = 112 << 10;
/** What the library keeps at home: the pages of the kernel's vdso, which it has moved. */
const VDSO_BYTES_MAX = 64 << 10;

interface Look {
  readonly pages: number;
  readonly dataPages: number;
  /** The rest of the line: limits and sizes as the program is told them. */
  readonly told: string;
}

async function start(host: Host, limit: string, megabytes = 1): Promise<Job> {
  await host.must("rm -f look end");
  const job = await host.spawn(["lb", "launch", "bash", "-c", `${limit}; exec room ${megabytes}`]);
  await job.output("ready\n");
  await host.waitForProcess(job.pid);
  return job;
}

/** What the program says of itself now: its line number `count`. */
async function look(host: Host, job: Job, count: number): Promise<Look> {
  await host.must("touch look");
  const lines = await job.output(new RegExp(`^(?:[^]*?room (.*)\\n){${count}}`));
  const match = /^(\d+) (\d+) (.*)$/.exec(lines[1] ?? "");
  assert.ok(match, job.stdout);
  return { pages: Number(match[1]), dataPages: Number(match[2]), told: match[3] ?? "" };
}

Deno.test("a program with a limit on its address space has the same room away from home, and again at home", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  await bed.startDaemons();
  const [home, away] = [bed.host(0), bed.host(1)];
  const limits = [[`ulimit -v ${LIMIT_KIB}`, 100], [`ulimit -d ${LIMIT_KIB}`, 100], [
    "ulimit -l 7168",
    1,
  ]] as const;
  for (const [limit, megabytes] of limits) {
    const job = await start(home, limit, megabytes);
    const first = await look(home, job, 1);
    await home.migrate(job.pid, away);
    assert.deepEqual(await look(home, job, 2), first, limit);
    await home.bringHome(job.pid);
    const again = await look(home, job, 3);
    const lostBytes = Math.abs(first.pages - again.pages) * 4096;
    assert.ok(lostBytes <= VDSO_BYTES_MAX, `${first.pages} pages, then ${again.pages}`);
    await home.migrate(job.pid, away);
    assert.deepEqual(await look(home, job, 4), first, limit);
    await home.must("touch end");
    assert.deepEqual(await job.ending(), { code: 0, signal: null }, job.stderr);
    assert.match(job.stdout, /deep 1/);
  }
});

Deno.test("a node where a limit on memory is lower than the program's is told as the reason, and nothing happens", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  await bed.startDaemons();
  const [home, away] = [bed.host(0), bed.host(1)];
  const job = await start(home, "ulimit -s 12288");
  await away.must(["prlimit", "--pid", String(away.daemon.pid), "--stack=8388608:8388608"]);
  const { code, stderr } = await home.lb("migrate", String(job.pid), away.node);
  assert.equal(code, 4, stderr);
  assert.match(stderr, /a limit on memory there is lower than the program's/);
  const first = await look(home, job, 1);
  assert.match(first.told, /^limits/);
  await home.must("touch end");
  assert.deepEqual(await job.ending(), { code: 0, signal: null }, job.stderr);
});
