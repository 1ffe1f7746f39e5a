/**
 * A host whose kernel reports what a test wants.
 *
 * Files over those of /proc.
 *
 * @module
 */
import { type Host, sleep } from "../testbed/mod.ts";

/** Between two updates of the sums, much less than a check. */
const STEP_MS = 50;
const TICKS_PER_SECOND = 100;
const CPUS_MAX = 64;

/** What the machine does from now on; shares of one second. */
export interface Doing {
  readonly cpuStall: number;
  readonly memoryStall: number;
  readonly availableBytes: number;
  /** Of each processor. */
  readonly busy: number;
}

/** Stands in for what a kernel tells of its machine. */
export class FakeMachine implements AsyncDisposable {
  readonly totalBytes = 32e9;
  doing: Doing = { cpuStall: 0, memoryStall: 0, availableBytes: 30e9, busy: 0 };
  readonly #files: string;
  readonly #sums = { cpu: 0, memory: 0, busy: 0, idle: 0 };
  #lastMs = performance.now();
  #ended = false;
  /** What ended the writing too soon, if anything; undefined: nothing has. */
  #writing: Promise<{ readonly failure: unknown } | undefined> = Promise.resolve(undefined);

  private constructor(files: string) {
    this.#files = files;
  }

  /** Covers the files of a host's /proc; needs namespaces. */
  static async cover(host: Host): Promise<FakeMachine> {
    const { temporary, root } = host.place;
    const machine = new FakeMachine(`${root}${temporary}/machine`);
    await Deno.mkdir(`${machine.#files}/pressure`, { recursive: true });
    await machine.#write();
    const at = `${temporary}/machine`;
    await host.must(
      `mount --bind ${at}/pressure /proc/pressure && mount --bind ${at}/stat /proc/stat && ` +
        `mount --bind ${at}/meminfo /proc/meminfo`,
      { asRoot: true },
    );
    machine.#writing = machine.#run().catch((failure) => ({ failure }));
    return machine;
  }

  /**
   * Writes until it is told to end. No interval: Deno calls one that has expired even after it was
   * cleared, if what clears it has waited for a file in the same turn.
   */
  async #run(): Promise<undefined> {
    while (!this.#ended) {
      await this.#write();
      await sleep(STEP_MS);
    }
  }

  /** What it does from now on. */
  do(change: Partial<Doing>): void {
    this.doing = { ...this.doing, ...change };
  }

  async #write(): Promise<void> {
    const seconds = (performance.now() - this.#lastMs) / 1000;
    this.#lastMs += seconds * 1000;
    const { cpuStall, memoryStall, availableBytes, busy } = this.doing;
    this.#sums.cpu += cpuStall * seconds;
    this.#sums.memory += memoryStall * seconds;
    this.#sums.busy += busy * seconds;
    this.#sums.idle += (1 - busy) * seconds;
    // Always as wide: a file is written over, never cut, as somebody may read it just then.
    const wide = (value: number) => String(Math.round(value)).padStart(12, "0");
    const ticks = (value: number) => wide(value * TICKS_PER_SECOND);
    const line = `${ticks(this.#sums.busy)} 0 0 ${ticks(this.#sums.idle)} 0 0 0 0 0 0`;
    const cpus = Array.from({ length: CPUS_MAX }, (_, cpu) => `cpu${cpu} ${line}\n`).join("");
    const some = (value: number) =>
      `some avg10=0.00 avg60=0.00 avg300=0.00 total=${wide(value * 1e6)}\n`;
    const kibibytes = (bytes: number) => `${wide(bytes / 1024)} kB`;
    await this.#overwrite("pressure/cpu", some(this.#sums.cpu));
    await this.#overwrite("pressure/memory", some(this.#sums.memory));
    await this.#overwrite("stat", `cpu  ${line}\n${cpus}btime 1\n`);
    await this.#overwrite(
      "meminfo",
      `MemTotal:       ${kibibytes(this.totalBytes)}\nMemFree:        ${
        kibibytes(availableBytes)
      }\n` +
        `MemAvailable:   ${kibibytes(availableBytes)}\n`,
    );
  }

  async #overwrite(name: string, text: string): Promise<void> {
    const path = `${this.#files}/${name}`;
    using file = await Deno.open(path, { write: true, create: true });
    await file.write(new TextEncoder().encode(text));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    const ended = await this.#writing;
    if (ended !== undefined) throw ended.failure;
  }
}
