/**
 * One host of a testbed.
 *
 * It runs commands, starts programs, reads and writes files there.
 *
 * @module
 */
import type { CpuGroup, CpuLimit, CpuUse } from "./cpu_limit.ts";
import type { Snapshot } from "./snapshot.ts";
import { type Daemon, type DaemonOptions, startDaemon } from "./daemon.ts";
import { Job } from "./job.ts";
import { capture, must, PATIENCE_MS, type Result, waitFor } from "./shell.ts";

/** The ordinary user that daemons and programs run as; "nobody" exists everywhere. */
export const ORDINARY_UID = 65534;

/** Beyond any limit that `lb` itself keeps in a test: it hangs. */
const LB_MS_MAX = 180_000;

/** How commands get into a host, and what they find there. */
export interface Place {
  /** Put before a command to run it on the host: as root where that is apart. */
  readonly enter: readonly string[];
  /** PID of the ancestor of all that runs there; null where namespaces keep it apart. */
  readonly tree: number | null;
  /** Prefix that turns a path on the host into one of ours. */
  readonly root: string;
  readonly home: string;
  /** Directory of temporary files on the host. */
  readonly temporary: string;
  /** PATH on the host. */
  readonly path: string;
  /** CPU that everything runs on. */
  readonly cpu: number | undefined;
}

/** Options of {@linkcode Host.spawn} and {@linkcode Host.run}. */
export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Runs as root with all capabilities, where the testbed has them. */
  readonly asRoot?: boolean;
  /** Limit for {@linkcode Host.run}, after which it throws. @default ten minutes */
  readonly timeoutMs?: number;
  /** Command that runs the program, such as `setsid`. */
  readonly through?: readonly string[];
}

/** One host. */
export class Host {
  readonly index: number;
  readonly name: string;
  /** Its IPv4 address. */
  readonly address: string;
  /** Its name to other nodes. */
  readonly node: string;
  readonly place: Place;
  readonly #all: readonly Host[];
  /** The control group that started programs join, when the CPU is limited. */
  #group: CpuGroup | undefined;
  readonly #control: HostControl;
  #daemon: Daemon | undefined;
  #spawned = 0;
  readonly #jobs: Job[] = [];

  constructor(
    index: number,
    address: string,
    port: number,
    place: Place,
    control: HostControl,
    all: readonly Host[],
  ) {
    this.index = index;
    this.name = `host${index}`;
    this.address = address;
    this.node = `${address}:${port}`;
    this.place = place;
    this.#control = control;
    this.#all = all;
  }

  /** Its home and working directory, as a path on the host. */
  get home(): string {
    return this.place.home;
  }

  get daemon(): Daemon {
    if (this.#daemon === undefined) throw new Error(`No daemon was started on ${this.name}`);
    return this.#daemon;
  }

  /** Without namespaces all runs as the user who runs the tests, who may reach the files. */
  get #dropsRoot(): boolean {
    return this.place.tree === null;
  }

  /** The whole command line that runs `argv` here, starting in the home directory. */
  argv(argv: readonly string[], options: RunOptions = {}, prepare = ""): string[] {
    const { home, temporary, path, enter, cpu } = this.place;
    const env: Record<string, string> = {
      HOME: home,
      PATH: path,
      LANG: "C.UTF-8",
      SHELL: "/bin/sh",
      TMPDIR: temporary,
      LB_CONFIG: `${home}/lb.toml`,
      ...options.env,
    };
    const line = [...enter];
    if (this.#group !== undefined) {
      const join = this.#group.files.map((file) => `echo 0 > ${file} && `).join("");
      line.push("sh", "-c", `${join}exec "$@"`, "sh");
    }
    if (cpu !== undefined) line.push("taskset", "--cpu-list", String(cpu));
    if (this.#dropsRoot && options.asRoot !== true) {
      line.push("setpriv", `--reuid=${ORDINARY_UID}`, `--regid=${ORDINARY_UID}`, "--clear-groups");
      line.push("--inh-caps=-all");
    }
    line.push("env", "--ignore-environment");
    for (const [name, value] of Object.entries(env)) line.push(`${name}=${value}`);
    line.push(...options.through ?? []);
    line.push("sh", "-c", `${prepare} cd "$HOME" && exec "$@"`, "sh");
    return [...line, ...argv];
  }

  /** Runs a command to its end; a string is a shell's. */
  async run(command: string | readonly string[], options: RunOptions = {}): Promise<Result> {
    const argv = typeof command === "string" ? ["sh", "-c", command] : command;
    return await capture(this.argv(argv, options), options.timeoutMs);
  }

  /** Like {@linkcode run}, but throws with what it said unless it succeeds; returns its output. */
  async must(command: string | readonly string[], options: RunOptions = {}): Promise<string> {
    const result = await this.run(command, options);
    if (result.code !== 0) {
      throw new Error(
        `\`${typeof command === "string" ? command : command.join(" ")}\` on ${this.name} ended ` +
          `with ${result.code}\nstdout: ${result.stdout}\nstderr: ${result.stderr}`,
      );
    }
    return result.stdout;
  }

  /** PIDs of the processes of this name that run here, and not only on the same machine. */
  async pidsOf(name: string): Promise<number[]> {
    const { tree } = this.place;
    const pids = (await this.run(["pgrep", "-x", name])).stdout.trim().split("\n")
      .filter((line) => line !== "").map(Number);
    return tree === null ? pids : pids.filter((pid) => descends(pid, tree));
  }

  /** Starts a program; its PID on the host stays that of `argv`, through every exec. */
  async spawn(argv: readonly string[], options: RunOptions = {}): Promise<Job> {
    const pidFile = `${this.place.temporary}/pid.${this.#spawned++}`;
    // Renamed when complete, as the file is read while it is written.
    const prepare = `echo $$ > ${pidFile};`;
    const job = await Job.start(
      this.argv(argv, options, prepare),
      this.place.root + pidFile,
      async (pid, signal) => {
        await this.must(["kill", `-${signal}`, String(pid)]);
      },
    );
    this.#jobs.push(job);
    return job;
  }

  /** Waits until all that was spawned has ended, and its output with it: nothing is left that could write. */
  async ended(): Promise<void> {
    await Promise.all(this.#jobs.map((job) => job.ending()));
  }

  /** Runs `lb` with these arguments. */
  async lb(...args: string[]): Promise<Result> {
    return await this.run(["lb", ...args], { timeoutMs: LB_MS_MAX });
  }

  /** Starts `lb launch -- PROG...`. */
  async launch(argv: readonly string[], options: RunOptions = {}): Promise<Job> {
    return await this.spawn(["lb", "launch", "--", ...argv], options);
  }

  /** Path of ours for a path on the host; relative ones are in the home directory. */
  outside(path: string): string {
    return this.place.root + (path.startsWith("/") ? path : `${this.home}/${path}`);
  }

  async writeFile(path: string, content: string | Uint8Array, mode = 0o644): Promise<void> {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    const outside = this.outside(path);
    await Deno.writeFile(outside, bytes);
    await Deno.chmod(outside, mode);
    if (this.#dropsRoot) await Deno.chown(outside, ORDINARY_UID, ORDINARY_UID);
  }

  async readFile(path: string): Promise<Uint8Array> {
    return await Deno.readFile(this.outside(path));
  }

  async readTextFile(path: string): Promise<string> {
    return await Deno.readTextFile(this.outside(path));
  }

  async exists(path: string): Promise<boolean> {
    return await Deno.lstat(this.outside(path)).then(() => true, () => false);
  }

  async startDaemon(options: DaemonOptions = {}): Promise<Daemon> {
    this.#daemon = await startDaemon(this, this.#all, options);
    return this.#daemon;
  }

  /** What the node's daemon tells of itself. */
  async snapshot(): Promise<Snapshot> {
    return JSON.parse(await this.must(["lb", "monitor", "--json"])) as Snapshot;
  }

  /** Waits until the snapshot satisfies `wanted`. */
  async waitForSnapshot(
    what: string,
    wanted: (snapshot: Snapshot) => boolean,
    timeoutMs: number = PATIENCE_MS,
  ): Promise<Snapshot> {
    let last: Snapshot | undefined;
    try {
      return await waitFor(what, async () => {
        last = await this.snapshot();
        return wanted(last) ? last : undefined;
      }, { timeoutMs, intervalMs: 150 });
    } catch (error) {
      throw new Error(`${this.name}: last snapshot ${JSON.stringify(last)}`, { cause: error });
    }
  }

  /** Waits until the daemon knows this process as running here. */
  async waitForProcess(pid: number): Promise<void> {
    await this.waitForSnapshot(
      `PID ${pid} in the list of processes`,
      (snapshot) => snapshot.processes.some((process) => process.pid === pid),
    );
  }

  /** Starts a program under lb and waits until its daemon knows it. */
  async launchKnown(argv: readonly string[], options: RunOptions = {}): Promise<Job> {
    const job = await this.launch(argv, options);
    await this.waitForProcess(job.pid).catch((error) => {
      throw new Error(`stdout: ${job.stdout}\nstderr: ${job.stderr}`, { cause: error });
    });
    return job;
  }

  /** Moves a process by `lb migrate`; the error shows both nodes' logs. */
  async migrate(pid: number, to: Host): Promise<void> {
    await this.#order(["migrate", String(pid), to.node], to);
  }

  /** Brings a process home by `lb home`. */
  async bringHome(pid: number): Promise<void> {
    await this.#order(["home", String(pid)], this);
  }

  async #order(args: string[], other: Host): Promise<void> {
    const result = await this.lb(...args);
    if (result.code === 0) return;
    throw new Error(
      `\`lb ${args.join(" ")}\` on ${this.name} ended with ${result.code}: ${result.stderr}` +
        `${this.name} logged:\n${this.#daemon?.log.slice(-2000)}\n` +
        `${other.name} logged:\n${other.#daemon?.log.slice(-2000)}`,
    );
  }

  /** Lets everything that is started from now on use only a part of one CPU. */
  async limitCpu(limit: CpuLimit): Promise<void> {
    this.#group = await this.#control.limitCpu(this.index, limit);
  }

  /** What has been used since then. */
  async cpuUse(): Promise<CpuUse> {
    if (this.#group === undefined) throw new Error(`The CPU of ${this.name} is not limited`);
    return await this.#group.use();
  }

  /** Loses every packet to and from this host. */
  async cut(): Promise<void> {
    await this.#control.cut(this.index);
  }

  async restore(): Promise<void> {
    await this.#control.restore(this.index);
  }

  /** Ends every process of the host at once, as a power failure does. */
  async kill(): Promise<void> {
    await this.#control.kill(this.index);
  }

  /** Puts an empty file over a program, so that it does not exist here. */
  async hide(path: string): Promise<void> {
    if (this.place.tree !== null) {
      throw new Error(`Cannot hide ${path} as hosts share one file system: run as root`);
    }
    await must([...this.place.enter, "mount", "--bind", "/dev/null", path]);
  }
}

/** Whether a process has this ancestor, by field 4 of proc_pid_stat(5). */
function descends(pid: number, ancestor: number): boolean {
  try {
    for (let at = pid; at > 1;) {
      if (at === ancestor) return true;
      const stat = Deno.readTextFileSync(`/proc/${at}/stat`);
      at = Number(stat.slice(stat.lastIndexOf(")") + 1).trim().split(" ")[1]);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound) && !/ESRCH|os error 3/.test(`${error}`)) {
      throw error;
    }
  }
  return false;
}

/** What only the testbed can do to a host. */
export interface HostControl {
  limitCpu(index: number, limit: CpuLimit): Promise<CpuGroup>;
  cut(index: number): Promise<void>;
  restore(index: number): Promise<void>;
  kill(index: number): Promise<void>;
}
