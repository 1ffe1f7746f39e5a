/**
 * What others see of a moved process.
 *
 * Its PID, its exit status, its signals, its terminal.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type Ending, type Host, Testbed, waitFor } from "../testbed/mod.ts";

async function twoNodes(): Promise<Testbed> {
  const bed = await Testbed.create({ hosts: 2 });
  await bed.startDaemons();
  return bed;
}

/** Waits until a node runs no process any more, which also proves that no copy was left. */
async function empty(host: Host): Promise<void> {
  await host.waitForSnapshot(`no process on ${host.name}`, (s) => s.queueLength === 0);
}

const lines = (count: number): string =>
  Array.from({ length: count }, (_, index) => `line ${index + 1}\n`).join("");

Deno.test("a moved process ends at home as it ended away", async (t) => {
  await using bed = await twoNodes();
  const [home, away] = [bed.host(0), bed.host(1)];
  const endings: [string, string[], Ending][] = [
    ["with status 0", [], { code: 0, signal: null }],
    ["with status 7", ["--status", "7"], { code: 7, signal: null }],
    ["with status 255", ["--status", "255"], { code: 255, signal: null }],
    ["by SIGABRT", ["--signal", "6"], { code: 134, signal: "SIGABRT" }],
    ["by SIGTERM", ["--signal", "15"], { code: 143, signal: "SIGTERM" }],
    ["by SIGKILL", ["--signal", "9"], { code: 137, signal: "SIGKILL" }],
    ["by SIGSEGV", ["--signal", "11"], { code: 139, signal: "SIGSEGV" }],
  ];
  for (const [name, args, wanted] of endings) {
    await t.step(name, async () => {
      const job = await home.launchKnown(["counter", "50", "--file", "out", ...args]);
      await job.output("line 2\n");
      await home.migrate(job.pid, away);
      assert.deepEqual(await job.ending(), wanted, job.stderr);
      assert.equal(job.stdout, lines(50));
      assert.equal(await home.readTextFile("out"), lines(50));
      assert.equal(await away.exists("out"), false);
      await empty(away);
    });
  }
});

Deno.test("a guest that is killed on its node takes its shadow with it", async () => {
  await using bed = await twoNodes();
  const [home, away] = [bed.host(0), bed.host(1)];
  const job = await home.launchKnown(["counter", "1000"]);
  await home.migrate(job.pid, away);
  await job.output("line 10\n");
  const guest = (await away.snapshot()).processes[0];
  assert.equal(guest?.shadowPid, job.pid);
  await away.must(["kill", "-KILL", String(guest?.pid)]);
  assert.deepEqual(await job.ending(), { code: 137, signal: "SIGKILL" });
  assert.ok(lines(1000).startsWith(job.stdout));
});

Deno.test("a shadow that is killed takes the guest with it", async () => {
  await using bed = await twoNodes();
  const [home, away] = [bed.host(0), bed.host(1)];
  const job = await home.launchKnown(["sleeper", "1000"]);
  await home.migrate(job.pid, away);
  const guest = (await away.snapshot()).processes[0]?.pid;
  await job.kill("KILL");
  assert.equal((await job.ending()).signal, "SIGKILL");
  await empty(away);
  assert.notEqual((await away.run(["kill", "-0", String(guest)])).code, 0, "the guest lives on");
});

Deno.test("signals sent to a moved process's PID reach it, and tell who sent them", async () => {
  await using bed = await twoNodes();
  const [home, away] = [bed.host(0), bed.host(1)];
  const job = await home.launchKnown(["sigtest"]);
  await job.output(`ready ${job.pid}\n`);
  for (const [round, name] of ["away", "home again", "away again"].entries()) {
    if (round === 1) await home.bringHome(job.pid);
    else await home.migrate(job.pid, away);
    const before = job.stdout.length;
    const sender = await home.must(`echo $$; kill -USR1 ${job.pid}; kill -HUP ${job.pid}`);
    await waitFor(`both signals, ${name}`, () => {
      const news = job.stdout.slice(before);
      return news.includes(`signal 10 from ${sender}`) && news.includes(`signal 1 from ${sender}`);
    });
  }
  await job.kill("TERM");
  assert.deepEqual(await job.ending(), { code: 7, signal: null });
});

/** Blocks all signals and takes them: it prints which, and whether one waits besides. */
const TAKING = `import signal, sys
every = signal.valid_signals()
signal.pthread_sigmask(signal.SIG_BLOCK, every)
print("ready", flush=True)
waits = [lambda: signal.sigwaitinfo(every).si_signo, lambda: signal.sigwait(every), None]
waits[2] = lambda: (signal.sigtimedwait(every, 30) or exit("nothing came")).si_signo
taken = 0
for count in range(100):
    taken = waits[count % 3]()
    print("took", int(taken), sorted(int(s) for s in signal.sigpending()), flush=True)
    if taken == signal.SIGTERM: exit(7)
`;

Deno.test("a process that waits for all signals by itself obeys orders, and takes none of them", async () => {
  await using bed = await twoNodes();
  const [home, away] = [bed.host(0), bed.host(1)];
  const job = await home.launchKnown(["python3", "-c", TAKING]);
  await job.output("ready\n");
  let wanted = "ready\n";
  const take = async (name: string, number: number) => {
    wanted += `took ${number} []\n`;
    await job.kill(name);
    await job.output(wanted);
  };
  for (let round = 0; round < 3; round++) {
    await take("URG", 23);
    await home.migrate(job.pid, away);
    await take("URG", 23);
    await take("SYS", 31);
    await home.bringHome(job.pid);
    await take("USR1", 10);
  }
  await job.kill("TERM");
  assert.deepEqual(await job.ending(), { code: 7, signal: null }, job.stderr);
  assert.equal(job.stdout, `${wanted}took 15 []\n`);
});

Deno.test("a moved process that does not handle a signal ends by it", async () => {
  await using bed = await twoNodes();
  const [home, away] = [bed.host(0), bed.host(1)];
  for (const signal of ["TERM", "INT", "USR1"]) {
    const job = await home.launchKnown(["sleeper", "1000", "--busy"]);
    await home.migrate(job.pid, away);
    await job.kill(signal);
    assert.equal((await job.ending()).signal, `SIG${signal}`);
  }
  await empty(away);
});

Deno.test("a moved process is found at home by its name and PID, with its arguments", async () => {
  await using bed = await twoNodes();
  const [home, away] = [bed.host(0), bed.host(1)];
  // Where hosts have no namespaces killall reaches all of the machine: a name that is only this test's.
  const name = `sig${crypto.randomUUID().slice(0, 8)}`;
  await home.must(`cp "$(command -v sigtest)" ${name}`);
  const job = await home.launchKnown([`./${name}`]);
  await home.migrate(job.pid, away);
  const pid = String(job.pid);
  assert.deepEqual(await home.pidsOf(name), [job.pid]);
  assert.equal((await home.must(["ps", "-o", "comm=", "-p", pid])).trim(), name);
  const args = (await home.must(["ps", "-o", "args=", "-p", pid])).trim();
  assert.equal(args, `./${name} [on ${away.node}]`, "its arguments tell where it runs");
  await home.must(["killall", "-TERM", name]);
  assert.deepEqual(await job.ending(), { code: 7, signal: null });
});

Deno.test("a moved process that is stopped at home stays where it is, and is told, until it goes on", async () => {
  await using bed = await twoNodes();
  const [home, away] = [bed.host(0), bed.host(1)];
  const job = await home.launchKnown(["counter", "40"]);
  await home.migrate(job.pid, away);
  await job.kill("STOP");
  for (const args of [["home"], ["migrate"]]) {
    const { code, stderr } = await home.lb(...args, String(job.pid));
    assert.equal(code, 4, stderr);
    assert.match(stderr, /^lb: Cannot .*: it is stopped\n +fix: .*kill -CONT \d+\n$/);
  }
  const { length } = job.stdout;
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.ok(job.stdout.length <= length + 8, "it writes while it is stopped");
  await job.kill("CONT");
  await home.bringHome(job.pid);
  assert.deepEqual(await job.ending(), { code: 0, signal: null }, job.stderr);
  assert.equal(job.stdout, lines(40));
});

Deno.test("children register on their own, by fork and by exec, and move without their parent", async (t) => {
  await using bed = await twoNodes();
  const [home, away] = [bed.host(0), bed.host(1)];
  const families: [string, string[]][] = [
    ["exec", ["sh", "-c", "counter 40 --status 7; echo child ended with $?; exit 3"]],
    ["fork", [
      "bash",
      "-c",
      `(i=0; while read -t 0.1 x <> pipe; [ $((i++)) -lt 40 ]; do
      echo line $i; done; exit 7); echo child ended with $?; exit 3`,
    ]],
  ];
  await home.must(["mkfifo", "pipe"]);
  for (const [name, argv] of families) {
    await t.step(name, async () => {
      const job = await home.launchKnown(argv);
      const { processes } = await home.waitForSnapshot(
        "parent and child",
        (s) => s.processes.length === 2 && s.processes.some(({ cantmove }) => cantmove !== null),
      );
      const child = processes.find(({ pid }) => pid !== job.pid);
      const parent = processes.find(({ pid }) => pid === job.pid);
      assert.equal(parent?.cantmove, "it has 1 child");
      assert.equal(child?.cantmove, null);
      await job.output("line 3\n");
      await home.migrate(child?.pid ?? 0, away);
      assert.deepEqual(await job.ending(), { code: 3, signal: null }, job.stderr);
      assert.equal(job.stdout, `${lines(40)}child ended with 7\n`);
    });
  }
});

Deno.test("input from a pipe reaches a process wherever it runs, until end of file", async () => {
  await using bed = await twoNodes();
  const [home, away] = [bed.host(0), bed.host(1)];
  const job = await home.launchKnown(["reader"]);
  await job.write("one\n");
  await job.output(`${job.pid} 1 one\n`);
  await home.migrate(job.pid, away);
  await job.write("two\n");
  await job.output(`${job.pid} 2 two\n`);
  await home.bringHome(job.pid);
  await job.write("three\n");
  await job.output(`${job.pid} 3 three\n`);
  await home.migrate(job.pid, away);
  await job.closeInput();
  assert.deepEqual(await job.ending(), { code: 0, signal: null });
  assert.ok(job.stdout.endsWith("end 3 14\n"), job.stdout);
});

/** A terminal on a host, by tmux. */
class Terminal {
  readonly #host: Host;

  constructor(host: Host) {
    this.#host = host;
  }

  async open(): Promise<void> {
    await this.#tmux("new-session", "-d", "-x", "100", "-y", "50", "bash --norc --noprofile");
    await this.type("PS1='prompt> '");
    await this.shows(/prompt> $/);
  }

  async #tmux(...args: string[]): Promise<string> {
    return await this.#host.must(["tmux", "-S", `${this.#host.home}/tmux`, ...args]);
  }

  async type(line: string): Promise<void> {
    await this.#tmux("send-keys", "-l", line);
    await this.#tmux("send-keys", "Enter");
  }

  async key(name: string): Promise<void> {
    await this.#tmux("send-keys", name);
  }

  /** Waits until what is on the screen, without trailing blanks, matches. */
  async shows(wanted: RegExp): Promise<RegExpExecArray> {
    let screen = "";
    return await waitFor(`${wanted}`, async () => {
      screen = (await this.#tmux("capture-pane", "-p")).trimEnd();
      return wanted.exec(screen.endsWith("prompt>") ? `${screen} ` : screen) ?? undefined;
    }).catch((error) => {
      throw new Error(`The terminal shows:\n${screen}`, { cause: error });
    });
  }
}

async function pidOf(host: Host, name: string): Promise<number> {
  return await waitFor(name, async () => (await host.pidsOf(name))[0]);
}

Deno.test("on a terminal Ctrl-C, Ctrl-Z, fg and bg do to a moved job what they do to any", async () => {
  await using bed = await twoNodes();
  const [home, away] = [bed.host(0), bed.host(1)];
  const terminal = new Terminal(home);
  await terminal.open();
  await terminal.type("lb launch -- sigtest; echo status $?");
  await terminal.shows(/ready \d+/);
  const pid = await pidOf(home, "sigtest");
  await home.waitForProcess(pid);
  await home.migrate(pid, away);
  await terminal.key("C-c");
  await terminal.shows(/signal 2 from/);
  await terminal.key("C-z");
  await terminal.shows(/Stopped/);
  await terminal.type("fg");
  await terminal.shows(/signal 18 from/);
  await terminal.key("C-c");
  await terminal.shows(/signal 2 from[^]*signal 2 from/);
  await terminal.key("C-z");
  await terminal.shows(/Stopped[^]*Stopped/);
  await terminal.type("bg");
  await terminal.shows(/signal 18 from[^]*signal 18 from/);
  await terminal.type("kill %1; wait %1; echo ended $?");
  await terminal.shows(/ended 7/);
  await terminal.type("lb launch -- reader");
  const reader = await pidOf(home, "reader");
  await home.waitForProcess(reader);
  await home.migrate(reader, away);
  await terminal.type("typed while away");
  await terminal.shows(new RegExp(`${reader} 1 typed while away`));
  await terminal.key("C-d");
  await terminal.shows(/end 1 17/);
});

Deno.test("Ctrl-C ends a moved job that does not handle it, and the shell sees 130", async () => {
  await using bed = await twoNodes();
  const [home, away] = [bed.host(0), bed.host(1)];
  const terminal = new Terminal(home);
  await terminal.open();
  await terminal.type("lb launch -- sleeper 1000");
  const pid = await pidOf(home, "sleeper");
  await home.waitForProcess(pid);
  await home.migrate(pid, away);
  await terminal.key("C-c");
  await terminal.type("echo status $?");
  await terminal.shows(/status 130/);
  await empty(away);
});
