/**
 * `npm run bench -- threads [PART]...`: what threads cost under lb.
 *
 * Its parts, all without words: `launched`, a process that stays beside one that lb did not launch;
 * `moved`, one that has moved beside one that stays; both by interleaved pairs, as the median of
 * their ratios; `freeze`, how long a first move stops a process with so many threads.
 *
 * @module
 */
import { type Host, type Job, Testbed } from "../tests/testbed/mod.ts";
import { freezeMs } from "./freeze.ts";
import { drawTable, median, medianInterval, round } from "./table.ts";
import { threadsMove } from "../tests/testbed/torture.ts";

/** Of one measurement: short, as what else runs on the machine disturbs long ones surely. */
const SLICE_NS = 8e7;
const LAUNCHED_PAIRS = 40;
/** Each is another process: where its memory lies makes it faster or slower for as long as it lives. */
const MOVED_PROCESSES = 5;
const MOVED_PAIRS = 10;
const FREEZE_ROUNDS = 7;
/** Idle threads of OpenMP spin some milliseconds before they sleep. */
const SETTLE_MS = 20;

const kinds = [
  { key: "barrier", title: "an OpenMP barrier", budget: 1.02 },
  { key: "crowded", title: "the same, 4 threads", budget: undefined },
  { key: "condvar", title: "condition variable, there and back", budget: 1.02 },
  { key: "write64x8", title: "8 threads write 64 B each", budget: 1 },
  { key: "create", title: "pthread_create and join", budget: 6 },
] as const;
type Key = typeof kinds[number]["key"];

const LAUNCHED_BUDGET = 1.02;

const frozen = [
  ...[1, 4, 16, 64, 128].map((count) => ({
    key: `freezeMs${count}`,
    title: count === 1 ? "1, asleep" : `${count}, all asleep`,
    argv: ["threads", "sleeping", String(count)],
  })),
  {
    key: "freezeMsBusy4",
    title: "4 that compute, and 1 asleep",
    argv: ["threads", "computing", "4"],
  },
] as const;
/** Of a process with 64 threads, beside that of one. */
const FREEZE_BUDGET = 3;

const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, SETTLE_MS));

/** A process that measures what it is told; nanoseconds of all its repetitions. */
class Served {
  readonly job: Job;
  #asked = 0;

  constructor(job: Job) {
    this.job = job;
  }

  async measure(key: Key, count: number): Promise<number> {
    await settle();
    await this.job.write(`${key} ${count}\n`);
    const lines = ++this.#asked;
    const [, ns] = await this.job.output(
      new RegExp(`^ready\n(?:.*\n){${lines - 1}}(\\d+)\n`),
      60_000,
    );
    return Number(ns);
  }

  async end(): Promise<void> {
    await this.job.closeInput();
    const { code } = await this.job.ending();
    if (code !== 0) throw new Error(`The program ended with ${code}: ${this.job.stderr}`);
  }
}

async function serve(host: Host): Promise<Served> {
  const job = await host.launchKnown(["threads", "serve"]);
  await job.output("ready\n");
  return new Served(job);
}

/** Repetitions that take a slice where nothing of lb is. */
async function findCounts(host: Host): Promise<ReadonlyMap<Key, number>> {
  const counts = new Map<Key, number>();
  for (const { key } of kinds) {
    let count = 100;
    for (let tries = 0; tries < 5; tries++) {
      const ns = Number(await host.must(["threads", key, String(count)]));
      count = Math.max(50, Math.round(count * Math.min(20, SLICE_NS / ns)));
    }
    counts.set(key, count);
  }
  return counts;
}

/** Pairs of measurements, of which every other one begins with the second; their ratios. */
async function ratiosOf(
  pairs: number,
  first: () => Promise<number>,
  second: () => Promise<number>,
): Promise<number[]> {
  const ratios: number[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    if (pair % 2 === 0) {
      const ns = await first();
      ratios.push(ns / await second());
    } else {
      const ns = await second();
      ratios.push(await first() / ns);
    }
  }
  return ratios;
}

async function measureLaunched(
  host: Host,
  counts: ReadonlyMap<Key, number>,
): Promise<Map<Key, number[]>> {
  const ratios = new Map<Key, number[]>();
  for (const { key } of kinds) {
    const argv = ["threads", key, String(counts.get(key))];
    const launched = async (): Promise<number> =>
      Number(await host.must(["lb", "launch", "--", ...argv]));
    const bare = async (): Promise<number> => Number(await host.must(argv));
    ratios.set(key, await ratiosOf(LAUNCHED_PAIRS, launched, bare));
  }
  return ratios;
}

/** A process that went home for one of its calls is no longer what is measured. */
async function mustBeAway(home: Host, { job }: Served, title: string): Promise<void> {
  const { shadows, processes } = await home.snapshot();
  if (shadows.some(({ pid }) => pid === job.pid)) return;
  const reason = processes.find(({ pid }) => pid === job.pid)?.cantmove ?? "it has ended";
  throw new Error(`Cannot measure what has moved, of "${title}", as it is at home: ${reason}`);
}

async function measureMoved(
  home: Host,
  away: Host,
  counts: ReadonlyMap<Key, number>,
): Promise<Map<Key, number[]>> {
  const ratios = new Map<Key, number[]>(kinds.map(({ key }) => [key, []]));
  for (let process = 0; process < MOVED_PROCESSES; process++) {
    const [stays, moves] = [await serve(home), await serve(home)];
    // Their threads are there when one of them moves.
    for (const { key } of kinds) for (const one of [stays, moves]) await one.measure(key, 50);
    await home.migrate(moves.job.pid, away);
    for (const { key, title } of kinds) {
      const count = counts.get(key) ?? NaN;
      await moves.measure(key, count); // how its calls are made is found out by the first of them
      const more = await ratiosOf(
        MOVED_PAIRS,
        () => moves.measure(key, count),
        () => stays.measure(key, count),
      );
      ratios.get(key)?.push(...more);
      await mustBeAway(home, moves, title);
    }
    await moves.end();
    await stays.end();
  }
  return ratios;
}

/** Prints a table of ratios; the figures of it. */
function report(
  of: string,
  suffix: string,
  ratios: ReadonlyMap<Key, readonly number[]>,
  budget: (kind: typeof kinds[number]) => number | undefined,
): Record<string, number> {
  const figures: Record<string, number> = {};
  const rows = kinds.map((kind) => {
    const values = ratios.get(kind.key) ?? [];
    const { lower, upper } = medianInterval(values);
    figures[kind.key + suffix] = round(median(values));
    figures[`${kind.key}${suffix}Lower`] = round(lower);
    figures[`${kind.key}${suffix}Upper`] = round(upper);
    return [
      kind.title,
      median(values).toFixed(3),
      `${lower.toFixed(3)} to ${upper.toFixed(3)}`,
      budget(kind) === undefined ? "" : `at most ${budget(kind)}`,
    ];
  });
  console.log("\n" + drawTable(["a loop of", of, "95% interval", "wanted"], rows));
  return figures;
}

async function measureCalls(parts: ReadonlySet<string>): Promise<Record<string, number>> {
  await using bed = await Testbed.create({ hosts: 2 });
  const [home, away] = [bed.host(0), bed.host(1)];
  await bed.startDaemons({ extra: threadsMove });
  const counts = await findCounts(home);
  const figures: Record<string, number> = {};
  if (parts.has("launched")) {
    const ratios = await measureLaunched(home, counts);
    const wanted = ({ budget }: typeof kinds[number]) => budget && LAUNCHED_BUDGET;
    Object.assign(figures, report("launched / bare", "Launched", ratios, wanted));
  }
  if (parts.has("moved")) {
    const ratios = await measureMoved(home, away, counts);
    Object.assign(figures, report("moved / local", "", ratios, ({ budget }) => budget));
  }
  return figures;
}

async function measureFreeze(): Promise<Record<string, number>> {
  await using bed = await Testbed.create({ hosts: 2 });
  const [home, away] = [bed.host(0), bed.host(1)];
  await bed.startDaemons({ extra: threadsMove });
  const times = frozen.map(() => [] as number[]);
  const talk = { told: "", said: "ready\nthe end\n" };
  for (let number = 0; number < FREEZE_ROUNDS; number++) {
    for (const [index, { argv }] of frozen.entries()) {
      times[index]?.push(await freezeMs(home, away, argv, talk));
    }
  }
  const figures: Record<string, number> = {};
  const rows = frozen.map(({ key, title }, index) => {
    const values = times[index] ?? [];
    figures[key] = round(median(values), 2);
    figures[`${key}Max`] = round(Math.max(...values), 2);
    return [title, median(values).toFixed(2), Math.max(...values).toFixed(2)];
  });
  figures["freeze64"] = round((figures["freezeMs64"] ?? NaN) / (figures["freezeMs1"] ?? NaN), 2);
  console.log("\n" + drawTable(["threads", "freeze, ms", "longest, ms"], rows));
  console.log(`\n  64 beside 1: ${figures["freeze64"]} (wanted: at most ${FREEZE_BUDGET})`);
  return figures;
}

/** Runs it and returns the figures. */
export async function threads(words: readonly string[]): Promise<Record<string, unknown>> {
  const all = ["launched", "moved", "freeze"];
  const unknown = words.find((word) => !all.includes(word));
  if (unknown !== undefined) {
    throw new Error(`Cannot run the part "${unknown}": the parts are ${all.join(", ")}`);
  }
  const parts = new Set(words.length === 0 ? all : words);
  return {
    ...parts.has("launched") || parts.has("moved") ? await measureCalls(parts) : {},
    ...parts.has("freeze") ? await measureFreeze() : {},
  };
}
