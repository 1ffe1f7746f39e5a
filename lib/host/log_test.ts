import assert from "node:assert/strict";
import { configureLog, logger } from "./log.ts";

async function withLog(
  sizeMax: number,
  write: (log: ReturnType<typeof logger>) => void,
): Promise<{ readonly lines: string[]; readonly size: number; readonly names: string[] }> {
  const directory = await Deno.makeTempDir();
  try {
    const file = `${directory}/log`;
    await configureLog({ file, sizeMax });
    write(logger("test"));
    await configureLog(); // closes nothing, but writes elsewhere
    const entries = [...Deno.readDirSync(directory)].map(({ name }) => name).sort();
    const texts = entries.map((name) => Deno.readTextFileSync(`${directory}/${name}`));
    const size = texts.reduce((sum, text) => sum + text.length, 0);
    return { lines: texts.join("").trimEnd().split("\n"), size, names: entries };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test({
  name: "the log counts equal lines, and writes those that differ",
  sanitizeResources: false, // it keeps its file open
  fn: async () => {
    const { lines } = await withLog(1 << 20, (log) => {
      for (let n = 0; n < 1_000; n++) log.info("over, but no node is U", { processes: 6 });
      for (let n = 0; n < 10; n++) log.info("move", { ticket: n });
    });
    assert.equal(lines.filter((line) => line.includes("over, but")).length, 5);
    assert.equal(lines.filter((line) => line.includes(" move ")).length, 10);
  },
});

Deno.test({
  name: "the log file is bounded: its beginning is kept as another file",
  sanitizeResources: false,
  fn: async () => {
    const sizeMax = 20_000;
    const { lines, size, names } = await withLog(sizeMax, (log) => {
      for (let n = 0; n < 2_000; n++) log.info("move", { ticket: n });
    });
    assert.deepEqual(names, ["log", "log.1"]);
    assert.ok(size <= sizeMax, `${size} bytes`);
    assert.ok(lines.some((line) => line.endsWith(" ticket=1999")), "the last line is there");
  },
});
