/**
 * Databases, compilers, shells and interpreters that are moved.
 *
 * They do what they do unmoved, byte for byte; `npm run soak -- programs SECONDS` does it longer.
 *
 * @module
 */
import assert from "node:assert/strict";
import { Testbed } from "../testbed/mod.ts";
import { forkers } from "../testbed/forkers.ts";
import { blockIo, comparePrograms, ioTrace, missingOf, programs } from "../testbed/programs.ts";

Deno.test("programs that are moved while they work do the same as unmoved", async (t) => {
  await using bed = await Testbed.create({ hosts: 2 });
  const [home, away] = [bed.host(0), bed.host(1)];
  await bed.startDaemons();
  for (
    const program of [...programs, ...forkers.slice(0, 2), ioTrace(1, 4, 300), blockIo(1, 8, 300)]
  ) {
    const absent = await missingOf(home, program);
    await t.step({
      name: program.name + (absent === undefined ? "" : ` (${absent} is not installed)`),
      ignore: absent !== undefined,
      fn: async () => {
        await comparePrograms(program, { home, away, seed: 1 });
      },
    });
  }
});

/** Go has a handler for SIGURG, on a stack of its own, and sends that signal to its threads; with cgo it has glibc's. */
const goSource = `package main
import "C"
import ("fmt"; "runtime"; "time")
func main() {
  x := uint64(1)
  go func() { for { runtime.GC(); time.Sleep(1e6) } }()
  for begin := time.Now(); time.Since(begin) < 5e8; {
    for i := 0; i < 1000000; i++ { x = x*6364136223846793005 + 1 }
  }
  fmt.Println("ok", x != 0)
}`;

Deno.test("a Go program that uses cgo does the same launched as without lb", async (t) => {
  await using bed = await Testbed.create({ hosts: 1 });
  const home = bed.host(0);
  await bed.startDaemons();
  const absent = (await home.run(["sh", "-c", "command -v go && command -v cc"])).code !== 0;
  await t.step({
    name: absent ? "go or a C compiler is not installed" : "go",
    ignore: absent,
    fn: async () => {
      await home.must(
        `export GOCACHE=$PWD/cache GO111MODULE=off CGO_ENABLED=1; echo '${goSource}' > main.go; go build main.go`,
      );
      for (const command of [["./main"], ["lb", "launch", "./main"]]) {
        assert.equal(await home.must(command), "ok true\n");
      }
    },
  });
});

/** Programs that share memory by their nature, when they can be asked, and why they stay. */
const staying: readonly {
  name: string;
  argv: string[];
  input: string;
  ready: RegExp;
  why: RegExp;
}[] = [
  {
    name: "sqlite3",
    argv: ["sqlite3", "wal.db"],
    input: "pragma journal_mode=wal; create table t(a); insert into t values(1); select 'ready';\n",
    ready: /ready\n/,
    why: /it has shared writable memory: .*-shm/,
  },
  // Whatever its options: its state lies in shared memory, and a helper thread prints it. blockio stands in for it.
  {
    name: "fio",
    argv:
      "fio --name=a --rw=randrw --bs=4k --size=2m --ioengine=psync --verify=crc32c --loops=1000 --eta=never"
        .split(" "),
    input: "",
    ready: /^/,
    why: /threads|shared/,
  },
];

Deno.test("databases and benches that share memory stay at home, and say why", async (t) => {
  await using bed = await Testbed.create({ hosts: 2 });
  const [home, away] = [bed.host(0), bed.host(1)];
  await bed.startDaemons();
  for (const { name, argv, input, ready, why } of staying) {
    const absent = (await home.run(["sh", "-c", `command -v ${name}`])).code !== 0;
    await t.step({
      name: name + (absent ? " (it is not installed)" : ""),
      ignore: absent,
      fn: async () => {
        const job = await home.launchKnown(argv);
        await job.write(input);
        await job.output(ready);
        await home.waitForSnapshot("its reason", ({ processes }) => {
          return processes.length > 0 &&
            processes.every(({ cantmove }) => why.test(cantmove ?? ""));
        });
        const { code, stderr } = await home.lb("migrate", String(job.pid), away.node);
        assert.equal(code, 4, stderr);
        assert.match(stderr, why);
        assert.match(stderr, /\n +fix: /);
        if (name === "sqlite3") {
          await job.write(
            "insert into t values(2); pragma integrity_check; select sum(a) from t;\n",
          );
          await job.closeInput();
          assert.deepEqual(await job.ending(), { code: 0, signal: null });
          assert.equal(job.stdout, "wal\nready\nok\n3\n");
        } else {
          await job.kill("TERM");
          await job.ending();
        }
      },
    });
  }
});
