/**
 * Programs as Debian ships them, fed while they are moved.
 *
 * In three parts, away, home and away again: what they write must be byte for byte what an unmoved
 * run writes.
 *
 * @module
 */
import assert from "node:assert/strict";
import { haveNamespaces, type Host, Testbed } from "../testbed/mod.ts";

interface Case {
  /** The program that must be installed. */
  readonly program: string;
  /** Command of a shell, run in a directory of its own; PROGRAM stands for how it is started. */
  readonly command: (launch: string) => string;
  readonly input: readonly [string, string, string];
  /** Makes the program missing on the other host. */
  readonly hide?: string;
}

/** Lines of numbers that look random and are the same in each run. */
function numbers(seed: number, count: number): string {
  let state = seed;
  let text = "";
  for (let index = 0; index < count; index++) {
    state = state * 48271 % 2147483647;
    text += `${state % 1_000_000}\n`;
  }
  return text;
}

/** Three parts, each larger than a pipe holds, so that much of each is read where it then runs. */
function parts(make: (seed: number) => string): [string, string, string] {
  return [make(11), make(22), make(33)];
}

const PYTHON = `
import sys, os, hashlib, json, random, subprocess
start = os.getpid()
random.seed(5)
total = 0
with open("lines", "w") as out:
    for number, line in enumerate(sys.stdin):
        total += int(line) * random.randrange(10)
        out.write("%d %s" % (number, line))
        if number % 997 == 0:
            out.flush()
            os.makedirs("d/%d" % (number % 5), exist_ok=True)
            with open("d/%d/f" % (number % 5), "a") as f:
                f.write("%d %s\\n" % (number, json.dumps(os.stat("lines").st_size)))
            print(number, total, sorted(os.listdir("d")), flush=True)
assert os.getpid() == start
print(hashlib.sha256(open("lines", "rb").read()).hexdigest(), total)
print(subprocess.run(["wc", "-l", "lines"], capture_output=True, text=True).stdout)
`;

const cases: readonly Case[] = [
  {
    program: "python3",
    command: (launch) => `${launch} python3 ../script.py`,
    input: parts((seed) => numbers(seed, 20_000)),
  },
  {
    program: "perl",
    command: (launch) =>
      `${launch} perl -ne 'BEGIN{open F,">","out"} $h{$_%97}+=$_; print F "$. $_"; ` +
      `print scalar(keys %h)," $.\n" if $.%1000==0; END{print map{"$_ $h{$_}\n"} sort keys %h}'`,
    input: parts((seed) => numbers(seed, 20_000)),
  },
  {
    program: "gawk",
    command: (launch) =>
      `${launch} gawk '{s+=$1; c[$1%101]++; print NR, s > "out"} ` +
      `NR%500==0{print NR, s} END{for(i=0;i<101;i++) print i, c[i]}'`,
    input: parts((seed) => numbers(seed, 20_000)),
  },
  {
    program: "mawk",
    command: (launch) => `${launch} mawk '{s+=$1; print NR, s > "out"} END{print s}'`,
    input: parts((seed) => numbers(seed, 20_000)),
  },
  {
    program: "bc",
    command: (launch) => `${launch} bc -l`,
    input: parts((seed) =>
      `scale=60\n` + numbers(seed, 400).replaceAll(/(\d+)\n/g, "a($1)*sqrt($1)+e(-$1/1000000)\n") +
      "x=0\n".repeat(20_000)
    ),
    hide: "/usr/bin/bc",
  },
  {
    program: "xz",
    command: (launch) => `${launch} xz -T1 -c > out.xz`,
    input: parts((seed) => numbers(seed, 60_000)),
  },
  {
    program: "sha256sum",
    command: (launch) => `${launch} sha256sum`,
    input: parts((seed) => numbers(seed, 60_000)),
  },
  {
    program: "sort",
    command: (launch) => `${launch} sort -n --parallel=1 -S 300k -T . -o out`,
    input: parts((seed) => numbers(seed, 60_000)),
  },
  {
    program: "sqlite3",
    command: (launch) => `${launch} sqlite3 data.db`,
    input: parts((seed) =>
      `create table if not exists t(a integer, b text); begin;\n` +
      numbers(seed, 3_000).replaceAll(/(\d+)\n/g, "insert into t values($1, 'row $1');\n") +
      `commit; create index if not exists i on t(a); select count(*), sum(a) from t where a > 500;\n`
    ),
  },
];

async function feed(
  host: Host,
  directory: string,
  one: Case,
  between: (pid: number, part: number) => Promise<void>,
  launch: string,
): Promise<{ stdout: string; stderr: string; code: number; files: string }> {
  await host.must(["mkdir", directory]);
  const job = await host.spawn(["sh", "-c", `cd ${directory} && exec ${one.command(launch)}`]);
  for (const [part, text] of one.input.entries()) {
    await job.write(text);
    await between(job.pid, part);
  }
  await job.closeInput();
  const { code, signal } = await job.ending();
  assert.equal(signal, null, job.stderr);
  // The database counts its changes and stamps its version: what it holds is compared instead.
  const dump = `test ! -f data.db || sqlite3 data.db .dump; ` +
    `find . -type f ! -name data.db | sort | xargs -r sha256sum`;
  const files = await host.must(["sh", "-c", `cd ${directory} && ${dump}`]);
  return { stdout: job.stdout, stderr: job.stderr, code, files };
}

Deno.test("programs of the distribution write the same when they are moved", async (t) => {
  await using bed = await Testbed.create({ hosts: 2 });
  const [home, away] = [bed.host(0), bed.host(1)];
  await bed.startDaemons();
  await home.writeFile("script.py", PYTHON);
  for (const one of cases) {
    const missing = (await home.run(`command -v ${one.program}`)).code !== 0;
    await t.step({
      name:
        `${one.program}${one.hide === undefined ? "" : ", which the other host does not have"}` +
        (missing ? " (it is not installed)" : ""),
      ignore: missing || (one.hide !== undefined && !haveNamespaces),
      fn: async () => {
        if (one.hide !== undefined) await away.hide(one.hide);
        const plain = await feed(home, `plain-${one.program}`, one, async () => {}, "");
        let moves = 0;
        const moved = await feed(home, `moved-${one.program}`, one, async (pid, part) => {
          if (part === 0) await home.waitForProcess(pid);
          if (part === 1) await home.bringHome(pid);
          else await home.migrate(pid, away);
          moves++;
        }, "lb launch --");
        assert.equal(moves, 3);
        assert.equal(plain.code, 0, plain.stderr);
        assert.deepEqual(moved, plain);
      },
    });
  }
});

Deno.test("a program that computes and never reads is moved to and fro unharmed", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  const [home, away] = [bed.host(0), bed.host(1)];
  await bed.startDaemons();
  const script = `
import os, zlib
sieve = bytearray(b"\\x01") * 3_000_000
out = open("primes", "w")
for n in range(2, len(sieve)):
    if sieve[n]:
        sieve[n * n::n] = bytes(len(sieve[n * n::n]))
        out.write("%d\\n" % n)
out.close()
print(sum(sieve) - 2, zlib.crc32(open("primes", "rb").read()), os.path.getsize("primes"))
`;
  await home.writeFile("sieve.py", script.repeat(12));
  const plain = await home.must("python3 sieve.py && rm primes");
  const job = await home.launchKnown(["python3", "sieve.py"]);
  await home.migrate(job.pid, away);
  await home.bringHome(job.pid);
  await home.migrate(job.pid, away);
  assert.deepEqual(await job.ending(), { code: 0, signal: null }, job.stderr);
  assert.equal(job.stdout, plain);
});
