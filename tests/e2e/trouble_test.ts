/**
 * Trouble around a moved program while it works.
 *
 * The link is cut, the disk fills up, others change its files, its shadow is killed. It gets the
 * error that it would get at home, and each of its calls happens once.
 *
 * @module
 */
import assert from "node:assert/strict";
import { haveNamespaces, type Host, sleep, Testbed, waitFor } from "../testbed/mod.ts";

const PARTS = 4;
const CALLS = 250;

/** What happens around the program. */
interface Around {
  /** Assignments before the command. */
  readonly environment?: string;
  /** Before it starts, in its directory. */
  readonly prepare?: (directory: string) => Promise<void>;
  /** While it works on a part; only in the run that is moved. */
  readonly during?: (part: number) => Promise<void>;
  /** While it waits for its next part; only in the run that is moved. */
  readonly idle?: (part: number, pid: number) => Promise<void>;
  /** Command of a shell in its directory, when it has done a part and waits; both runs see what it shows. */
  readonly after?: (part: number) => string;
}

/** Runs random calls on files (tests/programs/iotrace.c), and returns all that can be seen of them. */
async function trace(
  { home, away, seed, around }: { home: Host; away?: Host; seed: number; around: Around },
): Promise<{ stdout: string; files: string; beside: string[] }> {
  const directory = `trace-${crypto.randomUUID()}`;
  await home.must(["mkdir", directory]);
  await around.prepare?.(directory);
  const inside = (command: string) => ["bash", "-c", `cd ${directory} && ${command}`];
  const command = `${around.environment ?? ""} exec lb launch -- iotrace ${seed} ${PARTS} ${CALLS}`;
  const job = await home.spawn(inside(command));
  const beside: string[] = [];
  await home.waitForProcess(job.pid);
  if (away !== undefined) await home.migrate(job.pid, away);
  for (let part = 1; part <= PARTS; part++) {
    await job.write("\n");
    if (away !== undefined) await around.during?.(part);
    await job.output(new RegExp(`^part ${part}\n`, "m"), 60_000);
    if (away !== undefined && part < PARTS) await around.idle?.(part, job.pid);
    if (part < PARTS && around.after !== undefined) {
      beside.push(await home.must(inside(around.after(part))));
    }
  }
  assert.deepEqual(await job.ending(), { code: 0, signal: null }, job.stderr);
  const files = await home.must(inside("sha256sum file*"));
  return { stdout: job.stdout, files, beside };
}

async function compare(
  { home, away, seed, around }: { home: Host; away: Host; seed: number; around: Around },
): Promise<string> {
  const plain = await trace({ home, seed, around });
  const moved = await trace({ home, away, seed, around });
  assert.deepEqual(moved, plain, `seed ${seed}`);
  return moved.stdout;
}

Deno.test({
  name: "when the link is cut while a program works each of its calls happens once",
  ignore: !haveNamespaces,
  fn: async () => {
    await using bed = await Testbed.create({ hosts: 2 });
    const [home, away] = [bed.host(0), bed.host(1)];
    await bed.startDaemons({ extra: "io-timeout = 1" });
    const during = async (part: number) => {
      if (part > 2) return;
      await sleep(7 * part);
      await away.cut();
      // Longer than io-timeout: the link is given up and made anew; once shorter: it only stalls.
      await sleep(part === 2 ? 300 : 2_500);
      await away.restore();
    };
    await compare({ home, away, seed: 11, around: { during } });
  },
});

/** Three programs that say "begun" in the middle of what they do: one writes, one reads, one waits for its input. */
const atWork: readonly { name: string; script: string; input: string; after: string }[] = [
  {
    name: "writes",
    script: `import os, time
fd = os.open("written", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
for n in range(400):
    os.write(fd, b"line %d of what is written\\n" % n)
    if n % 20 == 0: print("wrote", n, os.fstat(fd).st_size, flush=True)
    if n == 40: print("begun", flush=True)
    time.sleep(0.01)
print("end", os.lseek(fd, 0, os.SEEK_END))`,
    input: "",
    after: "cat written",
  },
  {
    name: "reads",
    script: `import os, time, zlib
fd, sum, count = os.open("text", os.O_RDONLY), 0, 0
while piece := os.read(fd, 100):
    sum, count = zlib.crc32(piece, sum), count + 1
    if count % 100 == 0: print("read", count, os.lseek(fd, 0, os.SEEK_CUR), sum, flush=True)
    if count == 100: print("begun", flush=True)
    time.sleep(0.005)
print("end", sum, count)`,
    input: "",
    after: "cksum text",
  },
  {
    name: "waits",
    script: `import sys
print("begun", flush=True)
for line in sys.stdin: print("heard", line, end="", flush=True)
print("end")`,
    input: "one\ntwo\nthree\n",
    after: "true",
  },
];

Deno.test({
  name: "a link that is down for five seconds changes nothing for who writes, reads or waits",
  ignore: !haveNamespaces,
  fn: async () => {
    await using bed = await Testbed.create({ hosts: 2 });
    const [home, away] = [bed.host(0), bed.host(1)];
    await bed.startDaemons({ extra: "io-timeout = 1" });
    const run = async (move: boolean) => {
      const folder = move ? "moved" : "unmoved";
      await home.must(`mkdir ${folder} && seq 1 15000 > ${folder}/text`);
      const jobs = await Promise.all(atWork.map(async ({ script }) => {
        const line = ["sh", "-c", 'cd "$0" && exec lb launch python3 -c "$1"', folder, script];
        const job = await home.spawn(line);
        await home.waitForProcess(job.pid);
        return job;
      }));
      if (move) { for (const job of jobs) await home.migrate(job.pid, away); }
      for (const job of jobs) await job.output("begun\n");
      if (move) await away.cut();
      // What the home hears while the link is down is there when it is up again.
      for (const [index, job] of jobs.entries()) await job.write(atWork[index]?.input ?? "");
      if (move) {
        await sleep(5_000);
        await away.restore();
        const guests = (await away.snapshot()).processes.length;
        assert.equal(guests, jobs.length, "they go on where they were");
      }
      for (const job of jobs) await job.closeInput();
      for (const job of jobs) {
        assert.deepEqual(await job.ending(), { code: 0, signal: null }, job.stderr);
      }
      const seen = await Promise.all(
        atWork.map(({ after }) => home.must(`cd ${folder}; ${after}`)),
      );
      return { said: jobs.map(({ stdout }) => stdout), seen };
    };
    const plain = await run(false);
    const moved = await run(true);
    assert.deepEqual(moved.said, plain.said);
    assert.deepEqual(moved.seen, plain.seen);
  },
});

/** One message of the link, or a part of one: type, size of the body, and seq (c/include/lb_link.h). */
function message(type: number, size: number, seq: bigint, body: number[] = []): Uint8Array {
  const bytes = new Uint8Array(16 + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, type, true);
  view.setUint32(4, size, true);
  view.setBigUint64(8, seq, true);
  bytes.set(body, 16);
  return bytes;
}

/** None of them has any effect but that the link is dropped and made anew. */
const nonsense: readonly Uint8Array[] = [
  message(0, 0, 0n),
  message(8, 0xffffffff, 5n),
  message(25, 64, 77n, Array.from({ length: 64 }, (_, index) => index)),
  message(26, 8, 3n, [1, 2, 3, 4, 5, 6, 7, 8]),
  message(27, 3, 0n, [1, 2, 3]),
  new TextEncoder().encode("GET / HTTP/1.1\r\nHost: home\r\n\r\n"),
  Uint8Array.of(0x58),
];

Deno.test({
  name: "when a peer says nonsense on the link it is dropped, and each call happens once",
  ignore: !haveNamespaces,
  fn: async () => {
    await using bed = await Testbed.create({ hosts: 2 });
    const [home, away] = [bed.host(0), bed.host(1)];
    await bed.startDaemons({ extra: "io-timeout = 1" });
    const injector = await Deno.readTextFile(new URL("../programs/inject.py", import.meta.url));
    const inject = async (on: Host, pid: number, address: string, bytes: Uint8Array) => {
      const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
      await on.must(["python3", "-c", injector, String(pid), address, hex], { asRoot: true });
    };
    const idle = async (part: number, pid: number) => {
      const chosen = nonsense.filter((_, index) => index % (PARTS - 1) === part - 1);
      for (const bytes of chosen) {
        const guest = (await away.snapshot()).processes.find((one) => one.shadowPid === pid)?.pid;
        assert.ok(guest !== undefined);
        await inject(home, pid, away.address, bytes);
        await sleep(100);
        await inject(away, guest, home.address, bytes);
        await sleep(100);
      }
    };
    await compare({ home, away, seed: 12, around: { idle } });
  },
});

/** What others do to the program's files between its calls, and what they see of them. */
const meddle = (part: number) =>
  [
    "sha256sum file*; stat -c '%n %s' file*; truncate -s 100 file0; echo $?",
    "sha256sum file*; rm -f file1; printf 'text of another' | dd of=file2 conv=notrunc status=none",
    "sha256sum file*; mv -f file3 file0; seq 5000 >> file2; seq 100 > file1",
  ][part - 1] ?? ":";

Deno.test("what others do to a moved program's files it sees at once, and they see what it does", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  const [home, away] = [bed.host(0), bed.host(1)];
  await bed.startDaemons();
  await compare({ home, away, seed: 21, around: { after: meddle } });
});

Deno.test({
  name: "on a disk that is full again and again each call fails as it fails at home",
  ignore: !haveNamespaces,
  fn: async () => {
    await using bed = await Testbed.create({ hosts: 2 });
    const [home, away] = [bed.host(0), bed.host(1)];
    await bed.startDaemons();
    const prepare = async (directory: string) => {
      const [uid, gid] = (await home.must("id -u; id -g")).split("\n");
      const options = `size=256k,mode=700,uid=${uid},gid=${gid}`;
      const path = `${home.home}/${directory}`;
      await home.must(["mount", "-t", "tmpfs", "-o", options, "none", path], { asRoot: true });
    };
    const after = () => "truncate -s 1000 file0; rm -f file1; stat -c '%n %s' file*";
    const said = await compare({
      home,
      away,
      seed: 31,
      around: { environment: "IOTRACE_NO_MAPS=1", prepare, after },
    });
    assert.match(said, /No space left on device/);
  },
});

/** Writes numbered lines of one length without end; the last byte of a line is the last that is written. */
const WRITER = `
import os, sys
fd = os.open("out", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
n = 0
while True:
    os.write(fd, b"%09d\\n" % n)
    n += 1
`;

Deno.test("when a shadow is killed while its guest writes the file is a beginning of what was written", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  const [home, away] = [bed.host(0), bed.host(1)];
  await bed.startDaemons();
  const job = await home.launchKnown(["python3", "-c", WRITER]);
  await home.migrate(job.pid, away);
  const size = async () => Number(await home.must(["stat", "-c", "%s", "out"]));
  const before = await size();
  await waitFor("lines that were written away", async () => await size() > before + 2000);
  await job.kill("KILL");
  assert.equal((await job.ending()).signal, "SIGKILL");
  await away.waitForSnapshot("no guest", (s) => s.queueLength === 0);
  const after = await size();
  const check = `seq -f %09.0f 0 $(($(stat -c %s out) / 10 + 1)) | head -c ${after} | cmp - out`;
  await home.must(check);
  await sleep(300);
  assert.equal(await size(), after, "somebody still writes");
});
