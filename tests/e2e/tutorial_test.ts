/**
 * The tutorial, run as it is written.
 *
 * Its blocks of commands, one after the other, in one shell.
 *
 * @module
 */
import assert from "node:assert/strict";
import { Testbed } from "../testbed/mod.ts";

const tutorial = new URL("../../docs/TUTORIAL.md", import.meta.url);

Deno.test("the tutorial's commands do what it says", async () => {
  const text = await Deno.readTextFile(tutorial);
  const sections = text.split(/^## /m).slice(1);
  assert.equal(sections.length, 6, "the tutorial has six steps");
  const script = sections.map((section, index) => {
    const blocks = [...section.matchAll(/^```sh\n([^]*?)^```$/gm)].map((match) => match[1]);
    assert.notEqual(blocks.length, 0, `step ${index + 1} has no commands`);
    return `echo "== step ${index + 1}"\n${blocks.join("")}`;
  });
  await using bed = await Testbed.create({ hosts: 1 });
  const host = bed.host(0);
  await host.writeFile("tutorial.sh", script.join(""));
  // Loopback addresses of the host's own network, so that nothing else has the port.
  const result = await host.run(["bash", "-eu", "tutorial.sh"], { timeoutMs: 120_000 });
  const logs = await host.run("cat lb-tutorial/*.log");
  const all = `${result.stdout}\n${result.stderr}\n${logs.stdout}`;
  assert.equal(result.code, 0, all);
  const steps = result.stdout.split(/^== step \d\n/m).slice(1);
  assert.match(steps[0] ?? "", /127\.0\.0\.3:9734/, all);
  assert.match(steps[1] ?? "", /perl .*127\.0\.0\.2:9734/, all);
  assert.match(steps[2] ?? "", /perl .*127\.0\.0\.3:9734/, all);
  const lines = [...(steps[2] ?? "").matchAll(/^line (\d+)$/gm)].map((match) => Number(match[1]));
  assert.equal(lines.length, 2, all);
  assert.ok((lines[1] ?? 0) > (lines[0] ?? 0), `no line came while it was away: ${lines}`);
  assert.match(steps[3] ?? "", /it ended with status 0\nall lines are there, each once\n/, all);
  const sums = (steps[4] ?? "").trim().split("\n").filter((line) => /^\d{9,}$/.test(line));
  assert.equal(sums.length, 1, `the six sums differ: ${all}`);
  assert.equal([...(steps[4] ?? "").matchAll(/\bperl\b/g)].length >= 6, true, all);
  assert.match(
    steps[5] ?? "",
    /member of a cluster of 3.*^Members 3$.*has left its.*4:9734 has left$/ms,
  );
});
