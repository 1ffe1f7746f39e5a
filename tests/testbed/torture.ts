/**
 * Moves `torture` (tests/programs/torture), whose threads check each other, to and fro.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type Host, type Job, must, sleep, type Testbed } from "./mod.ts";
import { programsDir } from "../programs/build.ts";
import { Random } from "./programs.ts";

/** Lines of the config with which programs with several threads move. */
export const threadsMove = 'threads = "move"';

/** Whether the tests are skipped that look for faults of moved threads: they find some, as docs/LIMITS.md tells. */
export const threadsStay: boolean = Deno.env.get("LB_TEST_THREADS") === undefined;

/** Put behind the name of a test that is skipped for that. */
export const skippedFor: string = threadsStay
  ? " (has known faults, docs/LIMITS.md; LB_TEST_THREADS=1 runs it)"
  : "";

/** It ends before, by a line of its input. */
const SECONDS_MAX = 300;
/** A round of a check may take so long, link cuts and all. */
const PATIENCE_SECONDS = 60;
/** The longest time between two moves, in milliseconds. */
const REST_MS_MAX = 250;
/** A process at home whose child lives stays until that has ended. */
const REFUSED = /it has \d+ child/;
const TRIES = 200;
const RETRY_MS = 40;

/** What is run, and how. */
export interface Torture {
  readonly seed: number;
  /** Further arguments: checks that are switched off or on. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const hashes = new Map<string, Promise<string>>();

/** The last line of a run of the same seed and checks that is neither launched nor moved. */
export function undisturbed({ seed, args = [] }: Torture): Promise<string> {
  const key = JSON.stringify([seed, args]);
  const known = hashes.get(key) ?? (async () => {
    const directory = await Deno.makeTempDir({ prefix: "lb-torture-" });
    try {
      const line = `cd ${directory} && ${programsDir}torture "$@" | tail -n 1`;
      const given = ["--seed", String(seed), "--seconds", "0", ...args];
      return (await must(["sh", "-c", line, "sh", ...given])).trim();
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  })();
  hashes.set(key, known);
  return known;
}

/** Starts it in a directory of its own, and waits until all its threads run. */
export async function startTorture(home: Host, torture: Torture): Promise<Job> {
  const { seed, args = [], env = {} } = torture;
  const directory = `torture-${crypto.randomUUID().slice(0, 8)}`;
  const given = ["--seed", seed, "--seconds", SECONDS_MAX, "--patience", PATIENCE_SECONDS].map(
    String,
  );
  const job = await home.launchKnown([
    ...["sh", "-c", `mkdir ${directory} && cd ${directory} && exec torture --input "$@"`, "sh"],
    ...[...given, ...args],
  ], { env });
  await job.output("ready\n", 60_000);
  return job;
}

/** Moves it by `lb migrate` or `lb home`, again as long as a child of its holds it at home. */
export async function moveTorture(home: Host, job: Job, to: Host): Promise<void> {
  const order = to === home ? ["home", String(job.pid)] : ["migrate", String(job.pid), to.node];
  for (let tries = 0;; tries++) {
    const { code, stderr } = await home.lb(...order);
    if (code === 0) return;
    // What it has to say itself comes first.
    if (!REFUSED.test(stderr) || tries === TRIES || !job.running || job.stdout !== "ready\n") {
      throw new Error(
        `\`lb ${
          order.join(" ")
        }\` ended with ${code}: ${stderr}\nafter: ${job.stdout}${job.stderr}` +
          [home, to].map((host) => `\n${host.name} logged:\n${host.daemon.log.slice(-2000)}`).join(
            "",
          ),
      );
    }
    await sleep(RETRY_MS);
  }
}

/** Tells it to end, and expects that it has found nothing. */
export async function endTorture(job: Job, torture: Torture, behind = ""): Promise<void> {
  if (job.running) await job.write("\n");
  const ending = await job.ending(120_000);
  const wanted = `ready\n${await undisturbed(torture)}${behind}\n`;
  assert.deepEqual(
    { ...ending, stdout: job.stdout, stderr: job.stderr },
    { code: 0, signal: null, stdout: wanted, stderr: "" },
    `torture with seed ${torture.seed}: ${job.stdout}${job.stderr}`,
  );
}

/** Runs it on the first host and moves it round the ring of all. Throws with its own words if it finds anything. */
export async function tortureAround(
  bed: Testbed,
  torture: Torture,
  moves: number,
): Promise<void> {
  const random = new Random(torture.seed);
  const home = bed.host(0);
  const job = await startTorture(home, torture);
  for (let move = 1; move <= moves; move++) {
    await moveTorture(home, job, bed.host(move % bed.hosts.length));
    await sleep(random.below(REST_MS_MAX));
  }
  await endTorture(job, torture);
}
