/**
 * `npm run bench -- freeze`: the freeze of a first move.
 *
 * How long the process stands still. Of the process much is reserved and little used; beside it
 * one that has reserved nothing.
 *
 * @module
 */
import { type Host, Testbed } from "../tests/testbed/mod.ts";
import { drawTable, median, round } from "./table.ts";

const ROUNDS = 9;

const kinds = [
  { key: "plain", argv: ["sparse", "plain"] },
  { key: "reserve16TiB", argv: ["sparse", "reserve", "16384"] },
  { key: "filemap2400", argv: ["sparse", "filemap", "2400"] },
] as const;

/** What the program of a freeze is told once it has moved, and all that it must have said in the end. */
export interface Talk {
  readonly told: string;
  readonly said: string;
}

const look: Talk = { told: "look\n", said: "ready\nok\nthe end\n" };

/** Moves a new process away, and returns how long that has frozen it, in milliseconds. */
export async function freezeMs(
  home: Host,
  away: Host,
  argv: readonly string[],
  { told, said }: Talk = look,
): Promise<number> {
  const job = await home.launchKnown(argv);
  await job.output(/^ready\n/);
  await home.migrate(job.pid, away);
  const moves = [
    ...home.daemon.log.matchAll(/ move process=.* outcome=moved .* freezeMs=(\S+) /g),
  ];
  await job.write(told);
  await job.closeInput();
  if ((await job.ending()).code !== 0 || job.stdout !== said) {
    throw new Error(`A program has found itself changed by its move: ${job.stdout}${job.stderr}`);
  }
  return Number(moves.at(-1)?.[1]);
}

/** Runs it and returns the figures: the median and the longest of each kind. */
export async function freeze(): Promise<Record<string, unknown>> {
  await using bed = await Testbed.create({ hosts: 2, pin: true });
  const [home, away] = [bed.host(0), bed.host(1)];
  await bed.startDaemons();
  const times = kinds.map(() => [] as number[]);
  for (let number = 0; number < ROUNDS; number++) {
    for (const [index, { argv }] of kinds.entries()) {
      times[index]?.push(await freezeMs(home, away, argv));
    }
  }
  const results: Record<string, number> = {};
  const rows = kinds.map(({ key }, index) => {
    results[key] = round(median(times[index] ?? []), 2);
    results[`${key}Max`] = round(Math.max(...times[index] ?? []), 2);
    return [key, String(results[key]), String(results[`${key}Max`])];
  });
  console.log(drawTable(["memory", "freeze, ms", "longest, ms"], rows));
  return results;
}
