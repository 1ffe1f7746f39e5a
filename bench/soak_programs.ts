/**
 * `npm run soak -- programs SECONDS`: compares moved programs with unmoved ones.
 *
 * Programs of the distribution and random calls on files, with one seed after the other.
 *
 * @module
 */
import { forkers } from "../tests/testbed/forkers.ts";
import {
  blockIo,
  comparePrograms,
  ioTrace,
  missingOf,
  programs,
} from "../tests/testbed/programs.ts";
import { runtimes } from "../tests/testbed/runtimes.ts";
import { Testbed } from "../tests/testbed/mod.ts";

/** Random traces for each round of the programs, and how long they are. */
const TRACES = 4;
const PARTS = 6;
const CALLS = 400;
/** The same of blocks that are verified. */
const BLOCK_PARTS = 12;
const OPERATIONS = 1500;

/** Throws at the first difference, with the program's name and the seed. */
export async function soakPrograms(
  seconds: number,
  report: (line: string) => void,
): Promise<void> {
  await using bed = await Testbed.create({ hosts: 2 });
  const [home, away] = [bed.host(0), bed.host(1)];
  await bed.startDaemons();
  const end = performance.now() + seconds * 1000;
  // Another start each time; each line tells its seed, by which it can be repeated.
  let seed = Number(Deno.env.get("LB_SEED") ?? Math.floor(Math.random() * 1_000_000_000));
  const skipped = new Set<string>();
  for (; performance.now() < end; seed++) {
    let moves = 0;
    let runs = 0;
    const traces = Array.from(
      { length: TRACES },
      (_, index) => ioTrace(seed * TRACES + index, PARTS, CALLS),
    );
    const blocks = blockIo(seed, BLOCK_PARTS, OPERATIONS);
    for (const program of [...runtimes, ...programs, ...forkers, ...traces, blocks]) {
      const absent = await missingOf(home, program);
      if (absent !== undefined) {
        if (!skipped.has(program.name)) {
          report(`skipped: ${program.name} (${absent} is not installed)`);
        }
        skipped.add(program.name);
        continue;
      }
      moves += await comparePrograms(program, { home, away, seed });
      runs++;
      if (performance.now() > end) break;
    }
    report(`seed ${seed}: ${runs} programs, moved ${moves} times, all the same`);
  }
}
