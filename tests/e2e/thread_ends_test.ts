/**
 * Ends of a process by one of its threads.
 *
 * And what a thread executes: each, away from home, as at home.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type Host, Testbed } from "../testbed/mod.ts";
import { threadsMove } from "../testbed/torture.ts";

/** Waits for a line in a thread that is not the first, and does `deed` there. */
function script(deed: string): string {
  return `
import ctypes, os, resource, signal, sys, threading, time
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
def sleep():
    while True: time.sleep(0.05)
def other():
    sys.stdin.readline()
    print("pid", os.getpid() == pid, threading.get_native_id() != pid, flush=True)
    ${deed.trim().replaceAll("\n", "\n    ")}
pid = os.getpid()
threading.Thread(target=sleep, daemon=True).start()
thread = threading.Thread(target=other)
thread.start()
print("ready", flush=True)
thread.join()
print("joined", flush=True)
`;
}

const deeds: readonly (readonly [name: string, deed: string])[] = [
  ["exit_group", "os._exit(9)"],
  ["execve", "os.execv('/bin/sh', ['sh', '-c', 'echo executed $$ > pid; exit 8'])"],
  ["abort", "os.abort()"],
  ["a fault", "ctypes.string_at(8)"],
  ["SIGTERM for the process", "os.kill(pid, signal.SIGTERM); time.sleep(60)"],
  ["SIGKILL for the process", "os.kill(pid, signal.SIGKILL); time.sleep(60)"],
  ["SIGQUIT for itself", "signal.pthread_kill(threading.get_ident(), signal.SIGQUIT)"],
  [
    "fork",
    `child = os.fork()
if child == 0:
    os._exit(5 if threading.get_native_id() == os.getpid() else 6)
print("child", os.waitpid(child, 0)[1] >> 8, flush=True)`,
  ],
  [
    "posix_spawn",
    `child = os.posix_spawn("/bin/sh", ["sh", "-c", "echo spawned; exit 4"], os.environ)
print("child", os.waitpid(child, 0)[1] >> 8, flush=True)`,
  ],
  [
    "a new user for all threads",
    "os.setresuid(os.getuid(), os.getuid(), os.getuid()); print('set')",
  ],
  [
    "a thread of its own",
    `done = []
more = [threading.Thread(target=lambda n=n: done.append(n)) for n in range(20)]
for one in more: one.start()
for one in more: one.join()
print(sorted(done), flush=True)`,
  ],
];

/** Runs it to its end; moved, if `away` is given, before it does the deed. */
async function run(home: Host, away: Host | undefined, deed: string): Promise<unknown> {
  const launch = away === undefined ? [] : ["lb", "launch", "--"];
  const job = await home.spawn([...launch, "python3", "-c", script(deed)]);
  await job.output("ready\n");
  if (away !== undefined) {
    await home.waitForProcess(job.pid);
    await home.migrate(job.pid, away);
  }
  await job.write("\n");
  const ending = await job.ending();
  // What a program that was executed says of its PID, beside the one that was started.
  const executed = await home.run(["sh", "-c", "cat pid && rm pid"]);
  return {
    ...ending,
    stdout: job.stdout,
    executed: executed.stdout.replace(String(job.pid), "that was started"),
  };
}

Deno.test({
  name: `what a thread does to its process away from home is what it does at home`,
  fn: async (t) => {
    await using bed = await Testbed.create({ hosts: 2 });
    const [home, away] = [bed.host(0), bed.host(1)];
    await bed.startDaemons({ extra: threadsMove });
    for (const [name, deed] of deeds) {
      await t.step(name, async () => {
        assert.deepEqual(await run(home, away, deed), await run(home, undefined, deed));
      });
    }
    await away.waitForSnapshot("no guest", (snapshot) => snapshot.queueLength === 0);
  },
});
