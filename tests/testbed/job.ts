/**
 * A program on a testbed host, with its output.
 *
 * @module
 */
import { PATIENCE_MS, waitFor } from "./shell.ts";

/** How a job ended. */
export interface Ending {
  readonly code: number;
  readonly signal: Deno.Signal | null;
}

/** Text that arrives on a pipe. */
class Collected {
  text = "";
  readonly done: Promise<void>;

  constructor(stream: ReadableStream<Uint8Array>) {
    this.done = this.#collect(stream);
  }

  async #collect(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of stream) this.text += decoder.decode(bytes, { stream: true });
  }
}

/** A started program; always wait for its {@linkcode Job.ending}, or close the testbed. */
export class Job {
  /** PID on its host. */
  readonly pid: number;
  readonly #child: Deno.ChildProcess;
  readonly #stdout: Collected;
  readonly #stderr: Collected;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array>;
  readonly #kill: (signal: string) => Promise<void>;
  #stdinOpen = true;
  #ending: Ending | undefined;
  readonly #ended: Promise<Ending>;

  private constructor(
    child: Deno.ChildProcess,
    pid: number,
    kill: (pid: number, signal: string) => Promise<void>,
  ) {
    this.#child = child;
    this.pid = pid;
    this.#stdout = new Collected(child.stdout);
    this.#stderr = new Collected(child.stderr);
    this.#stdin = child.stdin.getWriter();
    this.#kill = (signal) => kill(pid, signal);
    this.#ended = this.#finish();
  }

  /**
   * Starts `argv`, whose first output to `pidFile` is its PID.
   *
   * @param kill Sends a signal to a PID of that host.
   */
  static async start(
    argv: readonly string[],
    pidFile: string,
    kill: (pid: number, signal: string) => Promise<void>,
  ): Promise<Job> {
    const [program = "", ...args] = argv;
    const child = new Deno.Command(program, {
      args,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const pid = await waitFor("a program's PID", async () => {
      const text = await Deno.readTextFile(pidFile).catch(() => "");
      return text.endsWith("\n") ? Number(text) : undefined;
    }, { intervalMs: 5 });
    await Deno.remove(pidFile).catch(() => {/* its host may be gone already */});
    return new Job(child, pid, kill);
  }

  async #finish(): Promise<Ending> {
    const status = await this.#child.status;
    if (this.#stdinOpen) await this.closeInput();
    await Promise.all([this.#stdout.done, this.#stderr.done]);
    this.#ending = { code: status.code, signal: status.signal };
    return this.#ending;
  }

  /** Waits for its end alone: what it started may still hold its output open. */
  async exited(): Promise<void> {
    await this.#child.status;
  }

  /** What it has written so far. */
  get stdout(): string {
    return this.#stdout.text;
  }

  get stderr(): string {
    return this.#stderr.text;
  }

  get running(): boolean {
    return this.#ending === undefined;
  }

  /**
   * Closes its input, as nothing more is written to it, and waits for its end; an error that shows its
   * output after `timeoutMs`.
   */
  async ending(timeoutMs: number = PATIENCE_MS): Promise<Ending> {
    if (this.#stdinOpen) void this.closeInput();
    let timer: number | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(
          new Error(
            `PID ${this.pid} has not ended in ${timeoutMs} ms\nstdout: ${
              this.stdout.slice(-2000)
            }\nstderr: ${this.stderr.slice(-2000)}`,
          ),
        );
      }, timeoutMs);
    });
    try {
      return await Promise.race([this.#ended, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Waits until its standard output has the text or matches. */
  async output(wanted: string | RegExp, timeoutMs = PATIENCE_MS): Promise<RegExpExecArray> {
    const pattern = typeof wanted === "string"
      ? new RegExp(wanted.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
      : wanted;
    return await waitFor(`"${wanted}" in the output of PID ${this.pid}`, () => {
      const match = pattern.exec(this.stdout);
      if (match === null && !this.running) {
        throw new Error(
          `PID ${this.pid} ended with ${
            JSON.stringify(this.#ending)
          } before it wrote "${wanted}"\n` +
            `stdout: ${this.stdout.slice(-2000)}\nstderr: ${this.stderr.slice(-2000)}`,
        );
      }
      return match ?? undefined;
    }, { timeoutMs });
  }

  async write(text: string): Promise<void> {
    await this.#stdin.write(new TextEncoder().encode(text));
  }

  async closeInput(): Promise<void> {
    this.#stdinOpen = false;
    await this.#stdin.close().catch(() => {/* the reader has gone first */});
  }

  /** Sends a signal, by its name without SIG, to its PID on its host. */
  async kill(signal = "TERM"): Promise<void> {
    await this.#kill(signal);
  }
}
