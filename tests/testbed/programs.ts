/**
 * Real programs, run once unmoved and once moved.
 *
 * At moments that a seed chooses. Both runs must leave the same output, the same files and the
 * same exit status.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type Host, type Job, sleep, waitFor } from "./mod.ts";

/** One program, or several that work together. */
export interface Program {
  readonly name: string;
  /** What must be installed. */
  readonly needs: readonly string[];
  /** A library that its compiler must find besides. */
  readonly library?: string;
  /** What else must be there, and a command of a shell that fails where it is not. */
  readonly probe?: { readonly name: string; readonly command: string };
  /** Files that both runs find in their directory. */
  readonly files?: Readonly<Record<string, string>>;
  /** Makes more of them, by a shell, before either run. */
  readonly prepare?: string;
  /** Command of bash; `launch` stands before what is to be moved, and is empty for the other run. */
  readonly command: (launch: string) => string;
  /** What it reads, in parts; something is moved after each of them. */
  readonly input: readonly string[];
  /** Name of the process that is moved; undefined: any that can be, each time. */
  readonly moves: string | undefined;
  /** It starts others: a process may refuse to move while it has children, or needs its home for them. */
  readonly forks?: true;
  /** Command of bash that shows what it has made. @default sums of all files */
  readonly shows?: string;
}

/** What a run left. */
export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
  readonly files: string;
  readonly moves: number;
}

/** Numbers that look random and are the same for each seed. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed % 2147483646 + 1;
  }

  below(limit: number): number {
    // Lehmer's generator, Park and Miller 1988.
    this.#state = this.#state * 48271 % 2147483647;
    return this.#state % limit;
  }
}

/** Lines of numbers. */
export function numbers(seed: number, count: number): string {
  const random = new Random(seed);
  return Array.from({ length: count }, () => `${random.below(1_000_000)}\n`).join("");
}

const SUMS = `find . -type f | LC_ALL=C sort | xargs -r sha256sum`;
/** After so long a process that is to be moved is not coming any more. */
const FIND_MS_MAX = 20_000;
/** At most so long after its input the process is moved: in the middle of what it does with it. */
const DELAY_MS = 60;

interface Found {
  readonly pid: number;
  readonly away: boolean;
}

/** The processes of `home` with this name, or all that can be moved. */
async function findProcesses(home: Host, name: string | undefined): Promise<Found[]> {
  const { processes, shadows } = await home.snapshot();
  const wanted = (program: string) => name === undefined || program === name;
  return [
    ...shadows.filter(({ program }) => wanted(program)).map(({ pid }) => ({ pid, away: true })),
    ...processes
      .filter(({ program, cantmove }) => wanted(program) && (name !== undefined || !cantmove))
      .map(({ pid }) => ({ pid, away: false })),
  ];
}

async function move(home: Host, away: Host, { pid, away: isAway }: Found): Promise<string> {
  const args = isAway ? ["home", String(pid)] : ["migrate", String(pid), away.node];
  const { code, stderr } = await home.lb(...args);
  return code === 0 ? "" : stderr;
}

/** Moves one process of the program's; for a named one it waits, and unless it ends it must be moved. */
async function moveOne(
  { home, away, program, job, random, last }: {
    home: Host;
    away: Host;
    program: Program;
    job: Job;
    random: Random;
    /** It has all its input, and may end at any moment. */
    last: boolean;
  },
): Promise<boolean> {
  if (program.moves === undefined) {
    const found = await findProcesses(home, undefined);
    const chosen = found[random.below(Math.max(1, found.length))];
    return chosen !== undefined && await move(home, away, chosen) === "";
  }
  const [found] = await waitFor(`a process "${program.moves}"`, async () => {
    if (!job.running) {
      if (last) return [];
      throw new Error(`${program.name} ended early: ${job.stdout}\n${job.stderr}`);
    }
    const all = await findProcesses(home, program.moves);
    return all.length > 0 ? all : undefined;
  }, { timeoutMs: FIND_MS_MAX });
  if (found === undefined) return false;
  const failure = await move(home, away, found);
  if (last) return failure === "";
  if (program.forks && /it has \d+ child/.test(failure)) return false;
  assert.equal(failure, "", `${program.name}: ${failure}\n${home.daemon.log.slice(-2000)}`);
  return true;
}

/** Names what is not installed of that which it needs. */
export async function missingOf(home: Host, program: Program): Promise<string | undefined> {
  for (const name of program.needs) {
    if ((await home.run(["sh", "-c", `command -v ${name}`])).code !== 0) return name;
  }
  const { library, probe } = program;
  // The compiler answers with the bare name if it has none.
  const find = `[ -e "$(gcc -print-file-name=${library})" ]`;
  if (library !== undefined && (await home.run(["sh", "-c", find])).code !== 0) return library;
  if (probe !== undefined && (await home.run(["sh", "-c", probe.command])).code !== 0) {
    return probe.name;
  }
  return undefined;
}

/** Runs it in a new directory below `folder`; moves it if `away` is given. */
export async function runProgram(
  program: Program,
  { home, away, seed, folder = "." }: { home: Host; away?: Host; seed: number; folder?: string },
): Promise<Outcome> {
  const directory = `${folder}/run-${crypto.randomUUID()}`;
  const random = new Random(seed);
  await home.must(["mkdir", directory]);
  for (const [name, text] of Object.entries(program.files ?? {})) {
    await home.writeFile(`${directory}/${name}`, text);
  }
  const inside = (command: string) => ["bash", "-c", `cd ${directory} && ${command}`];
  if (program.prepare !== undefined) await home.must(inside(program.prepare));
  const job = await home.spawn(inside(program.command(away === undefined ? "" : "lb launch --")));
  let moves = 0;
  for (const [index, part] of program.input.entries()) {
    const last = index === program.input.length - 1;
    await job.write(part);
    if (away === undefined) continue;
    await sleep(random.below(DELAY_MS));
    if (await moveOne({ home, away, program, job, random, last })) moves++;
  }
  await job.closeInput();
  const { code, signal } = await job.ending();
  assert.equal(signal, null, job.stderr);
  const files = await home.must(inside(program.shows ?? SUMS));
  await home.must(["rm", "-rf", directory]);
  return { stdout: job.stdout, stderr: job.stderr, code, files, moves };
}

/** Runs it unmoved and moved, and asks that both are the same. */
export async function comparePrograms(
  program: Program,
  { home, away, seed, folder = "." }: { home: Host; away: Host; seed: number; folder?: string },
): Promise<number> {
  const plain = await runProgram(program, { home, seed, folder });
  const moved = await runProgram(program, { home, away, seed, folder });
  assert.deepEqual(
    { ...moved, moves: 0 },
    { ...plain, moves: 0 },
    `${program.name} with seed ${seed} does not do the same when it is moved`,
  );
  if (program.moves !== undefined && program.forks !== true) {
    assert.ok(moved.moves >= program.input.length - 1);
  }
  return moved.moves;
}

const GATES = ["\n", "\n", "\n"] as const;

/** Shell functions: `gate` lets go on what waits for a line of the run's own input. */
const gated = `exec 3<&0; gate() { read -r _ <&3; };`;

/** A tree of files of all sizes, with links, and one large archive of it. */
const TREE = `mkdir -p tree/a/b tree/c && for i in 1 2 3 4 5 6 7 8 9; do
  seq $i 7 $((i * 9000)) > tree/a/f$i; seq $i > tree/a/b/g$i; ln -s ../a/f$i tree/c/l$i; done;
  : > tree/empty; ln tree/a/f1 tree/hard; chmod 640 tree/a/f2; find tree -exec touch -h -d @1000000000 {} +`;
const TAR = "tar --sort=name --numeric-owner";
const PASS = `{ for i in 1 2 3; do gate; dd bs=65536 count=2 status=none; done; cat; }`;

const inserts = (seed: number): string =>
  numbers(seed, 1_500).replaceAll(/(\d+)\n/g, "insert into t values($1, 'row $1');\n");

function sqlPart(seed: number): string {
  return `create table if not exists t(a integer, b text); begin;\n${inserts(seed)}commit;
begin; delete from t where a % 3 = 0; insert into t select a + 1, b from t; rollback;
update t set b = b || '.' where a % 7 = 0; create index if not exists i on t(a);
savepoint s; delete from t where a > 500000; release s;
select count(*), sum(a), max(b) from t; pragma integrity_check;\n`;
}

/** A database with this journal, which is written between moves. */
export function database(journal: string): Program {
  return {
    name: `sqlite3, journal_mode=${journal}`,
    needs: ["sqlite3"],
    command: (launch) => `exec ${launch} sqlite3 data.db`,
    input: [
      `pragma locking_mode=exclusive; pragma journal_mode=${journal};\n${sqlPart(1)}`,
      `${sqlPart(2)}.dump\n`,
    ],
    moves: "sqlite3",
    shows: "sha256sum data.db", // a journal has a number drawn by lot
  };
}

const GIT = `#!/bin/bash
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
export GIT_AUTHOR_DATE="1000000000 +0000" GIT_COMMITTER_DATE="1000000000 +0000"
git init -q -b main repository && cd repository && git config gc.auto 0
for round in 1 2 3; do
  for n in 1 2 3 4 5; do seq $round $n $((round * 3000)) > file$n; done
  read -r gate
  git add . && git commit -q -m "Round $round" && git log --format='%h %s %an' --stat
done
git mv file1 other && git commit -q -am "Rename" && git diff HEAD~1 --stat -M && git repack -adq
git checkout -q -b side HEAD~2 && echo x > side && git add side && git commit -q -m Side
git merge -q -m Merge main && git log --graph --oneline --all && git fsck --full 2>&1 && git status -s
`;

const SUBPROCESS = `
import subprocess, sys, hashlib
for line in sys.stdin:
    n = int(line)
    done = subprocess.run(["sort", "-n"], input="".join("%d\\n" % (i * 7919 % n) for i in range(n)),
                          capture_output=True, text=True, check=True)
    print(n, hashlib.sha256(done.stdout.encode()).hexdigest(), flush=True)
    with subprocess.Popen("tr a-z A-Z; exit 3", shell=True, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as p:
        print(p.communicate(b"text %d" % n), p.returncode, flush=True)
    try:
        subprocess.run(["/no/such/program"])
    except FileNotFoundError as error:
        print(error, flush=True)
`;

const ASYNCIO = `
import asyncio, sys, time
async def lines():
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        yield line.decode().strip()
async def tick(name, seconds, count):
    for n in range(count):
        before = time.monotonic()
        await asyncio.sleep(seconds)
        passed = time.monotonic() - before
        assert seconds * 0.99 <= passed, passed
    return name, count
async def talk(reader, writer):
    while data := await reader.readline():
        writer.write(data.upper())
        await writer.drain()
    writer.close()
async def main():
    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    tickers = [asyncio.create_task(tick(n, 0.01 * n, 30)) for n in range(1, 5)]
    async for line in lines():
        writer.write(("said %s\\n" % line).encode())
        print((await reader.readline()).decode().strip(), flush=True)
        try:
            await asyncio.wait_for(asyncio.Event().wait(), 0.05)
        except asyncio.TimeoutError:
            print("time is up", flush=True)
    print(await asyncio.gather(*tickers))
    writer.close()
    server.close()
asyncio.run(main())
`;

/** C source that keeps a compiler busy for a while. */
function cSource(part: number): string {
  const head = part === 0 ? "#include <stdio.h>\n#include <stdlib.h>\n#include <math.h>\n" : "";
  let text = head;
  for (let n = 0; n < 100; n++) {
    text += `static double f${part}_${n}(double x, int k) {\n  double s = ${n}.5;\n` +
      `  for (int i = 0; i < k; i++) s += i % ${n + 2} ? x * s / (i + 1.0) : s - ${part};\n` +
      `  return s;\n}\n`;
  }
  text += `double g${part}(double x) {\n  double s = x;\n`;
  for (let n = 0; n < 100; n++) text += `  s += f${part}_${n}(s / 1e6, ${n % 17});\n`;
  text += "  return s;\n}\n";
  return part === 2
    ? text + `int main(void) { printf("%.9g\\n", g0(1) + g1(2) + g2(3)); }\n`
    : text;
}

/** Each of them with its input and the way that it is moved. */
export const programs: readonly Program[] = [
  {
    name: "sqlite3 with a rollback journal",
    needs: ["sqlite3"],
    command: (launch) => `exec ${launch} sqlite3 data.db`,
    input: [`pragma synchronous=full;\n${sqlPart(1)}`, sqlPart(2), `${sqlPart(3)}.dump\n`],
    moves: "sqlite3",
  },
  {
    name: "sqlite3 with a write-ahead log",
    needs: ["sqlite3"],
    command: (launch) => `exec ${launch} sqlite3 data.db`,
    input: [
      `pragma locking_mode=exclusive; pragma journal_mode=wal;\n${sqlPart(1)}`,
      sqlPart(2),
      `${sqlPart(3)}.dump\n`,
    ],
    moves: "sqlite3",
  },
  {
    name: "tar that creates an archive",
    needs: ["tar"],
    prepare: TREE,
    command: (launch) => `${gated} ${launch} ${TAR} -cf - tree < /dev/null | ${PASS} > archive.tar`,
    input: GATES,
    moves: "tar",
  },
  {
    name: "tar that extracts an archive",
    needs: ["tar"],
    prepare: `${TREE}; ${TAR} -cf archive.tar tree; mkdir out`,
    command: (launch) =>
      `${gated} ${PASS} < archive.tar | ${launch} tar -xvf - -C out; ` +
      `find out -mindepth 1 -printf '%p %m %s %T@ %l %n\\n' | LC_ALL=C sort`,
    input: GATES,
    moves: "tar",
  },
  {
    name: "tar that compares an archive",
    needs: ["tar"],
    prepare: `${TREE}; ${TAR} -cf archive.tar tree; echo x >> tree/a/f7; rm tree/c/l3`,
    command: (launch) => `${gated} ${PASS} < archive.tar | ${launch} tar -df -; echo $?`,
    input: GATES,
    moves: "tar",
  },
  {
    name: "git in a shell script",
    needs: ["git"],
    files: { "script.sh": GIT },
    command: (launch) => `exec ${launch} bash script.sh 2>&1`,
    input: GATES,
    moves: "bash",
    forks: true,
    // The index holds the times and numbers of its files, the logs the time of each command.
    shows: `cd repository && git rev-list --all --objects | sort && cat .git/HEAD`,
  },
  {
    name: "gcc, whose driver starts the compiler and the assembler",
    needs: ["gcc"],
    command: (launch) => `${launch} gcc -O1 -pipe -o program -x c - -lm; echo $?; ./program`,
    input: [cSource(0), cSource(1), cSource(2)],
    moves: "cc1",
  },
  {
    name: "python3 with processes of its own",
    needs: ["python3"],
    files: { "script.py": SUBPROCESS },
    command: (launch) => `exec ${launch} python3 script.py`,
    input: ["3000\n", "5000\n", "4000\n"],
    moves: "python3.11",
    forks: true,
  },
  {
    name: "python3 with an event loop, timers and a server",
    needs: ["python3"],
    files: { "script.py": ASYNCIO },
    command: (launch) => `exec ${launch} python3 script.py`,
    input: ["one\n", "two\n", "three\n", "four\n"],
    moves: "python3.11",
  },
  {
    name: "gawk in the middle of a pipeline",
    needs: ["gawk"],
    command: (launch) =>
      `tee in | ${launch} gawk '{ s += $1; print NR, $1, s }' | tee out | sha256sum; ` +
      `echo \${PIPESTATUS[*]}`,
    input: [numbers(1, 20_000), numbers(2, 20_000), numbers(3, 20_000)],
    moves: "gawk",
  },
  {
    name: "sort in the middle of a pipeline",
    needs: ["sort"],
    command: (launch) =>
      `cat | ${launch} sort -n --parallel=1 -S 300k -T . | uniq -c > out; echo \${PIPESTATUS[*]}`,
    input: [numbers(1, 40_000), numbers(2, 40_000), numbers(3, 40_000)],
    moves: "sort",
  },
  {
    name: "xz in the middle of a pipeline",
    needs: ["xz"],
    command: (launch) =>
      `cat | ${launch} xz -T1 -2 | tee out.xz | xz -dc | sha256sum; echo \${PIPESTATUS[*]}`,
    input: [numbers(1, 40_000), numbers(2, 40_000), numbers(3, 40_000)],
    moves: "xz",
  },
  {
    name: "a writer whose reader goes away",
    needs: ["yes"],
    command: (launch) =>
      `${gated} ${launch} yes some text | { for i in 1 2 3; do gate; ` +
      `dd bs=1000 count=300 iflag=fullblock status=none; done; } | sha256sum; echo \${PIPESTATUS[*]}`,
    input: GATES,
    moves: "yes",
  },
];

/** Random calls on files, each of whose results is printed: see tests/programs/iotrace.c. */
export function ioTrace(seed: number, parts: number, calls: number): Program {
  return {
    name: `random calls on files, seed ${seed}`,
    needs: ["iotrace"],
    command: (launch) => `exec ${launch} iotrace ${seed} ${parts} ${calls}`,
    input: Array.from({ length: parts }, () => "\n"),
    moves: "iotrace",
  };
}

/** Random block I/O that checks itself (tests/programs/blockio.c), and whose files another process checks. */
export function blockIo(seed: number, parts: number, operations: number): Program {
  return {
    name: `blocks that are verified, seed ${seed}`,
    needs: ["blockio"],
    command: (launch) => `exec ${launch} blockio ${seed} ${parts} ${operations}`,
    input: Array.from({ length: parts }, () => "\n"),
    moves: "blockio",
    shows: `blockio verify && ${SUMS}`,
  };
}
