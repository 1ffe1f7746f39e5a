/**
 * `npm run bench -- forward`: the cost of a forwarded system call.
 *
 * Beside what the call costs the same process before it moved, and beside one message to home and
 * back. What is written counts when a reader at home has its last byte; what is read and written
 * is checked, record by record.
 *
 * @module
 */
import { type Host, type Job, Testbed } from "../tests/testbed/mod.ts";
import { drawTable, median, round } from "./table.ts";

/** Seconds that one measurement of a row takes, about. */
const SECONDS = 0.7;
const REPEATS = 3;
/** As many calls as a small read or write is repeated, if that does not take too long. */
const CALLS_MAX = 1_000_000;
const CALLS_MIN = 20;
const PORT = "4100";

interface Row {
  readonly name: string;
  readonly calls: string;
  /** Bytes of each read or write. */
  readonly record?: number;
  /** More calls than this use too much memory for files. */
  readonly callsMax: number;
}

const rows: readonly Row[] = [
  { name: "write64", calls: "write 64 B", record: 64, callsMax: CALLS_MAX },
  { name: "read64", calls: "read 64 B", record: 64, callsMax: CALLS_MAX },
  { name: "pwrite64", calls: "pwrite 64 B", record: 64, callsMax: CALLS_MAX },
  { name: "pread64", calls: "pread 64 B", record: 64, callsMax: CALLS_MAX },
  { name: "write1m", calls: "write 1 MiB", record: 1 << 20, callsMax: 1024 },
  { name: "read1m", calls: "read 1 MiB", record: 1 << 20, callsMax: 1024 },
  { name: "pipewrite", calls: "write 64 B to a pipe", record: 64, callsMax: CALLS_MAX },
  { name: "lseek", calls: "lseek", callsMax: CALLS_MAX },
  { name: "fstat", calls: "fstat", callsMax: CALLS_MAX },
  { name: "stat", calls: "stat", callsMax: CALLS_MAX },
  { name: "openclose", calls: "open and close", callsMax: CALLS_MAX },
  { name: "getpid", calls: "getpid", callsMax: CALLS_MAX },
];

/** Tells the program to repeat a call; returns nanoseconds a call. */
class Worker {
  readonly #home: Host;
  readonly #job: Job;
  #answered = 1;
  #files = 0;

  private constructor(home: Host, job: Job) {
    this.#home = home;
    this.#job = job;
  }

  static async start(home: Host): Promise<Worker> {
    const job = await home.launchKnown(["forward", "work"]);
    await job.output("ready\n");
    return new Worker(home, job);
  }

  get pid(): number {
    return this.#job.pid;
  }

  async end(): Promise<void> {
    await this.#job.closeInput();
    const { code } = await this.#job.ending();
    if (code !== 0) throw new Error(`The program ended with ${code}: ${this.#job.stderr}`);
  }

  async #order(name: string, calls: number, path: string): Promise<{ from: number; to: number }> {
    await this.#job.write(`${name} ${calls} ${path}\n`);
    const wanted = ++this.#answered;
    const [, from, to] = await this.#job.output(
      new RegExp(`^(?:.*\\n){${wanted - 1}}(\\d+) (\\d+)\\n`),
      120_000,
    );
    return { from: Number(from), to: Number(to) };
  }

  async measure({ name, record }: Row, calls: number): Promise<number> {
    const path = `file.${this.#files++}`;
    const host = this.#home;
    const records = [path, String(record), String(calls)];
    let watch: Promise<string> | undefined;
    if (name === "pipewrite") {
      await host.must(["mkfifo", path]);
      watch = host.must(["forward", "drain", ...records], { timeoutMs: 120_000 });
    } else if (name.startsWith("write") || name === "pwrite64") {
      watch = host.must(["forward", "observe", ...records], { timeoutMs: 120_000 });
    } else if (record !== undefined) {
      await host.must(["forward", "make", ...records]);
    } else {
      await host.writeFile(path, "");
    }
    const { from, to } = await this.#order(name, calls, path);
    const end = watch === undefined ? to : Number(await watch);
    await host.must(["rm", path]);
    return (end - from) / calls;
  }
}

/** Measures a row with as many calls as take the time that it may; the median of some runs. */
async function measureRow(worker: Worker, row: Row): Promise<number> {
  let calls = CALLS_MIN;
  let ns = await worker.measure(row, calls);
  // A short run is mostly its beginning, and one that stalls tells little: lengthen it until it is long.
  while (ns * calls < SECONDS * 5e8 && calls < row.callsMax) {
    const times = Math.min(10, Math.max(2, SECONDS * 1e9 / (ns * calls)));
    calls = Math.min(Math.round(calls * times), row.callsMax);
    ns = await worker.measure(row, calls);
  }
  // Small reads and writes are also about what happens in a long stream.
  if (row.record === 64 && ns * CALLS_MAX < 4e9) calls = CALLS_MAX;
  const values: number[] = [];
  for (let repeat = 0; repeat < REPEATS; repeat++) values.push(await worker.measure(row, calls));
  return median(values);
}

async function measureRows(worker: Worker): Promise<Map<string, number>> {
  const results = new Map<string, number>();
  for (const row of rows) results.set(row.name, await measureRow(worker, row));
  return results;
}

/** One message to home and its answer, in nanoseconds. */
async function measureRoundTrip(home: Host, away: Host): Promise<number> {
  const echo = await home.spawn(["forward", "echo", PORT]);
  await echo.output("ready\n");
  const values: number[] = [];
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    const calls = 10_000;
    const text = await away.must(["forward", "rpc", home.address, PORT, String(calls)]);
    const [from = NaN, to = NaN] = text.split(" ").map(Number);
    values.push((to - from) / calls);
  }
  await echo.kill("KILL");
  return median(values);
}

async function measureLink(
  megabitsPerSecond: number | undefined,
  suffix: string,
): Promise<Record<string, number>> {
  await using bed = await Testbed.create({
    hosts: 2,
    pin: true,
    programs: "all",
    ...megabitsPerSecond === undefined ? {} : { megabitsPerSecond },
  });
  const [home, away] = [bed.host(0), bed.host(1)];
  await bed.startDaemons();
  const roundTrip = await measureRoundTrip(home, away);
  const worker = await Worker.start(home);
  const local = await measureRows(worker);
  await home.migrate(worker.pid, away);
  const moved = await measureRows(worker);
  await worker.end();
  const figures: Record<string, number> = {};
  const cells: string[][] = [];
  for (const { name, calls } of rows) {
    const [here, there] = [local.get(name) ?? NaN, moved.get(name) ?? NaN];
    figures[name + suffix] = round(there / here, 2);
    figures[`${name}LocalNs${suffix}`] = Math.round(here);
    figures[`${name}MovedNs${suffix}`] = Math.round(there);
    cells.push([
      calls,
      here.toFixed(0),
      there.toFixed(0),
      (there / here).toFixed(2),
      (roundTrip / there).toFixed(2),
    ]);
  }
  figures[`roundTripNs${suffix}`] = Math.round(roundTrip);
  console.log(
    `\nLink: ${megabitsPerSecond === undefined ? "not limited" : `${megabitsPerSecond} Mbit/s`}; ` +
      `64 B to home and 64 B back: ${roundTrip.toFixed(0)} ns`,
  );
  console.log(
    drawTable(["ns a call", "local", "moved", "moved / local", "round trip / moved"], cells),
  );
  return figures;
}

/** Runs it and returns the figures. */
export async function forward(): Promise<Record<string, unknown>> {
  return { ...await measureLink(undefined, ""), ...await measureLink(100, "_100m") };
}
