/**
 * Programs that own a terminal, moved between what is typed.
 *
 * Each session shows, byte for byte, what it shows unmoved.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type Host, type Job, Testbed, waitFor } from "../testbed/mod.ts";

const driver = await Deno.readTextFile(new URL("../programs/ptydrive.py", import.meta.url));

/** What happens at the terminal; what it shows is awaited before the next step. */
interface Step {
  /** Keys, as a terminal sends them. */
  readonly type?: string;
  readonly size?: readonly [number, number];
  /** Command on the home host, beside the terminal. */
  readonly run?: string;
  readonly shows?: RegExp;
  /** Moves the program before this step. @default {true} */
  readonly moves?: boolean;
}

interface Session {
  readonly name: string;
  /** Command of bash, in which $L stands before what is moved. */
  readonly command: string;
  /** Name of the program that is moved. */
  readonly program: string;
  readonly files?: Readonly<Record<string, string>>;
  /** It starts others: it may refuse to move while it has children, or needs its home for them. */
  readonly forks?: true;
  readonly start: RegExp;
  readonly steps: readonly Step[];
}

const LEFT = "\x1b[D";
const UP = "\x1b[A";
/** The same where the program has asked for the keypad's codes. */
const KEYPAD_UP = "\x1bOA";
const CTRL_A = "\x01";
const CTRL_C = "\x03";
const CTRL_D = "\x04";
const CTRL_BACKSLASH = "\x1c";
const CTRL_Z = "\x1a";
const ENTER = "\r";

/** A shell with a prompt that shows nothing of where it runs. */
const SHELL = "exec env PS1='prompt> ' bash --norc --noprofile -i";

const CURSES = `
import curses, fcntl, os, struct, termios
def main(screen):
    counts = {}
    while True:
        rows, columns = screen.getmaxyx()
        screen.erase()
        screen.addstr(0, 0, "top - %d rows, %d columns" % (rows, columns), curses.A_REVERSE)
        for row in range(1, min(rows - 1, 12)):
            screen.addstr(row, 2, "%5d %s" % (row, "#" * (row * counts.get("k", 0) % (columns - 10))))
        screen.addstr(rows - 1, 0, "keys: " + " ".join("%s=%d" % i for i in sorted(counts.items())))
        screen.refresh()
        key = screen.getch()
        name = "resize" if key == curses.KEY_RESIZE else curses.keyname(key).decode()
        counts[name] = counts.get(name, 0) + 1
        if key == ord("q"):
            return counts
counts = curses.wrapper(main)
print(sorted(counts.items()), struct.unpack("HHHH", fcntl.ioctl(0, termios.TIOCGWINSZ, bytes(8)))[:2])
`;

const MODES = `
import getpass, os, signal, sys, termios, tty
def flags():
    mode = termios.tcgetattr(0)
    return [bool(mode[3] & bit) for bit in (termios.ECHO, termios.ICANON, termios.ISIG)]
cooked = flags()
old = termios.tcgetattr(0)
tty.setraw(0)
# Raw by now: what is typed from here on is neither a signal nor thrown away.
print("ready", cooked, end="\\r\\n", flush=True)
keys = b"".join(os.read(0, 1) for _ in range(4))
print("raw", keys, flags(), end="\\r\\n", flush=True)
termios.tcsetattr(0, termios.TCSAFLUSH, old)
print("restored", flags(), os.isatty(0), flush=True)
print("secret", len(getpass.getpass("Password: ")), flush=True)
with open("/dev/tty", "r+b", buffering=0) as terminal:
    terminal.write(b"Name: ")
    print("name", terminal.readline(), os.ttyname(0) == os.ttyname(terminal.fileno()) or
          os.ttyname(terminal.fileno()), flush=True)
    assert os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
try:
    print(input("More: "))
except EOFError:
    print("end of file")
`;

/** Waits in a busy loop until the file is there: in the background, and without a call that blocks. */
const untilGo = (then: string) => `$L sh -c 'until [ -e go ]; do :; done; ${then}'`;

/** Waits at home until the program is stopped. */
const untilStopped =
  "until ps -C sh -o stat=,args= | grep -v 'ps -C' | grep -q '^T.*until .*-e go'; do sleep 0.05; done";

const sessions: readonly Session[] = [
  {
    name: "python3 with readline",
    command: "exec $L python3 -q",
    program: "python3.11",
    start: />>> $/,
    steps: [
      { type: `x = 6 * 7${ENTER}`, shows: />>> $/ },
      { type: `print(y)${LEFT}\x7f`, shows: /print\(y\)[^]+\)[^]/ },
      { moves: false, type: `x${ENTER}`, shows: /42\r\n>>> $/ },
      { type: `${UP}${CTRL_A}# ${ENTER}`, shows: /# print\(x\)[^]*>>> $/ },
      { type: `impor\t`, shows: /import $/ },
      {
        moves: false,
        type: `os; os.get_terminal_size()${ENTER}`,
        shows: /columns=80, lines=24\)\r\n>>> $/,
      },
      { size: [30, 100], type: `os.get_terminal_size()${ENTER}`, shows: /columns=100, lines=30\)/ },
      { type: `while True: pass${ENTER}${ENTER}`, shows: /\.\.\. \r\n$/ },
      { type: CTRL_C, shows: /KeyboardInterrupt\r\n>>> $/ },
      { moves: false, type: `half a line${CTRL_C}`, shows: /KeyboardInterrupt\r\n>>> $/ },
      { type: `input("? ")${ENTER}`, shows: /\? $/ },
      { type: `äöü${ENTER}`, shows: /'äöü'\r\n>>> $/ },
      { type: CTRL_D },
    ],
  },
  {
    name: "less",
    command: "exec $L less -X text",
    program: "less",
    files: { text: Array.from({ length: 400 }, (_, n) => `line ${n + 1} of the text\n`).join("") },
    start: /text/,
    steps: [
      { type: " ", shows: /line 46 of.*[^]*:/ },
      { type: "/line 2.7\n", shows: /line .*2\d7.*/ },
      { moves: false, type: "n", shows: /line .*2\d7.*/ },
      { size: [12, 60], shows: /./ },
      { type: "G", shows: /line 400/ },
      { moves: false, type: "g", shows: /line 1 of/ },
      { moves: false, type: "-N\n", shows: / 1 .*line 1 of/ },
      { type: "q" },
    ],
  },
  {
    name: "a screen that is drawn again at each key and each change of its size",
    command: "exec $L python3 screen.py",
    program: "python3.11",
    files: { "screen.py": CURSES },
    start: /keys:/,
    steps: [
      { type: "k", shows: /k/ },
      { moves: false, type: "k", shows: /2/ },
      { size: [16, 50], shows: /16 rows, 50 columns|resize/ },
      { moves: false, type: KEYPAD_UP, shows: /KEY_UP/ },
      { size: [40, 132], shows: /40|132/ },
      { type: "k", shows: /3/ },
      { type: "q", shows: /\(40, 132\)/ },
    ],
  },
  {
    name: "raw mode, a password, and /dev/tty",
    command: "exec $L python3 modes.py",
    program: "python3.11",
    files: { "modes.py": MODES },
    start: /ready \[True, True, True\]\r\n$/,
    steps: [
      { type: "a" },
      { type: `${CTRL_C}${CTRL_D}\r`, shows: /restored \[True, True, True\][^]*Password: $/ },
      { type: `secret${ENTER}`, shows: /secret 6\r\nName: $/ },
      { type: `someone${ENTER}`, shows: /More: $/ },
      { type: CTRL_D },
    ],
  },
  {
    name: "Ctrl-Z, fg, bg and Ctrl-\\",
    command: SHELL,
    program: "python3.11",
    start: /prompt> $/,
    steps: [
      { moves: false, type: `ulimit -c 0; $L python3 -q${ENTER}`, shows: />>> $/ },
      { type: `1 + 1${ENTER}`, shows: /2\r\n>>> $/ },
      { type: CTRL_Z, shows: /Stopped[^]*prompt> $/ },
      { moves: false, type: `echo $?${ENTER}`, shows: /148[^]*prompt> $/ },
      { moves: false, type: `fg${ENTER}`, shows: /python3 -q\r\n/ },
      { type: `2 + 3${ENTER}`, shows: /5\r\n>>> $/ },
      { type: CTRL_Z, shows: /Stopped[^]*prompt> $/ },
      { moves: false, type: `jobs${ENTER}`, shows: /jobs\r[^]*Stopped[^]*prompt> $/ },
      { moves: false, type: `fg${ENTER}`, shows: /python3 -q\r\n/ },
      { type: `import os; os.getpgrp() == os.tcgetpgrp(0)${ENTER}`, shows: /True\r\n>>> $/ },
      { type: CTRL_BACKSLASH, shows: /Quit[^]*prompt> $/ },
      { moves: false, type: `echo $?${ENTER}`, shows: /131\r\n[^]*prompt> $/ },
      { moves: false, type: `exit${ENTER}` },
    ],
  },
  {
    name: "a program in the background that reads the terminal",
    command: SHELL,
    program: "dash",
    start: /prompt> $/,
    steps: [
      { moves: false, type: `${untilGo("read x; echo got $x")} &${ENTER}`, shows: /prompt> $/ },
      { run: `touch go; ${untilStopped}` },
      { moves: false, type: ENTER, shows: /Stopped[^]*prompt> $/ },
      { moves: false, type: `fg${ENTER}`, shows: /sh -c.*\r\n$/ },
      { type: `some text${ENTER}`, shows: /got some text[^]*prompt> $/ },
      { moves: false, type: `exit${ENTER}` },
    ],
  },
  {
    name: "a program in the background that may not write to the terminal",
    command: SHELL,
    program: "dash",
    start: /prompt> $/,
    steps: [
      { moves: false, type: `stty tostop; ${untilGo("echo out")} &${ENTER}`, shows: /prompt> $/ },
      { run: `touch go; ${untilStopped}` },
      { moves: false, type: ENTER, shows: /Stopped[^]*prompt> $/ },
      { moves: false, type: `fg${ENTER}`, shows: /sh -c.*\r\nout[^]*prompt> $/ },
      { moves: false, type: `exit${ENTER}` },
    ],
  },
];

/** The shell itself is what moves; it is the one who gives the terminal to its jobs. */
const movedShell: Session = {
  name: "an interactive shell that starts programs",
  command: "exec env PS1='prompt> ' $L bash --norc --noprofile -i",
  program: "bash",
  forks: true,
  start: /prompt> $/,
  steps: [
    { type: `echo $((6 * 7))${ENTER}`, shows: /\r\n?42\r\n[^]*prompt> $/ },
    {
      type: `seq 20000 | tail -n 1; (exit 3); echo $?${ENTER}`,
      shows: /20000\r\n3\r\n[^]*prompt> $/,
    },
    { type: `cat${ENTER}`, shows: /cat\r\n/ },
    { moves: false, type: `text${ENTER}`, shows: /text\r\ntext\r\n$/ },
    { moves: false, type: CTRL_D, shows: /prompt> $/ },
    { type: `sh -c 'echo begun; exec sleep 1000'${ENTER}`, shows: /\nbegun\r\n$|\rbegun\r\n$/ },
    { moves: false, type: CTRL_C, shows: /\^C[^]*prompt> $/ },
    { type: `sh -c 'echo begun; exec sleep 1001'${ENTER}`, shows: /\nbegun\r\n$|\rbegun\r\n$/ },
    { moves: false, type: CTRL_Z, shows: /Stopped[^]*prompt> $/ },
    { moves: false, type: `fg${ENTER}`, shows: /sleep 1001'\r\n/ },
    { moves: false, type: CTRL_C, shows: /\^C[^]*prompt> $/ },
    { type: `jobs; echo $?${ENTER}`, shows: /0\r\n[^]*prompt> $/ },
    { type: `exit 5${ENTER}` },
  ],
};

/** The terminal of one session. */
class Terminal {
  #seen = 0;
  readonly #job: Job;

  constructor(job: Job) {
    this.#job = job;
  }

  async order(order: unknown): Promise<void> {
    this.#seen = this.#job.stdout.length;
    await this.#job.write(JSON.stringify(order) + "\n");
  }

  /** Waits for it in what was shown since the last order. */
  async shows(wanted: RegExp): Promise<void> {
    await waitFor(String(wanted), () => wanted.test(this.#job.stdout.slice(this.#seen)))
      .catch((error) => {
        const shown = JSON.stringify(this.#job.stdout.slice(this.#seen));
        throw new Error(`The terminal shows ${shown}\n${this.#job.stderr}`, { cause: error });
      });
  }
}

/** Moves the program of this name away, or home if it is away. */
async function move(home: Host, away: Host, { program, forks }: Session): Promise<void> {
  const found = await waitFor(`a process "${program}"`, async () => {
    const { processes, shadows } = await home.snapshot();
    const [shadow] = shadows.filter((one) => one.program === program);
    const [process] = processes.filter((one) => one.program === program);
    return shadow !== undefined
      ? { ...shadow, away: true }
      : process && { ...process, away: false };
  });
  const order = found.away ? home.bringHome(found.pid) : home.migrate(found.pid, away);
  await order.catch((error) => {
    if (forks === true && /it has \d+ child/.test(error.message)) return;
    throw error;
  });
}

/** All that runs on a host and what it waits for: what shows nothing more is found there. */
async function processes(host: Host): Promise<string> {
  return `${host.name}:\n${await host.must(
    "ps -eo pid,pgid,tpgid,stat,pending,wchan:20,args; lb ps",
  )}`;
}

async function play(
  session: Session,
  { home, away }: { home: Host; away?: Host },
): Promise<{ screen: string; ended: string; moves: number }> {
  const directory = `session-${crypto.randomUUID()}`;
  await home.must(["mkdir", directory]);
  for (const [name, text] of Object.entries(session.files ?? {})) {
    await home.writeFile(`${directory}/${name}`, text);
  }
  const command = `cd ${directory}; ${session.command}`;
  const job = await home.spawn(["python3", "ptydrive.py", "24", "80", "bash", "-c", command], {
    env: {
      TERM: "xterm",
      L: away === undefined ? "" : "lb launch --",
      PYTHONDONTWRITEBYTECODE: "1",
    },
  });
  const terminal = new Terminal(job);
  await terminal.shows(session.start);
  let moves = 0;
  for (const { type, size, run, shows, moves: wanted } of session.steps) {
    if (away !== undefined && wanted !== false) {
      await move(home, away, session);
      moves++;
      // A signal in the moment of the return does not end a call that waits: docs/LIMITS.md.
      if (size !== undefined) await new Promise((done) => setTimeout(done, 300));
    }
    if (size !== undefined) await terminal.order({ size });
    if (size !== undefined && type !== undefined) {
      await new Promise((done) => setTimeout(done, 300));
    }
    if (type !== undefined) await terminal.order({ type });
    if (run !== undefined) await home.must(`cd ${directory}; ${run}`, { timeoutMs: 20_000 });
    if (shows !== undefined) {
      await terminal.shows(shows).catch(async (error) => {
        throw new Error(
          `${error.message}\n${await processes(home)}${away && await processes(away)}`,
          {
            cause: error,
          },
        );
      });
    }
  }
  await job.ending();
  await home.must(["rm", "-rf", directory]);
  return { screen: job.stdout.replaceAll(/\[1\] \d+/g, "[1] PID"), ended: job.stderr, moves };
}

Deno.test("on a terminal a moved program shows what an unmoved one shows", async (t) => {
  await using bed = await Testbed.create({ hosts: 2 });
  const [home, away] = [bed.host(0), bed.host(1)];
  await bed.startDaemons();
  await home.writeFile("ptydrive.py", driver);
  for (const session of [...sessions, movedShell]) {
    await t.step(session.name, async () => {
      const plain = await play(session, { home });
      const moved = await play(session, { home, away });
      assert.deepEqual({ ...moved, moves: 0 }, plain);
      assert.equal(moved.moves, session.steps.filter((step) => step.moves !== false).length);
    });
  }
});
