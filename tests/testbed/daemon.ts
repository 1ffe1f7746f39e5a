/**
 * The `lb daemon` of a testbed host.
 *
 * Its config, its start and its end.
 *
 * @module
 */
import type { Host } from "./host.ts";
import type { Job } from "./job.ts";
import { waitFor } from "./shell.ts";

export const DEFAULT_PORT = 9734;

/** One cluster key for all hosts of all testbeds; it guards nothing but tests. */
const CLUSTER_KEY = "5a".repeat(32);

/** What a daemon runs with; what is not given is as good as off for a test that does not name it. */
export interface DaemonOptions {
  /** @default {{ thu: 1, thf: 500, thv: 1000 }}: nothing moves by itself */
  readonly thresholds?: {
    readonly thu: number;
    readonly thf: number;
    readonly thv: number;
    /** @default {processes} */
    readonly unit?: "percent";
  };
  /** Seconds between checks. @default {1} */
  readonly frequency?: number;
  /** @default {"most-cpu"} */
  readonly select?: string;
  /** Indexes of the associated hosts in preference order. @default all others */
  readonly associated?: readonly number[];
  /** Further environment, such as LB_FAULT. */
  readonly env?: Readonly<Record<string, string>>;
  /** Further lines of the config file, before its first table. */
  readonly extra?: string;
}

/** Writes key and config and starts the daemon; returns once it has printed READY. */
export async function startDaemon(
  host: Host,
  hosts: readonly Host[],
  options: DaemonOptions,
): Promise<Daemon> {
  const { thu, thf, thv, unit } = options.thresholds ??
    { thu: 1, thf: 500, thv: 1000, unit: undefined };
  const associated = (options.associated ?? hosts.map((_, index) => index))
    .filter((index) => index !== host.index)
    .map((index) => `"${hosts[index]?.node}"`);
  await host.writeFile("cluster.key", CLUSTER_KEY, 0o600);
  await host.writeFile(
    "lb.toml",
    `listen = "${host.node}"
associated = [${associated.join(", ")}]
frequency = ${options.frequency ?? 1}
select = "${options.select ?? "most-cpu"}"
key-file = "${host.home}/cluster.key"
runtime-dir = "${host.home}/run"
${options.extra ?? ""}
[thresholds]
thu = ${thu}
thf = ${thf}
thv = ${thv}
${unit === undefined ? "" : `unit = "${unit}"`}
`,
  );
  const daemon = new Daemon(host, options.env ?? {});
  await daemon.start();
  return daemon;
}

/** A running daemon. */
export class Daemon {
  #job: Job | undefined;
  readonly #host: Host;
  readonly #env: Readonly<Record<string, string>>;
  #log = "";

  constructor(host: Host, env: Readonly<Record<string, string>>) {
    this.#host = host;
    this.#env = env;
  }

  async start(): Promise<void> {
    this.#job = await this.#host.spawn(["lb", "daemon"], { env: this.#env });
    await this.#job.output(/^READY /m);
  }

  get pid(): number {
    if (this.#job === undefined) throw new Error("The daemon does not run");
    return this.#job.pid;
  }

  /** All that it has logged, over restarts. */
  get log(): string {
    return this.#log + (this.#job === undefined ? "" : this.#job.stdout + this.#job.stderr);
  }

  async waitForLog(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray> {
    return await waitFor(`${pattern} in the log of ${this.#host.name}`, () => {
      return pattern.exec(this.log) ?? undefined;
    }, timeoutMs === undefined ? {} : { timeoutMs });
  }

  /** Ends it by a signal and waits for its end. */
  async stop(signal = "TERM"): Promise<void> {
    const job = this.#job;
    if (job === undefined) return;
    if (job.running) await job.kill(signal);
    await job.exited();
    this.#log += job.stdout + job.stderr;
    this.#job = undefined;
  }
}
