/**
 * Moves `flood` (tests/programs/flood.c) at random moments.
 *
 * It makes system calls as fast as they go under a flood of signals.
 *
 * @module
 */
import { type Job, Testbed } from "./mod.ts";

/** The longest time between two moves, in milliseconds. */
const REST_MS_MAX = 400;
/** The program goes on for so long after the last move, and the sender ends a second before it. */
const TAIL_SECONDS = 2;
/** Until what is pending at its end has been handled. */
const END_MS_MAX = 60_000;

/** A node that a process has just left refuses it until it knows; and a slow machine may not keep up. */
const REFUSED = /it runs here already|too many signals are pending/;

/** Whether the move has come about; a process that has ended has said why, and that counts. */
async function happens(job: Job, move: Promise<void>): Promise<boolean> {
  return await move.then(() => true, async (error) => {
    if (REFUSED.test(String(error))) return false;
    await new Promise((resolve) => setTimeout(resolve, 500));
    if (!job.running || job.stdout !== "ready\n") return false;
    throw error;
  });
}

/** What a run was like. */
export interface FloodResult {
  readonly moves: number;
  /** The program's last line. */
  readonly words: string;
}

/**
 * Runs `flood` for so long and moves it to and fro. Throws with its own words if it finds anything.
 *
 * @param random From 0 up to 1: when the next move is.
 */
export async function flood(seconds: number, random: () => number): Promise<FloodResult> {
  await using bed = await Testbed.create({ hosts: 2 });
  await bed.startDaemons();
  const [home, away] = [bed.host(0), bed.host(1)];
  const job = await home.launchKnown(["flood", String(seconds)]);
  await job.output("ready\n");
  const end = performance.now() + (seconds - TAIL_SECONDS) * 1000;
  const sending = home.run(["flood", "send", String(job.pid), String(seconds - 1)], {
    timeoutMs: seconds * 1000 + END_MS_MAX,
  });
  let moves = 0;
  while (performance.now() < end && job.running && job.stdout === "ready\n") {
    const move = moves % 2 === 0 ? home.migrate(job.pid, away) : home.bringHome(job.pid);
    if (await happens(job, move)) moves++;
    await new Promise((resolve) => setTimeout(resolve, random() * REST_MS_MAX));
  }
  const ending = await job.ending(END_MS_MAX);
  const sent = await sending;
  const words = job.stdout.slice("ready\n".length).trim();
  if (ending.code !== 0 || !words.startsWith("OK ")) {
    throw new Error(
      `flood ended with ${JSON.stringify(ending)} after ${moves} moves: ${words}\n${job.stderr}` +
        `its sender: ${sent.stderr}\n` +
        bed.hosts.map((host) => `${host.name} logged:\n${host.daemon.log.slice(-1500)}`).join("\n"),
    );
  }
  return { moves, words };
}
