/**
 * Databases, archivers, compilers, shells and interpreters that are moved to and fro while they work do
 * what they do unmoved, byte for byte; `npm run soak -- programs SECONDS` does it longer.
 *
 * @module
 */
import { Testbed } from "../testbed/mod.ts";
import { comparePrograms, ioTrace, missingOf, programs } from "./_programs.ts";

Deno.test("programs that are moved while they work do the same as unmoved", async (t) => {
  await using bed = await Testbed.create({ hosts: 2 });
  const [home, away] = [bed.host(0), bed.host(1)];
  await bed.startDaemons();
  for (const program of [...programs, ioTrace(1, 4, 300)]) {
    const absent = await missingOf(home, program);
    await t.step({
      name: program.name + (absent === undefined ? "" : ` (${absent} is not installed)`),
      ignore: absent !== undefined,
      fn: async () => {
        await comparePrograms(program, { home, away, seed: 1 });
      },
    });
  }
});
