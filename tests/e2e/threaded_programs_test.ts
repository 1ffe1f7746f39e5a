/**
 * Real programs with several threads, moved while they compute.
 *
 * What they write must be byte for byte what an unmoved run with as many threads writes.
 *
 * @module
 */
import { Testbed } from "../testbed/mod.ts";
import { comparePrograms, missingOf } from "../testbed/programs.ts";
import { threaded } from "../testbed/threaded.ts";
import { threadsMove } from "../testbed/torture.ts";

const moves: readonly (readonly [name: string, moves: number])[] = [
  ["once", 1],
  ["four times to and fro", 4],
];

for (const [name, count] of moves) {
  Deno.test({
    name: `programs with threads that are moved ${name} do the same as unmoved`,
    fn: async (t) => {
      await using bed = await Testbed.create({ hosts: 2 });
      const [home, away] = [bed.host(0), bed.host(1)];
      await bed.startDaemons({ extra: threadsMove });
      // It is moved after each part but the last, by which it may have ended.
      for (const program of threaded(count + 1)) {
        const absent = await missingOf(home, program);
        await t.step({
          name: program.name + (absent === undefined ? "" : ` (${absent} is not installed)`),
          ignore: absent !== undefined,
          fn: async () => {
            await comparePrograms(program, { home, away, seed: count });
          },
        });
      }
    },
  });
}
