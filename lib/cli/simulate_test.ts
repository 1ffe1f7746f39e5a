/** Tests of `lb simulate`: what it prints, writes and refuses. */

import assert from "node:assert/strict";
import { LbError } from "../base/errors.ts";
import { policies } from "../core/contract/policy.ts";
import { command } from "./simulate.ts";

/** Runs it with what goes to standard output caught. */
async function simulate(...args: string[]): Promise<string> {
  const log = console.log;
  const lines: string[] = [];
  console.log = (...values: unknown[]) => lines.push(values.join(" "));
  try {
    const nodes = args.includes("--nodes") ? [] : ["--nodes", "8"];
    const duration = args.includes("--duration") ? [] : ["--duration", "300"];
    assert.equal(await command.run([...nodes, ...duration, ...args]), 0);
  } finally {
    console.log = log;
  }
  return lines.join("\n");
}

Deno.test("lb simulate prints a table, and the same one for the same seed", async () => {
  const text = await simulate("--seed", "5");
  assert.match(text, /^response, s +\d/m);
  assert.match(text, /^moves +\d+ done/m);
  assert.equal(await simulate("--seed", "5"), text);
  assert.notEqual(await simulate("--seed", "6"), text);
});

Deno.test("lb simulate --launch and --decide are time that jobs lose, alone and to wait for a move", async () => {
  const response = async (...args: string[]) =>
    JSON.parse(await simulate("--json", "--service", "det:5", ...args)).response.mean;
  const args = ["--policy", "none", "--load", "0.01"];
  const [fast, slow] = [await response(...args), await response(...args, "--launch", "500")];
  assert.ok(Math.abs(slow - fast - 0.5) < 0.1, `${fast}, then ${slow}`);
  assert.ok(await response("--decide", "2000") > await response());
});

Deno.test("lb simulate --json gives every figure, of each run and of all", async () => {
  const figures = JSON.parse(await simulate("--json", "--replications", "3"));
  assert.equal(figures.runs.length, 3);
  assert.deepEqual(figures.runs.map(({ seed }: { seed: number }) => seed), [1, 2, 3]);
  assert.ok(figures.response.halfWidth > 0 && figures.response.p99 > figures.response.p50);
  assert.equal(figures.options.nodes, 8);
});

Deno.test("lb simulate writes jobs as CSV and a picture that is well formed", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const figures = JSON.parse(
      await simulate("--json", "--csv", `${dir}/jobs.csv`, "--svg", `${dir}/run.svg`),
    );
    const lines = (await Deno.readTextFile(`${dir}/jobs.csv`)).trim().split("\n");
    assert.equal(lines[0], "seed,seconds,response,slowdown");
    const means = lines.slice(1).map((line) => Number(line.split(",")[2]));
    const mean = means.reduce((sum, value) => sum + value, 0) / means.length;
    assert.ok(Math.abs(mean - figures.response.mean) < 0.001);
    const svg = await Deno.readTextFile(`${dir}/run.svg`);
    assert.doesNotMatch(svg, /NaN|Infinity|undefined/);
    const open: string[] = [];
    for (const [, close, name = "", rest = ""] of svg.matchAll(/<(\/?)(\w+)([^<>]*)>/g)) {
      if (close === "/") assert.equal(open.pop(), name);
      else if (!rest.endsWith("/")) open.push(name);
    }
    assert.deepEqual(open, []);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("lb simulate runs every policy that has a name", async () => {
  for (const policy of [...Object.keys(policies), "none"]) {
    const figures = JSON.parse(await simulate("--json", "--policy", policy, "--speeds", "1,0.5"));
    assert.ok(figures.response.mean > 5, policy);
    assert.equal(figures.runs[0].counts.moves > 0, policy !== "none", policy);
  }
});

Deno.test("lb simulate takes memory, calls, pins, drains and the daemons' own cost", async () => {
  const mean = async (...args: string[]) =>
    JSON.parse(await simulate("--json", "--duration", "2000", ...args));
  const plain = await mean();
  const costly = await mean("--daemon-cost", "500,5");
  assert.ok(costly.response.mean > plain.response.mean);
  const calling = await mean("--calls", "exp:500");
  assert.ok(calling.response.mean > plain.response.mean);
  const { counts } = (await mean("--pinned", "1")).runs[0];
  assert.equal(counts.moves, 0);
  assert.ok((await mean("--node-memory", "64")).runs[0].counts.moves < plain.runs[0].counts.moves);
  const drained = await mean("--drain", "0:2000:0", "--drain", "0:2000:1");
  assert.ok(drained.response.mean > plain.response.mean);
});

Deno.test("lb simulate --threads lets jobs use several cores, and one is what they have without it", async () => {
  const run = async (...args: string[]) => {
    const { options: _, ...figures } = JSON.parse(
      await simulate("--json", "--cores", "4", ...args),
    );
    return figures;
  };
  assert.deepEqual(await run("--threads", "1"), await run());
  const alone = ["--policy", "none", "--service", "det:8", "--load", "0.01"];
  assert.equal((await run(...alone)).response.p50, 8);
  const wide = await run(...alone, "--threads", "4");
  assert.deepEqual([wide.response.p50, wide.slowdown.p50], [2, 1]);
  // Ten threads find four cores at most.
  assert.equal((await run(...alone, "--threads", "10")).response.p50, 2);
});

Deno.test("lb simulate --trace reads threads", async () => {
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(file, "seconds,node,service,memory,threads\n0,0,8,1,4\n60,1,8,1,1\n");
    const args = ["--trace", file, "--cores", "4", "--policy", "none", "--warmup", "0", "--json"];
    const { response } = JSON.parse(await simulate(...args));
    assert.deepEqual([response.mean, response.max], [5, 8]);
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("lb simulate --check tells how many scenarios hold", async () => {
  assert.match(await simulate("--check", "--seeds", "5"), /^5 seeds, \d+ steps, .*: 0 seeds broke/);
  const { violations, seeds } = JSON.parse(await simulate("--check", "--seeds", "2", "--json"));
  assert.deepEqual([violations, seeds], [[], 2]);
});

const wrong: readonly [args: string[], message: RegExp][] = [
  [["--thresholds", "3,2,1"], /--thresholds .* 3,2,1/],
  [["--speeds", "1,x"], /--speeds .*"x"/],
  [["--cores", "1.5"], /--cores .*"1.5"/],
  [["--warmup", "300"], /--warmup/],
  [["--partition", "5:1:0.5"], /--partition/],
  [["--drain", "1:5:8"], /--drain/],
  [["--node-memory", "0"], /--node-memory/],
  [["--calls", "often"], /--calls/],
  [["--threads", "4:1"], /--threads/],
  [["--daemon-cost", "1"], /--daemon-cost/],
  [["--nodes", "12", "--topology", "hypercube"], /hypercube of 12 nodes/],
  [["--load", "NaN"], /load/],
  [["--load", "-1"], /load/],
  [["--trace", "/nonexistent"], /--trace/],
  [["--svg", "/nonexistent/run.svg"], /--svg/],
];
for (const [args, message] of wrong) {
  Deno.test(`lb simulate ${args.join(" ")} says what is wrong`, async () => {
    await assert.rejects(
      simulate(...args),
      (error) => error instanceof LbError && message.test(error.message) && error.fix !== "",
    );
  });
}
