/** Drives the product itself, dist/lb: what only shows once it is compiled. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { version } from "../lib/base/version.ts";

const LB = fileURLToPath(new URL("../dist/lb", import.meta.url));

interface Result {
  readonly code: number;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunOptions {
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** A home of its own for each test, so that none sees another's daemon, key or extracted parts. */
class Home {
  readonly dir = Deno.makeTempDirSync();

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.dir, { recursive: true });
  }

  /** Runs lb. */
  async lb(args: readonly string[], options: RunOptions = {}): Promise<Result> {
    return await this.#run(LB, args, options);
  }

  /** Runs a shell's script. */
  async sh(script: string): Promise<Result> {
    return await this.#run("/bin/sh", ["-c", script], {});
  }

  async #run(program: string, args: readonly string[], options: RunOptions): Promise<Result> {
    const child = new Deno.Command(program, {
      args: [...args],
      cwd: options.cwd ?? "/",
      clearEnv: true,
      env: {
        PATH: "/usr/local/bin:/usr/bin:/bin",
        HOME: this.dir,
        LB_LIBDIR: `${this.dir}/parts`,
        ...options.env,
      },
      stdin: options.stdin === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    if (options.stdin !== undefined) {
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode(options.stdin));
      await writer.close();
    }
    const { code, signal, stdout, stderr } = await child.output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, signal, stdout: text(stdout), stderr: text(stderr) };
  }

  /** Writes a config whose node listens on an address of loopback that only this test uses. */
  async writeConfig(address: string): Promise<void> {
    await Deno.mkdir(`${this.dir}/.config/lb`, { recursive: true });
    await Deno.writeTextFile(
      `${this.dir}/.config/lb/lb.toml`,
      `listen = "${address}"\nkey-file = "key"\nruntime-dir = "${this.dir}/run"\n`,
    );
  }
}

Deno.test("lb --version and lb --help", async () => {
  await using home = new Home();
  assert.deepEqual(await home.lb(["--version"]), {
    code: 0,
    signal: null,
    stdout: `${version}\n`,
    stderr: "",
  });
  const help = await home.lb(["--help"]);
  assert.equal(help.code, 0);
  assert.match(help.stdout, /lb launch \[--\] PROG/);
  assert.equal(
    (await home.lb(["help", "launch"])).stdout,
    (await home.lb(["launch", "--help"])).stdout,
  );
});

Deno.test("lb without a subcommand, or with an unknown one, is a usage error", async () => {
  await using home = new Home();
  for (const args of [[], ["no-such"], ["--no-such"], ["toString"]]) {
    const { code, stderr, stdout } = await home.lb(args);
    assert.equal(code, 2);
    assert.equal(stdout, "");
    assert.match(stderr, /^lb: Cannot run lb .*\n {4}fix: .*launch/);
  }
});

Deno.test("lb launch ends as the program does, its signal included", async () => {
  await using home = new Home();
  const launch = (...args: string[]) => home.lb(["launch", "--no-daemon", ...args]);
  assert.equal((await launch("sh", "-c", "exit 42")).code, 42);
  assert.equal((await launch("sh", "-c", "kill -TERM $$")).signal, "SIGTERM");
  assert.deepEqual(await launch("--", "printf", "%s|", "--help", "a b", ""), {
    code: 0,
    signal: null,
    stdout: "--help|a b||",
    stderr: "",
  });
});

Deno.test("lb launch leaves standard input and the working directory to the program", async () => {
  await using home = new Home();
  const text = "line\n".repeat(20_000);
  const args = ["launch", "--no-daemon", "sh", "-c", "pwd; cat"];
  const { stdout } = await home.lb(args, { stdin: text, cwd: home.dir });
  assert.equal(stdout, `${await Deno.realPath(home.dir)}\n${text}`);
});

Deno.test("lb launch leaves no descriptor, ignored signal or thread of its own behind", async () => {
  await using home = new Home();
  const script = "ls -l /proc/self/fd | wc -l; cat /proc/self/status";
  const bare = await new Deno.Command("sh", { args: ["-c", script], stdin: "null" }).output();
  const { stdout } = await home.lb(["launch", "--no-daemon", "sh", "-c", script]);
  const without = new TextDecoder().decode(bare.stdout);
  const descriptors = (text: string) => text.split("\n")[0];
  assert.equal(descriptors(stdout), descriptors(without));
  assert.match(stdout, /^Threads:\t1$/m);
  assert.match(stdout, /^SigBlk:\t0+$/m);
  // Under nohup, or as a job of a script, the tests themselves ignore some; and Deno starts its children
  // with signals 32 and 33 ignored.
  const ignored = (text: string) => BigInt(`0x${/^SigIgn:\t(\w+)$/m.exec(text)?.[1]}`);
  assert.equal(ignored(stdout), ignored(without) & ~0x1_8000_0000n);
});

Deno.test("lb launch: 127 not found, 126 cannot be executed, 125 an error of its own", async () => {
  await using home = new Home();
  const launch = (...args: string[]) => home.lb(["launch", ...args]);
  assert.equal((await launch("--no-daemon", "no-such-program")).code, 127);
  assert.equal((await launch("--no-daemon", "/etc/passwd")).code, 126);
  assert.equal((await launch("--no-daemon", "/")).code, 126);
  await Deno.writeTextFile(`${home.dir}/bad`, "#!/no/such/interpreter\n", { mode: 0o755 });
  assert.equal((await launch("--no-daemon", `${home.dir}/bad`)).code, 126);
  assert.equal((await launch("--no-such-option", "true")).code, 125);
  const { code, stderr } = await launch("true");
  assert.equal(code, 125);
  assert.match(stderr, /^lb: Cannot launch as a daemon must answer on .*\n {4}fix: Start one/);
  await Deno.mkdir(`${home.dir}/.config/lb`, { recursive: true });
  await Deno.writeTextFile(`${home.dir}/.config/lb/lb.toml`, "unknown = 1");
  assert.equal((await launch("true")).code, 125);
});

Deno.test("lb launch runs what it cannot balance, and says so in one line", async () => {
  await using home = new Home();
  const program = `${home.dir}/static`;
  await Deno.writeTextFile(`${home.dir}/a.c`, "int main(void) { return 9; }\n");
  const cc = await new Deno.Command("cc", { args: ["-static", "-o", program, `${home.dir}/a.c`] })
    .output();
  assert.ok(cc.success);
  const { code, stderr } = await home.lb(["launch", "--no-daemon", program]);
  assert.equal(code, 9);
  assert.match(stderr, /^lb: .*static runs here without balancing as it is statically linked\n$/);
});

Deno.test("lb launch needs no more than its program does, whatever the limits", async () => {
  await using home = new Home();
  const limited = (limits: string, ...args: string[]) =>
    home.sh(`ulimit ${limits}; exec ${LB} ${args.join(" ")}`);
  const tight = ["-v 2000000", "-d 20000", "-n 4", "-s 128", "-f 0"];
  const launch = ["launch", "--no-daemon", "--", "/bin/echo", "fine"];
  const fine = { code: 0, signal: null, stdout: "fine\n", stderr: "" };
  for (const limits of tight) assert.deepEqual(await limited(limits, ...launch), fine, limits);
  assert.deepEqual(await home.lb(launch), fine); // prepares everything
  for (const limits of tight) assert.deepEqual(await limited(limits, ...launch), fine, limits);
  // Where nothing can be done without Deno one line says what it lacks.
  for (const [limits, what] of [["-v 2000000", /address space/], ["-n 8", /open files/]] as const) {
    const { code, stdout, stderr } = await limited(limits, "launch", "true");
    assert.equal(code, 125);
    assert.equal(stdout, "");
    assert.match(
      stderr,
      /^lb: Cannot start lb as the limit of .*\n {4}fix: Raise the limit by .*\n$/,
    );
    assert.match(stderr, what);
    assert.equal((await limited(limits, "ps")).code, 4);
  }
});

Deno.test("lb launch under a daemon needs no Deno, and is as fast as its program", async () => {
  await using home = new Home();
  await home.writeConfig("127.0.12.37:9734");
  assert.equal((await home.lb(["daemon", "--detach"])).code, 0);
  const pid = Number(await Deno.readTextFile(`${home.dir}/run/lock`));
  try {
    const script = `ulimit -v 2000000; exec ${LB} launch sh -c 'echo $$; env; exit 6'`;
    const { code, stdout, stderr } = await home.sh(script);
    assert.equal(stderr, "");
    assert.equal(code, 6);
    assert.doesNotMatch(stdout, /^LB_(?!LIBDIR)/m);
  } finally {
    Deno.kill(pid, "SIGTERM");
    for (let tries = 0; tries < 100; tries++) {
      if (!await Deno.stat(`/proc/${pid}`).then(() => true, () => false)) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
});

Deno.test("lb env gives a shell what lb launch sets", async () => {
  await using home = new Home();
  const { stdout } = await home.lb(["env"], { env: { LD_PRELOAD: "libm.so.6" } });
  const lines = stdout.trim().split("\n");
  assert.match(
    lines[0] ?? "",
    /^export LD_PRELOAD=libm\.so\.6:\/.*\/[0-9a-f]{16}\/[0-9a-f]{16}\/lb-preload\.so$/,
  );
  assert.equal(lines.length, 1);
  const library = lines[0]?.replace(/^.*:/, "") ?? "";
  const control = await Deno.readLink(`${library.slice(0, library.lastIndexOf("/"))}/control`);
  assert.equal(control, `${home.dir}/.local/state/lb/control.sock`);
  const launched = await home.lb(["launch", "--no-daemon", "sh", "-c", "echo $LD_PRELOAD"]);
  assert.equal(`export LD_PRELOAD=libm.so.6:${launched.stdout.trim()}`, lines[0]);
});

Deno.test("the parts are extracted once, and again when they were wiped", async () => {
  await using home = new Home();
  const run = () => home.lb(["launch", "--no-daemon", "true"]);
  await Promise.all([run(), run(), run()]);
  const list = () =>
    [...Deno.readDirSync(`${home.dir}/parts`)].flatMap(({ name }) =>
      [...Deno.readDirSync(`${home.dir}/parts/${name}`)].filter((entry) => entry.isFile)
        .map((entry) => entry.name)
    ).sort();
  assert.deepEqual(list(), ["lb-ffi.so", "lb-preload.so"]);
  await Deno.remove(`${home.dir}/parts`, { recursive: true });
  assert.equal((await run()).code, 0);
  assert.deepEqual(list(), ["lb-ffi.so", "lb-preload.so"]);
});

Deno.test("lb daemon --detach is up when it returns; a second one is refused", async () => {
  await using home = new Home();
  await home.writeConfig("127.0.12.34:9734");
  // From a script with a file of its own open, which the daemon must not keep.
  const inherited = `${home.dir}/inherited`;
  const { code, stdout, stderr } = await home.sh(`exec 7>${inherited}; exec ${LB} daemon --detach`);
  assert.equal(stderr, "");
  assert.equal(code, 0);
  assert.equal(stdout, "READY 127.0.12.34:9734\n");
  const pid = Number(await Deno.readTextFile(`${home.dir}/run/lock`));
  try {
    const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
    const [, parent, group, session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    assert.notEqual(Number(parent), Deno.pid);
    assert.equal(Number(group), pid);
    assert.equal(Number(session), pid);
    assert.equal(await Deno.readLink(`/proc/${pid}/cwd`), "/");
    for await (const { name } of Deno.readDir(`/proc/${pid}/fd`)) {
      const target = await Deno.readLink(`/proc/${pid}/fd/${name}`).catch(() => "");
      assert.notEqual(target, inherited);
    }
    assert.equal((await home.lb(["doctor"])).code, 0);
    assert.equal((await home.lb(["launch", "sh", "-c", "exit 5"])).code, 5);
    const second = await home.lb(["daemon", "--detach"]);
    assert.equal(second.code, 4);
    assert.match(
      second.stderr,
      /^lb: Cannot start a daemon in .*: one runs there already, pid \d+\n/,
    );
  } finally {
    Deno.kill(pid, "SIGTERM");
    for (let tries = 0; tries < 100; tries++) {
      if (!await Deno.stat(`/proc/${pid}`).then(() => true, () => false)) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  assert.match(await Deno.readTextFile(`${home.dir}/run/daemon.log`), /daemon stops/);
});

Deno.test("lb daemon --detach says what the daemon could not do", async () => {
  await using home = new Home();
  await home.writeConfig("127.0.12.36:9734");
  await Deno.writeTextFile(`${home.dir}/run`, "in the way");
  const { code, stdout, stderr } = await home.lb(["daemon", "--detach"]);
  assert.equal(stdout, "");
  assert.match(stderr, /^lb: Cannot use \S+\/run as the runtime directory: .+\n +fix: /);
  assert.equal(code, 4);
});

Deno.test("lb doctor ends with 1 when something is wrong, and says what to do", async () => {
  await using home = new Home();
  const { code, stdout } = await home.lb(["doctor"]);
  assert.equal(code, 1);
  assert.match(stdout, /^BAD {3}Cannot reach this node's daemon .*\n {6}fix: Start it by/m);
});
