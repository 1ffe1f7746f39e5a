/**
 * The real hosts of `npm run bench -- cluster`.
 *
 * Four of them with a part of a CPU each, their daemons, and what is measured on them before the
 * runs.
 *
 * @module
 */
import { policies, type PolicyName } from "../lib/core/contract/policy.ts";
import type { Thresholds } from "../lib/core/contract/config.ts";
import type { Arrival } from "../lib/sim/model/workload.ts";
import { type CpuUse, type Host, type Job, sleep, Testbed } from "../tests/testbed/mod.ts";
import { mean, median } from "./table.ts";

/** What both the hosts and the simulated nodes are. */
export const cluster = {
  nodes: 4,
  /** Of one CPU. */
  fraction: 0.4,
  /** The quota's period, in which no job runs for longer than this part of it. */
  periodUs: 10_000,
  megabitsPerSecond: 400,
  /** Seconds between two checks. */
  frequency: 1,
  /** Where the policy does not choose by age and cost. */
  select: "most-cpu",
} as const;

/** A burn overshoots by what it uses between two looks at its clock: that of a move, at most. */
const OVERSHOOT_MS = 500;
const JOB_MS_MAX = 300_000;

/** Makes the hosts; an error that says so where their CPU cannot be limited. */
export async function openHosts(): Promise<Testbed> {
  const { nodes, megabitsPerSecond, fraction, periodUs } = cluster;
  const bed = await Testbed.create({ hosts: nodes, pin: true, programs: "all", megabitsPerSecond });
  try {
    for (const host of bed.hosts) await host.limitCpu({ fraction, periodUs, first: true });
  } catch (error) {
    await bed.close();
    throw error;
  }
  return bed;
}

/** Starts the daemons with a policy, and lets them find each other. */
export async function startDaemons(
  bed: Testbed,
  policy: PolicyName,
  thresholds: Thresholds,
): Promise<void> {
  const { frequency, fraction } = cluster;
  const select = policies[policy].ageCost ? "age-cost" : cluster.select;
  const extra = `policy = "${policy}"\ncores = 1\nspeed = ${fraction}`;
  await bed.startDaemons({ thresholds, frequency, select, extra });
  for (const host of bed.hosts) {
    await host.waitForSnapshot(
      "every other node's letter",
      ({ associated }) => associated.every(({ state }) => state === "U"),
    );
  }
}

export async function stopDaemons(bed: Testbed): Promise<void> {
  for (const host of bed.hosts) await host.daemon.stop();
}

/** One move as its source logged it. */
interface LoggedMove {
  readonly outcome: string;
  readonly bytes: number;
  readonly freezeMs: number;
  readonly totalMs: number;
}

/** Moves that a host's daemon has logged since its log had so many characters. */
function loggedMoves(host: Host, from: number): LoggedMove[] {
  const pattern =
    / move process=.* outcome=(\w+) .* bytes=(\S+) .* freezeMs=(\S+) totalMs=(\S+)$/gm;
  return [...host.daemon.log.slice(from).matchAll(pattern)].map((match) => ({
    outcome: match[1] ?? "",
    bytes: Number(match[2]),
    freezeMs: Number(match[3]),
    totalMs: Number(match[4]),
  }));
}

/** Starts a job and returns the milliseconds until it has ended. */
async function runJob(host: Host, demandMs: number, mebibytes: number): Promise<number> {
  const from = performance.now();
  const job = await host.launch(["burn", String(demandMs / 1000), String(mebibytes)]);
  const { code, signal } = await job.ending(JOB_MS_MAX);
  const responseMs = performance.now() - from;
  const usedMs = 1000 * Number(/^used (\S+)$/m.exec(job.stdout)?.[1]);
  if (code !== 0 || !(usedMs >= demandMs && usedMs < demandMs + OVERSHOOT_MS)) {
    throw new Error(
      `burn of ${demandMs} ms ended with ${signal ?? code} after ${usedMs} ms: ${job.stderr}`,
    );
  }
  return responseMs;
}

async function uses(bed: Testbed): Promise<CpuUse[]> {
  return await Promise.all(bed.hosts.map((host) => host.cpuUse()));
}

/** What a run of the workload gave. */
export interface RealRun {
  /** Mean response in seconds. */
  readonly response: number;
  readonly moves: number;
  readonly aborted: number;
  /**
   * What the hosts got of their parts while something wanted to run: less than some 0.95 means that the
   * machine could not give it, or that programs waited for each other.
   */
  readonly given: number;
}

/** Launches each job at its time on its host, and waits for all ends. */
export async function runWorkload(bed: Testbed, arrivals: readonly Arrival[]): Promise<RealRun> {
  const logs = bed.hosts.map((host) => host.daemon.log.length);
  const before = await uses(bed);
  const startMs = performance.now();
  const responses = await Promise.all(arrivals.map(async ({ atMs, node, demandMs, bytes }) => {
    await sleep(startMs + atMs - performance.now());
    return await runJob(bed.host(node), demandMs, bytes / 2 ** 20);
  }));
  const after = await uses(bed);
  const moves = bed.hosts.flatMap((host, index) => loggedMoves(host, logs[index] ?? 0));
  const partMs = cluster.fraction * cluster.periodUs / 1000;
  const usedMs = after.map((use, index) => use.usedMs - (before[index]?.usedMs ?? 0));
  const couldMs = after.map((use, index) => partMs * (use.periods - (before[index]?.periods ?? 0)));
  return {
    response: mean(responses) / 1000,
    moves: moves.filter(({ outcome }) => outcome === "moved").length,
    aborted: moves.filter(({ outcome }) => outcome !== "moved").length,
    given: usedMs.reduce((sum, ms) => sum + ms) / couldMs.reduce((sum, ms) => sum + ms),
  };
}

/** What was measured on the hosts, and is told to the simulator. */
export interface Measured {
  /** CPU that each host's job got, of one CPU, while all four computed. */
  readonly got: readonly number[];
  /** CPU of a daemon whose node does nothing, of one CPU. */
  readonly daemon: number;
  /** CPU time of a launch. */
  readonly launchMs: number;
  /** From a daemon's wish to send a process to its freeze. */
  readonly decideMs: number;
  /** Freeze of a process without memory of its own, beside what its bytes take. */
  readonly freezeMs: number;
  readonly bytesPerMs: number;
  /** What a process without memory of its own is to move. */
  readonly imageBytes: number;
  /** CPU time of a move beside the process itself, at its source and where it goes. */
  readonly moveMs: readonly [source: number, target: number];
}

const IDLE_MS = 5_000;
const LAUNCHES = 3;
const MOVES = 4;
const LARGE_MIB = 64;

/** Measures all that the simulator is told; the daemons run with 0/1/2. */
export async function measure(bed: Testbed): Promise<Measured> {
  await sleep(1_000);
  const daemon = await measureDaemons(bed);
  const launchMs = await measureLaunch(bed);
  const got = await measureShares(bed, launchMs);
  const small: LoggedMove[] = [], large: LoggedMove[] = [];
  for (let index = 0; index < MOVES; index++) {
    small.push(await measureMove(bed, index, 0));
    large.push(await measureMove(bed, index, LARGE_MIB));
  }
  const middle = (moves: readonly LoggedMove[], of: (move: LoggedMove) => number) =>
    median(moves.map(of));
  const imageBytes = middle(small, ({ bytes }) => bytes);
  const freezes = [small, large].map((moves) => middle(moves, ({ freezeMs }) => freezeMs));
  const [shortMs = NaN, longMs = NaN] = freezes;
  const bytesPerMs = (middle(large, ({ bytes }) => bytes) - imageBytes) / (longMs - shortMs);
  return {
    got,
    daemon,
    launchMs,
    decideMs: middle([...small, ...large], ({ totalMs, freezeMs }) => totalMs - freezeMs),
    freezeMs: Math.max(0, shortMs - imageBytes / bytesPerMs),
    bytesPerMs,
    imageBytes,
    moveMs: await measureMoveCpu(bed, launchMs),
  };
}

async function measureDaemons(bed: Testbed): Promise<number> {
  const from = performance.now(), before = await uses(bed);
  await sleep(IDLE_MS);
  const after = await uses(bed), passedMs = performance.now() - from;
  return mean(after.map((use, index) => (use.usedMs - (before[index]?.usedMs ?? 0)) / passedMs));
}

async function measureLaunch(bed: Testbed): Promise<number> {
  const costs: number[] = [];
  for (let index = 0; index < LAUNCHES * bed.hosts.length; index++) {
    const host = bed.host(index % bed.hosts.length);
    const before = await host.cpuUse();
    await runJob(host, 0, 0);
    costs.push((await host.cpuUse()).usedMs - before.usedMs);
  }
  return mean(costs);
}

async function measureShares(bed: Testbed, launchMs: number): Promise<number[]> {
  const demandMs = 2_000;
  return await Promise.all(bed.hosts.map(async (host) => {
    return (demandMs + launchMs) / await runJob(host, demandMs, 0);
  }));
}

/** Two jobs on a host, of which one leaves. */
async function measureMove(bed: Testbed, index: number, mebibytes: number): Promise<LoggedMove> {
  const host = bed.host(index), from = host.daemon.log.length;
  const demandMs = 1_500;
  const first = runJob(host, demandMs, mebibytes);
  await sleep(1_000);
  await Promise.all([first, runJob(host, demandMs, mebibytes)]);
  const moves = loggedMoves(host, from);
  const [move] = moves;
  if (moves.length !== 1 || move?.outcome !== "moved") {
    throw new Error(`One move was expected: ${host.daemon.log.slice(from)}`);
  }
  return move;
}

/** The CPU time of a move is that of two processes that wait, of which one leaves. */
async function measureMoveCpu(
  bed: Testbed,
  launchMs: number,
): Promise<[source: number, target: number]> {
  const costs: [number, number][] = [];
  for (let index = 0; index < MOVES; index++) {
    const host = bed.host(index), from = host.daemon.log.length;
    const before = await uses(bed);
    const jobs: Job[] = [];
    for (let count = 0; count < 2; count++) jobs.push(await host.launch(["sleeper", "2"]));
    for (const job of jobs) await job.ending();
    const used = (await uses(bed)).map((use, node) => use.usedMs - (before[node]?.usedMs ?? 0));
    const other = used.filter((_, node) => node !== index);
    if (loggedMoves(host, from).length !== 1) {
      throw new Error(`One move was expected: ${host.daemon.log.slice(from)}`);
    }
    costs.push([(used[index] ?? NaN) - 2 * launchMs, Math.max(...other)]);
  }
  return [mean(costs.map(([source]) => source)), mean(costs.map(([, target]) => target))];
}
