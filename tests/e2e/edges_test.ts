/**
 * What rarely happens in one program, under repeated moves.
 *
 * Registers, signals, clocks and memory of all kinds, and limits that are tighter than what a
 * shadow needs.
 *
 * @module
 */
import assert from "node:assert/strict";
import $ from "../../tools/commands.ts";
import { Testbed } from "../testbed/mod.ts";

Deno.test("a program that checks itself finds nothing, moved away and home again and again", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  await bed.startDaemons();
  const [home, away] = [bed.host(0), bed.host(1)];
  const env = { SELFCHECK_STOP: `${home.home}/stop` };
  const job = await home.launchKnown(["selfcheck", "600"], { env });
  for (let round = 0; round < 6; round++) {
    await home.migrate(job.pid, away);
    await home.bringHome(job.pid);
  }
  await home.must(["touch", "stop"]);
  assert.deepEqual(await job.ending(), { code: 0, signal: null }, job.stdout + job.stderr);
  assert.match(job.stdout, /^OK \d+ checks\n$/);
});

Deno.test("restartable sequences are aborted and tell their processor, wherever their program runs", async (t) => {
  await using bed = await Testbed.create({ hosts: 3 });
  await bed.startDaemons();
  const [home, away, next] = [bed.host(0), bed.host(1), bed.host(2)];
  const owners: [string, Record<string, string>][] = [
    ["its own", { GLIBC_TUNABLES: "glibc.pthread.rseq=0" }],
    ["the C library's", {}],
  ];
  for (const [owner, env] of owners) {
    await t.step(owner, async () => {
      await home.must(["rm", "-f", "stop"]);
      const job = await home.launchKnown(["restartable"], { env });
      await job.output("ready\n");
      await home.migrate(job.pid, away);
      await home.migrate(job.pid, next);
      await home.bringHome(job.pid);
      await home.migrate(job.pid, away);
      await home.must(["touch", "stop"]);
      assert.deepEqual(await job.ending(), { code: 0, signal: null }, job.stdout + job.stderr);
      // An older C library registers none.
      assert.ok(
        ["its own", owner].some((name) => job.stdout === `ready\nOK ${name}\n`),
        job.stdout,
      );
    });
  }
});

Deno.test("a program under tight limits moves, or stays as it was", async (t) => {
  await using bed = await Testbed.create({ hosts: 2 });
  await bed.startDaemons();
  const [home, away] = [bed.host(0), bed.host(1)];
  const lines = Array.from({ length: 30 }, (_, index) => `line ${index + 1}\n`).join("");
  const limits: [string, boolean][] = [
    ["ulimit -S -f 0", true],
    ["ulimit -S -d 7200", true],
    ["ulimit -S -v 9800", true],
    ["ulimit -n 64", true],
    ["ulimit -f 0", true],
    ["ulimit -d 7200", false],
    ["ulimit -v 9000", false],
  ];
  for (const [limit, moves] of limits) {
    await t.step(limit, async () => {
      const job = await home.launchKnown(["sh", "-c", `${limit}; exec counter 30`]);
      await job.output("line 2\n");
      const moved = await home.lb("migrate", String(job.pid), away.node);
      assert.equal(moved.code === 0, moves, moved.stderr);
      assert.deepEqual(await job.ending(), { code: 0, signal: null }, job.stderr);
      assert.equal(job.stdout, lines);
    });
  }
});

/** Opens all that it may, and answers each line of input by what it finds. */
const FULL = `
import errno,os,sys
def full():
  try: return os.open('/dev/null',os.O_RDONLY)
  except OSError as e: return errno.errorcode[e.errno]
def alive(n):
  try: return os.fstat(n) is not None
  except OSError: return False
while full()!='EMFILE': pass
print('ready',flush=True)
for line in sys.stdin:
  pid=os.fork()
  if pid==0: os._exit(7 if full()=='EMFILE' else 8)
  print(full(),sum(alive(n) for n in range(200)),os.waitpid(pid,0)[1]>>8,flush=True)
`;

Deno.test("a program that has all the descriptors that it may have moves, forks and comes home", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  await bed.startDaemons();
  const [home, away] = [bed.host(0), bed.host(1)];
  const job = await home.launchKnown(["sh", "-c", 'ulimit -S -n 64; exec python3 -c "$0"', FULL]);
  await job.output("ready\n");
  let said = "ready\n";
  for (let round = 0; round < 2; round++) {
    await home.migrate(job.pid, away);
    for (let fork = 0; fork < 2; fork++) {
      await job.write("\n");
      said += "EMFILE 64 7\n";
      await job.output(said);
    }
    await home.bringHome(job.pid);
    await job.write("\n");
    said += "EMFILE 64 7\n";
    await job.output(said);
  }
  await job.closeInput();
  assert.deepEqual(await job.ending(), { code: 0, signal: null }, job.stderr);
});

const hasOtherLibrary = await $.commandExists("musl-gcc");

Deno.test({
  name: "a program of another C library runs as if it were not launched" +
    (hasOtherLibrary ? "" : " (musl-gcc is not installed)"),
  ignore: !hasOtherLibrary,
  fn: async () => {
    await using bed = await Testbed.create({ hosts: 1 });
    await bed.startDaemons();
    const home = bed.host(0);
    const source = await Deno.readTextFile(new URL("../programs/sigtest.c", import.meta.url));
    await home.writeFile("sigtest.c", source);
    await home.must(["musl-gcc", "-D_GNU_SOURCE", "-o", "other", "sigtest.c"]);
    const job = await home.launch(["./other"]);
    await job.output(/^ready \d+\n/);
    await job.kill("USR1");
    await job.output(/^signal 10 from \d+\n/m);
    const { processes } = await home.snapshot();
    assert.deepEqual(
      processes.map(({ pid, cantmove }) => [pid, cantmove]),
      [[job.pid, "it uses another C library than glibc"]],
    );
    await job.kill("TERM");
    assert.deepEqual(await job.ending(), { code: 7, signal: null }, job.stderr);
  },
});
