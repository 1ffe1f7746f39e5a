/**
 * A throng of threads (tests/programs/throng.c) on a host.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Host, Job } from "./mod.ts";

/** Kinds of throngs, as the program's first lines tell them. */
export type Kind =
  | "sleeping"
  | "computing"
  | "churning"
  | "raw"
  | "blocking"
  | "closing"
  | "forking";

/** After so long threads that live have answered, on whatever machine. */
const ANSWER_MS_MAX = 60_000;
const STATUS = 6;

/** A running throng, which can be asked whether all its threads live. */
export class Throng {
  readonly job: Job;
  readonly #threads: number;
  #said = "ready\n";

  private constructor(job: Job, threads: number) {
    this.job = job;
    this.#threads = threads;
  }

  /** Starts so many threads beside the first one. */
  static async start(
    home: Host,
    kind: Kind,
    threads: number,
    { stackBytes }: { stackBytes?: number } = {},
  ): Promise<Throng> {
    const stack = stackBytes === undefined ? [] : [String(stackBytes)];
    const job = await home.launchKnown(["throng", kind, String(threads), ...stack]);
    const throng = new Throng(job, threads);
    await job.output("ready\n", ANSWER_MS_MAX);
    return throng;
  }

  /** Asks all threads, and waits for each one's answer; "o" lets go what holds one of them. */
  async answers(line: "" | "o" = ""): Promise<void> {
    await this.job.write(`${line}\n`);
    this.#said += `all ${this.#threads}\n`;
    await this.job.output(this.#said, ANSWER_MS_MAX);
  }

  /** Its last answers, and its end as it should be. */
  async end(): Promise<void> {
    await this.answers();
    await this.job.closeInput();
    const ending = await this.job.ending(ANSWER_MS_MAX);
    assert.deepEqual(ending, { code: STATUS, signal: null }, this.job.stdout + this.job.stderr);
    assert.equal(this.job.stdout, `${this.#said}end\n`);
  }
}
