/**
 * The thesis's experiment: six matrix multiplications on two nodes.
 *
 * All are launched on the first.
 *
 * @module
 */
import { type Host, type Job, sleep, type Snapshot, type Testbed } from "../tests/testbed/mod.ts";
import { drawTable, mean, round } from "./table.ts";

/** How many jobs the thesis launched. */
export const JOBS = 6;

/** Thresholds THu, THf, THv of the thesis's runs. */
export const withoutMigration = { thu: 1, thf: 3, thv: 9 } as const;
export const withMigration = { thu: 1, thf: 3, thv: 4 } as const;

/** Size of the matrices and number of products a job adds up. */
export interface Work {
  readonly size: number;
  readonly repeat: number;
  /** Whether each job writes each element of its result by one write(2) to a file at home. */
  readonly output: boolean;
}

/** One job's row of the table. */
export interface Row {
  readonly pid: number;
  readonly seconds: number;
  readonly migrated: boolean;
}

/** What a run gave. */
export interface Run {
  readonly rows: readonly Row[];
  readonly mean: number;
  readonly min: number;
  readonly max: number;
}

interface Started {
  readonly job: Job;
  readonly seed: number;
  readonly output: string | undefined;
  readonly ended: Promise<number>;
}

/** Finds how many products keep one core busy for `seconds`, from the time of two. */
export async function calibrate(host: Host, size: number, seconds: number): Promise<number> {
  const trial = await host.must(["matmul", String(size), "--repeat", "2"]);
  const took = Number(/^seconds (.*)$/m.exec(trial)?.[1]);
  return Math.max(1, Math.ceil(seconds / (took / 2)));
}

function matmulArgs(work: Work, seed: number): string[] {
  return [String(work.size), "--repeat", String(work.repeat), "--seed", String(seed)];
}

async function start(home: Host, work: Work, seed: number): Promise<Started> {
  const from = performance.now();
  const output = work.output ? `product.${seed}` : undefined;
  const files = output === undefined ? [] : ["--output", output];
  const job = await home.launch(["matmul", ...matmulArgs(work, seed), ...files]);
  const ended = job.ending(3_600_000).then(({ code, signal }) => {
    if (code !== 0 || signal !== null) {
      throw new Error(`Job ${job.pid} ended with ${signal ?? code}: ${job.stderr}`);
    }
    return (performance.now() - from) / 1000;
  });
  // Told by the await below; without this an early failure would end the whole bench first.
  ended.catch(() => {});
  return { job, seed, output, ended };
}

/** Compares a job's product with the sum in another order, and the file with the product. */
async function checkProduct(home: Host, work: Work, one: Started): Promise<void> {
  const found = /^checksum (\d+)$/m.exec(one.job.stdout)?.[1];
  const wanted = /^checksum (\d+)$/m
    .exec(await home.must(["matmul", "--check", ...matmulArgs(work, one.seed)]))?.[1];
  if (found === undefined || found !== wanted) {
    throw new Error(`Job ${one.job.pid} computed checksum ${found}, the other order ${wanted}`);
  }
  if (one.output === undefined) return;
  const program = `{ s += $1 * (int((NR-1)/n) % 7 + 1) * ((NR-1) % n % 11 + 1) } ` +
    `END { printf "%d %.0f", NR, s }`;
  const sum = await home.must(["awk", "-v", `n=${work.size}`, program, one.output]);
  if (sum !== `${work.size ** 2} ${wanted}`) {
    throw new Error(`The file of job ${one.job.pid} has elements and checksum ${sum}`);
  }
  await home.must(["rm", one.output]);
}

/**
 * Runs the six jobs on host 0 under the given thresholds.
 *
 * @param watch Called with each snapshot of host 0 and the PIDs that have ended.
 * @param watchMs How often; each look costs some 60 ms of CPU, so not often.
 */
export async function runSix(
  bed: Testbed,
  work: Work,
  thresholds: { readonly thu: number; readonly thf: number; readonly thv: number },
  { watch, watchMs = 5_000 }: {
    watch?: (snapshot: Snapshot, ended: readonly number[]) => void;
    watchMs?: number;
  } = {},
): Promise<Run> {
  const home = bed.host(0);
  await bed.startDaemons({ thresholds, select: "least-cpu" });
  const started: Started[] = [];
  for (let seed = 1; seed <= JOBS; seed++) started.push(await start(home, work, seed));
  const ended: number[] = [];
  for (const one of started) one.ended.then(() => ended.push(one.job.pid), () => {});
  const migrated = new Set<number>();
  while (started.some((one) => one.job.running)) {
    const snapshot = await home.snapshot();
    for (const shadow of snapshot.shadows) migrated.add(shadow.pid);
    watch?.(snapshot, ended);
    await Promise.race([Promise.allSettled(started.map((one) => one.ended)), sleep(watchMs)]);
  }
  const rows: Row[] = [];
  for (const one of started) {
    rows.push({
      pid: one.job.pid,
      seconds: await one.ended,
      migrated: migrated.has(one.job.pid),
    });
  }
  for (const host of bed.hosts) await host.daemon.stop();
  for (const one of started) await checkProduct(home, work, one);
  const seconds = rows.map((row) => row.seconds);
  return { rows, mean: mean(seconds), min: Math.min(...seconds), max: Math.max(...seconds) };
}

/** The thesis's table of one run. */
export function drawRun(run: Run): string {
  const rows = run.rows.map((
    row,
  ) => [String(row.pid), row.seconds.toFixed(2), row.migrated ? "yes" : "no"]);
  const summary = `  mean ${run.mean.toFixed(2)} s, min ${run.min.toFixed(2)} s, ` +
    `max ${run.max.toFixed(2)} s, ${run.rows.filter((row) => row.migrated).length} migrated`;
  return `${drawTable(["PID", "seconds", "migrated"], rows)}\n${summary}`;
}

/** A run as figures for JSON. */
export function figures(run: Run): Record<string, number> {
  return {
    mean: round(run.mean),
    min: round(run.min),
    max: round(run.max),
    migrated: run.rows.filter((row) => row.migrated).length,
  };
}
