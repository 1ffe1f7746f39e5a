/**
 * signalfd(2) away from home.
 *
 * Event loops that move to and fro under a storm of signals.
 *
 * @module
 */
import assert from "node:assert/strict";
import { sleep, Testbed } from "../testbed/mod.ts";

const SECONDS = 12;
/** Reasons of a move that did not take place, but may the next time. */
const NOT_NOW = /did not answer within|it runs here already|has 1 child|too many signals/;
const REST_MS_MAX = 300;

Deno.test("a loop of epoll, signalfd and timerfd loses no signal when it moves, moves on and comes home", async () => {
  await using bed = await Testbed.create({ hosts: 3 });
  await bed.startDaemons();
  const [home, first, second] = [bed.host(0), bed.host(1), bed.host(2)];
  const job = await home.launchKnown(["signalloop", String(SECONDS)]);
  await job.output("ready\n");
  const sending = home.run(["signalloop", "send", String(job.pid), String(SECONDS - 1)], {
    timeoutMs: (SECONDS + 60) * 1000,
  });
  const end = performance.now() + (SECONDS - 2) * 1000;
  const orders = [
    ["migrate", String(job.pid), first.node],
    ["migrate", String(job.pid), second.node],
    ["home", String(job.pid)],
  ];
  const moves = [0, 0, 0];
  let refusals = "";
  for (let next = 0; performance.now() < end && job.running;) {
    const { code, stderr } = await home.lb(...orders[next] ?? []);
    assert.ok(code === 0 || !job.running || NOT_NOW.test(stderr), stderr + job.stdout);
    if (code === 0) {
      moves[next] = (moves[next] ?? 0) + 1;
      next = (next + 1) % orders.length;
    }
    refusals += stderr;
    await sleep(Math.random() * REST_MS_MAX);
  }
  assert.deepEqual(await job.ending(), { code: 0, signal: null }, job.stdout + job.stderr);
  const sent = (await sending).stdout.trim();
  assert.match(job.stdout, new RegExp(`^ready\nOK outside ${sent} own [1-9]\\d* `));
  assert.ok(moves.every((count) => count > 0), `${moves} moves\n${refusals}`);
});

/** Python's event loop with a signalfd: what it prints is what it has read, in order. */
const LOOP = `import asyncio, ctypes, os, signal, struct
libc = ctypes.CDLL(None, use_errno=True)
wanted = [signal.SIGUSR1, signal.SIGCHLD, signal.SIGALRM, signal.SIGTERM]
signal.pthread_sigmask(signal.SIG_BLOCK, wanted)
mask = (ctypes.c_ulong * 16)(sum(1 << (s - 1) for s in wanted))
fd = libc.signalfd(-1, mask, 0o4000)
children = {}
def on_signals():
    while True:
        try: info = os.read(fd, 128)
        except BlockingIOError: return
        number, _, code, pid = struct.unpack("iiiI", info[:16])
        status = struct.unpack("i", info[40:44])[0]
        if number == signal.SIGCHLD:
            print("child", children.pop(pid), status, os.waitpid(pid, 0)[1] >> 8, flush=True)
        elif number == signal.SIGTERM: loop.stop()
        else: print("signal", signal.Signals(number).name, pid in (0, os.getpid()), flush=True)
async def work():
    print("ready", flush=True)
    for step in range(40):
        await asyncio.sleep(0.1)
        if step % 5 == 0:
            name = f"child {step}"
            line = ["sh", "-c", f"exit {step}"]
            children[os.posix_spawnp("sh", line, os.environ, setsigmask=[])] = name
        if step % 5 == 2: os.kill(os.getpid(), signal.SIGUSR1)
        if step % 5 == 3: signal.setitimer(signal.ITIMER_REAL, 0.02)
    await asyncio.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)
loop = asyncio.new_event_loop()
loop.add_reader(fd, on_signals)
loop.create_task(work())
loop.run_forever()
print("end", len(children), flush=True)
`;

Deno.test("Python's event loop reads its signals from a signalfd, wherever it runs", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  await bed.startDaemons();
  const [home, away] = [bed.host(0), bed.host(1)];
  await home.writeFile("loop.py", LOOP);
  const wanted = (await home.must(["python3", "loop.py"])).split("\n");
  assert.ok(wanted.length >= 26, wanted.join("\n"));
  const job = await home.launchKnown(["python3", "loop.py"]);
  await job.output("ready\n");
  let moves = 0;
  while (job.running) {
    const order = moves % 2 === 0
      ? ["migrate", String(job.pid), away.node]
      : ["home", String(job.pid)];
    const { code, stderr } = await home.lb(...order);
    assert.ok(code === 0 || !job.running || NOT_NOW.test(stderr), stderr);
    if (code === 0) moves++;
    await sleep(Math.random() * REST_MS_MAX);
  }
  assert.deepEqual(await job.ending(), { code: 0, signal: null }, job.stderr);
  assert.deepEqual(job.stdout.split("\n"), wanted);
  assert.ok(moves >= 4, `${moves} moves`);
});

/** Prints which signals its signalfd has, with their values, once it may go on. */
const WAITING = `import ctypes, os, signal, struct, sys
libc = ctypes.CDLL(None)
wanted = [signal.SIGUSR1, signal.SIGCHLD, signal.SIGWINCH, 40]
signal.pthread_sigmask(signal.SIG_BLOCK, wanted)
fd = libc.signalfd(-1, (ctypes.c_ulong * 16)(sum(1 << (s - 1) for s in wanted)), 0o4000)
print("ready", flush=True)
for line in sys.stdin:
    if line == "child\\n":
        os.posix_spawnp("true", ["true"], os.environ)
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
        print("ended", flush=True)
        continue
    try:
        while True:
            info = os.read(fd, 128)
            print(*struct.unpack("i", info[:4]), *struct.unpack("i", info[44:48]), flush=True)
    except BlockingIOError: print("end", flush=True)
`;

Deno.test("what waits for a signalfd goes away, on and home with its process, in order", async () => {
  await using bed = await Testbed.create({ hosts: 3 });
  await bed.startDaemons();
  const [home, first, second] = [bed.host(0), bed.host(1), bed.host(2)];
  const job = await home.launchKnown(["python3", "-c", WAITING]);
  await job.output("ready\n");
  let value = 0;
  const queue = () =>
    home.must(["/usr/bin/kill", "-q", String(++value), "-s", "40", String(job.pid)]);
  const order = async (...words: string[]) => {
    await queue();
    await home.must(["lb", ...words]);
    await queue();
  };
  await job.kill("USR1");
  await order("migrate", String(job.pid), first.node);
  await job.write("child\n");
  await job.output("ended\n");
  await order("migrate", String(job.pid), second.node);
  await job.kill("WINCH");
  await order("home", String(job.pid));
  await job.write("look\n");
  await job.output("end\n");
  const numbers = Array.from({ length: value }, (_, index) => `40 ${index + 1}\n`).join("");
  assert.equal(job.stdout, `ready\nended\n10 0\n17 0\n28 0\n${numbers}end\n`);
  await job.closeInput();
  assert.deepEqual(await job.ending(), { code: 0, signal: null }, job.stderr);
});

Deno.test("a moved program that wants a signalfd for a signal of the shadow's comes home for it", async () => {
  await using bed = await Testbed.create({ hosts: 2 });
  await bed.startDaemons();
  const [home, away] = [bed.host(0), bed.host(1)];
  const script = `import ctypes, sys
print("ready", flush=True); sys.stdin.readline()
mask = (ctypes.c_ulong * 16)(1 << (29 - 1))
print(ctypes.CDLL(None).signalfd(-1, mask, 0) >= 0, flush=True); sys.stdin.readline()`;
  const job = await home.launchKnown(["python3", "-c", script]);
  await job.output("ready\n");
  await home.migrate(job.pid, away);
  await job.write("\n");
  await job.output("True\n");
  const snapshot = await home.waitForSnapshot(
    "why it stays",
    ({ processes }) => processes.some(({ pid, cantmove }) => pid === job.pid && cantmove !== null),
  );
  assert.match(snapshot.processes[0]?.cantmove ?? "", /signalfd4/);
  await job.closeInput();
  assert.deepEqual(await job.ending(), { code: 0, signal: null }, job.stderr);
});
