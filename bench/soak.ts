/**
 * `npm run soak`: moves a program that checks itself, many times.
 *
 *   npm run soak [-- MOVES]              200 moves by default
 *   npm run soak -- programs SECONDS     programs of the distribution instead: soak_programs.ts
 *   npm run soak -- storm SECONDS        one that counts signals and calls instead: tests/testbed/flood.ts
 *   npm run soak -- threads RUNS         one whose threads check each other instead: tests/testbed/torture.ts
 *
 * @module
 */
import { flood } from "../tests/testbed/flood.ts";
import { type Host, type Job, Testbed, waitFor } from "../tests/testbed/mod.ts";
import { threadsMove, tortureAround } from "../tests/testbed/torture.ts";
import { soakPrograms } from "./soak_programs.ts";

/** Time between moves in which the program checks itself, in milliseconds. */
const REST_MS = 150;
/** Generous: a move takes milliseconds, `lb migrate` itself some 100 ms, on a busy machine more. */
const MOVE_SECONDS_MAX = 6;
/** Runs of `npm run soak -- threads`, and how often each is moved; the second half of them round three nodes. */
const THREAD_RUNS = 100;
const THREAD_MOVES = 8;
/** One storm of `npm run soak -- storm SECONDS`. */
const STORM_SECONDS = 30;

/** Finds where a process of host 0 runs, by its home's shadows. */
async function runsOn(hosts: readonly Host[], pid: number): Promise<string> {
  const home = hosts[0];
  if (home === undefined) throw new Error("A soak needs hosts");
  const shadow = (await home.snapshot()).shadows.find((one) => one.pid === pid);
  return shadow?.runsOn ?? home.node;
}

async function move(hosts: readonly Host[], job: Job, to: Host): Promise<void> {
  const home = hosts[0];
  if (home === undefined) throw new Error("A soak needs hosts");
  if (to === home) await home.bringHome(job.pid);
  else await home.migrate(job.pid, to);
  await waitFor(`PID ${job.pid} on ${to.name}`, async () => {
    return await runsOn(hosts, job.pid) === to.node;
  }, { timeoutMs: 10_000 }).catch((error) => {
    const logs = hosts.map((host) => `${host.name} logged:\n${host.daemon.log.slice(-1500)}`);
    throw new Error(`${error.message}\n${job.stdout}${job.stderr}\n${logs.join("\n")}`);
  });
}

/**
 * Moves `selfcheck` round a ring of hosts (away and home with two hosts, A, B, C, A with three) and
 * throws with its own words if it notices anything.
 *
 * @returns Number of checks that it made.
 */
export async function soak(
  { hosts, moves, report }: {
    hosts: number;
    moves: number;
    report?: (done: number) => void;
  },
): Promise<number> {
  await using bed = await Testbed.create({ hosts });
  await bed.startDaemons();
  const home = bed.host(0);
  // Ended by the last check of its clock, whatever happens to us.
  const seconds = moves * MOVE_SECONDS_MAX + 10;
  const job = await home.launchKnown(["selfcheck", String(seconds)], {
    env: { SELFCHECK_STOP: "stop" },
  });
  for (let done = 1; done <= moves; done++) {
    if (!job.running) {
      throw new Error(`selfcheck ended after ${done - 1} moves: ${job.stdout}${job.stderr}`);
    }
    if (job.stdout !== "") throw new Error(`After ${done - 1} moves: ${job.stdout}`);
    await move(bed.hosts, job, bed.host(done % hosts));
    await new Promise((resolve) => setTimeout(resolve, REST_MS));
    report?.(done);
  }
  await home.writeFile("stop", "");
  const ending = await job.ending();
  const checks = /^OK (\d+) checks$/m.exec(job.stdout)?.[1];
  if (ending.code !== 0 || checks === undefined) {
    throw new Error(
      `selfcheck ended with ${JSON.stringify(ending)}:\n${job.stdout}${job.stderr}\n` +
        bed.hosts.map((host) => `${host.name} logged:\n${host.daemon.log.slice(-1500)}`).join("\n"),
    );
  }
  return Number(checks);
}

/** A storm of signals after the other, each some seconds long, as its program looks at its files at its end. */
async function soakStorm(seconds: number): Promise<void> {
  const end = performance.now() + seconds * 1000;
  for (let run = 1; performance.now() < end; run++) {
    const { moves, words } = await flood(STORM_SECONDS, Math.random);
    console.log(`storm ${run}: ${moves} moves, ${words}`);
  }
}

/** One run of the threads after the other, each with a seed of its own, by which it can be repeated. */
async function soakThreads(runs: number): Promise<void> {
  const seed = Number(Deno.env.get("LB_SEED") ?? Math.floor(Math.random() * 1_000_000_000));
  for (const hosts of [2, 3]) {
    await using bed = await Testbed.create({ hosts });
    await bed.startDaemons({ extra: threadsMove });
    for (let run = 0; run < Math.ceil(runs / 2); run++) {
      const args = run % 4 === 3 ? ["--leader-ends"] : [];
      const from = performance.now();
      await tortureAround(bed, { seed: seed + run, args }, THREAD_MOVES);
      const seconds = ((performance.now() - from) / 1000).toFixed(1);
      console.log(
        `${hosts} hosts, seed ${seed + run}: ${THREAD_MOVES} moves in ${seconds} s, all well`,
      );
    }
  }
}

async function main(): Promise<void> {
  const number = Deno.args.find((argument) => /^\d+$/.test(argument));
  if (Deno.args.includes("programs")) {
    await soakPrograms(Number(number ?? "600"), (line) => console.log(line));
    return;
  }
  if (Deno.args.includes("storm")) {
    await soakStorm(Number(number ?? "600"));
    return;
  }
  if (Deno.args.includes("threads")) {
    await soakThreads(Number(number ?? THREAD_RUNS));
    return;
  }
  const moves = Number(number ?? "200");
  for (const hosts of [2, 3]) {
    const share = Math.ceil(moves / 2);
    const from = performance.now();
    const checks = await soak({
      hosts,
      moves: share,
      report: (done) => {
        if (done % 10 === 0) console.log(`  ${hosts} hosts: ${done} of ${share} moves`);
      },
    });
    const seconds = Math.round((performance.now() - from) / 1000);
    console.log(`${hosts} hosts: ${share} moves in ${seconds} s, ${checks} checks, none failed`);
  }
}

if (import.meta.main) await main();
