/**
 * One trial of a fault point, and its verdict.
 *
 * A job whose output tells everything that happened to it, and how it ended.
 *
 * @module
 */
import assert from "node:assert/strict";
import { schema } from "../../lib/wire/schema.ts";
import { type Host, type Job, sleep, waitFor } from "../testbed/mod.ts";

/** What a fault point can be told to do. */
export const actions = ["fail", "cut", "kill", "hang"] as const;
export type Action = typeof actions[number];
export type Point = keyof typeof schema.faults;

/** Lines that a trial's job writes, ten a second. */
const LINES = 60;
const STATUS = 3;

/** Short limits, so that what is lost is given up within a test's patience. */
export const limits = "io-timeout = 2\nreconnect-limit = 6";

/** Longer than any order takes that does not wait for a job that hangs. */
const ORDER_MS_MAX = 60_000;

/** How a trial may end. */
export type Outcome =
  /** The job goes on, wherever, and ends as if nothing had been. */
  | "finishes"
  /** The only copy was killed: the job ends by SIGKILL, and what it wrote is a clean beginning. */
  | "dies"
  /** It depends on which of two messages came first; either of the two above is right. */
  | "either"
  /** The job itself hangs for ever at home: no other copy may run, and it can still be killed. */
  | "hangs";

/** One trial. */
export interface Trial {
  readonly point: Point;
  readonly action: Action;
  readonly outcome: Outcome;
}

export function nameOf({ point, action }: Trial): string {
  return `${point}:${action}`;
}

/** The value of LB_FAULT for a trial. */
export function faultOf({ point, action }: Trial): string {
  return `${schema.faults[point]}:${action}`;
}

/** Starts a trial's job on its home. */
export async function begin(home: Host, trial: Trial, withFault: boolean): Promise<Job> {
  const argv = ["counter", String(LINES), "--file", `out.${nameOf(trial)}`];
  const env = withFault ? { LB_FAULT: faultOf(trial) } : {};
  const job = await home.launchKnown([...argv, "--status", String(STATUS)], { env });
  await job.output("line 1\n");
  return job;
}

/** Waits for a trial's end and throws what is wrong with it. */
export async function judge(home: Host, trial: Trial, job: Job): Promise<void> {
  const all = Array.from({ length: LINES }, (_, index) => `line ${index + 1}\n`).join("");
  const file = (): Promise<string> => home.readTextFile(`out.${nameOf(trial)}`);
  const finished = trial.outcome === "either" && (await job.ending()).signal === null;
  if (trial.outcome === "finishes" || finished) {
    assert.deepEqual(await job.ending(), { code: STATUS, signal: null }, job.stderr);
    assert.equal(job.stdout, all);
    assert.equal(await file(), all);
    return;
  }
  if (trial.outcome === "hangs") {
    let before = "";
    await waitFor("the order to reach it", () => before === (before = job.stdout), {
      intervalMs: 2_000,
    });
    // Longer than every limit: a second copy would have begun to write by now.
    await sleep(8_000);
    assert.ok(job.running, "it ended by itself");
    assert.equal(job.stdout, before, "another copy runs");
    await job.kill("KILL");
  }
  assert.equal((await job.ending()).signal, "SIGKILL", job.stderr);
  assert.ok(all.startsWith(job.stdout) && job.stdout !== all, "the output is no clean beginning");
  assert.ok(all.startsWith(await file()), "the file is no clean beginning");
}

/**
 * Judges a trial once an order has been carried out, or has failed: the job ends no sooner. One that waits
 * for a job that hangs is over with the job, but no later.
 */
export async function judgeDuring(
  home: Host,
  trial: Trial,
  job: Job,
  order: Promise<unknown>,
): Promise<void> {
  let isOver = false;
  const ended = order.finally(() => isOver = true);
  ended.catch(() => {}); // told below
  if (trial.outcome !== "hangs") {
    await waitFor("the order", () => isOver, { timeoutMs: ORDER_MS_MAX }).catch(() => {});
  }
  const [verdict, ordered] = await Promise.allSettled([judge(home, trial, job), ended]);
  if (verdict.status === "rejected") throw verdict.reason;
  if (ordered.status === "rejected") throw ordered.reason;
}

/** Waits until no host runs a trial's job any more: no copy was left anywhere. */
export async function nothingLeft(hosts: readonly Host[]): Promise<void> {
  for (const host of hosts) {
    await host.waitForSnapshot(
      "an empty node",
      (s) => s.queueLength === 0 && s.shadows.length === 0,
    );
    assert.deepEqual(await host.pidsOf("counter"), [], `a copy on ${host.name}`);
    assert.deepEqual(await host.pidsOf("lb-keeper"), [], `a keeper on ${host.name}`);
  }
}

/** So many jobs at once that the machine is busy, yet each is moved long before it ends. */
const SIDE_BY_SIDE = 8;

/** The only trial to run, by its name, as in TRIAL=sourceMapped:kill; null: all. */
const onlyTrial = Deno.env.get("TRIAL") ?? null;

/** Runs trials side by side and collects what failed under each trial's name. */
export async function runTrials(
  trials: readonly Trial[],
  run: (trial: Trial, index: number) => Promise<void>,
): Promise<void> {
  const failures: string[] = [];
  const waiting = [...trials.entries()]
    .filter(([, trial]) => onlyTrial === null || nameOf(trial) === onlyTrial);
  if (onlyTrial !== null) console.log(`${onlyTrial}: ${waiting.length} trials of ${trials.length}`);
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, trial] = next;
      await run(trial, index).catch((error) => {
        failures.push(`${nameOf(trial)} (${trial.outcome}): ${error.message}`);
      });
    }
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, worker));
  assert.equal(failures.length, 0, `\n${failures.join("\n\n")}`);
}
