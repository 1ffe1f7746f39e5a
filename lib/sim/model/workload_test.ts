/** Tests of where jobs come from. */

import assert from "node:assert/strict";
import { LbError } from "../../base/errors.ts";
import { Prng } from "../../base/prng.ts";
import { deterministic, exponential, parseDistribution } from "./distributions.ts";
import {
  parsePattern,
  parseTrace,
  type Pattern,
  randomWorkload,
  type RandomWorkloadOptions,
} from "./workload.ts";

/** The first line of a trace that tells threads. */
const HT = "seconds,node,service,memory,threads\n";

for (
  const text of [
    "det:5",
    "7",
    "exp:10",
    "pareto:1.1:1:1000",
    "pareto:1:1:100",
    "pareto:2:3:9",
    "loguniform:1:64",
    "mix:1:4:0.25",
  ]
) {
  Deno.test(`the distribution ${text} has the mean that it tells`, () => {
    const { mean, draw } = parseDistribution(text, "--service");
    const prng = new Prng(1);
    let sum = 0;
    const count = 300_000;
    for (let i = 0; i < count; i++) sum += draw(prng);
    assert.ok(Math.abs(sum / count - mean) < 0.06 * mean, `${sum / count} is near ${mean}`);
  });
}

for (
  const text of [
    "",
    "exp",
    "exp:0",
    "exp:-1",
    "exp:NaN",
    "norm:1",
    "pareto:1:5:5",
    "exp:1:2",
    "loguniform:4:1",
    "mix:1:2:1",
  ]
) {
  Deno.test(`parseDistribution() refuses "${text}"`, () => {
    assert.throws(
      () => parseDistribution(text, "--service"),
      (error) => error instanceof LbError && /--service/.test(error.message) && error.fix !== "",
    );
  });
}

function arrivals(pattern: Pattern, count: number) {
  const workload = randomWorkload({
    nodes: 20,
    ratePerMs: 0.01,
    service: deterministic(1000),
    memory: deterministic(1),
    pattern,
    seed: 5,
  });
  return Array.from({ length: count }, () => {
    const arrival = workload();
    assert.ok(arrival !== null);
    return arrival;
  });
}

for (const text of ["poisson", "bursty:8", "hotspot:0.1:0.5"]) {
  Deno.test(`${text} arrivals come in order and as often as asked for`, () => {
    const list = arrivals(parsePattern(text), 50_000);
    assert.ok(list.every(({ atMs }, index) => atMs >= (list[index - 1]?.atMs ?? 0)));
    const rate = list.length / (list.at(-1)?.atMs ?? 0);
    assert.ok(Math.abs(rate - 0.01) < 0.0004, `${rate}`);
  });
}

Deno.test("a hot spot gets its share, a burst comes to one node at once", () => {
  const hot = arrivals(parsePattern("hotspot:0.1:0.5"), 20_000).filter(({ node }) => node < 2);
  assert.ok(Math.abs(hot.length - 10_000) < 300, `${hot.length}`);
  const bursts = new Map<number, Set<number>>();
  for (const { atMs, node } of arrivals(parsePattern("bursty:8"), 8000)) {
    bursts.set(atMs, (bursts.get(atMs) ?? new Set()).add(node));
  }
  assert.ok(Math.abs(bursts.size - 1000) < 120, `${bursts.size} bursts`);
  assert.ok([...bursts.values()].every((nodes) => nodes.size === 1));
});

for (const text of ["", "poisson:1", "bursty", "bursty:0", "hotspot:1:0.5", "hotspot:0.5:x"]) {
  Deno.test(`parsePattern() refuses "${text}"`, () => {
    assert.throws(() => parsePattern(text), LbError);
  });
}

Deno.test("parseTrace() reads jobs, with empty lines and without memory", () => {
  const text = "seconds,node,service,memory\n0.5,1,2,64\n\n1,0,0.25,0\r\n";
  assert.deepEqual(parseTrace(text, "t.csv", 2), [
    { atMs: 500, node: 1, demandMs: 2000, bytes: 64 * 2 ** 20 },
    { atMs: 1000, node: 0, demandMs: 250, bytes: 0 },
  ]);
  assert.equal(parseTrace("seconds,node,service\n0,0,1", "t.csv", 1).length, 1);
});

Deno.test("parseTrace() reads threads", () => {
  const [wide, mean] = parseTrace(`${HT}0,0,8,64,4\n0,0,1,0,1.5\n`, "t.csv", 2);
  assert.deepEqual([wide?.threads, mean?.threads], [4, 1.5]);
});

Deno.test("threads are whole, one at least, and change nothing else of the jobs", () => {
  const draw = (more: Partial<RandomWorkloadOptions>) => {
    const workload = randomWorkload({
      nodes: 4,
      ratePerMs: 0.01,
      service: exponential(1000),
      memory: exponential(1e6),
      pattern: { kind: "poisson" },
      seed: 3,
      ...more,
    });
    return Array.from({ length: 2000 }, () => workload());
  };
  const wide = draw({ threads: exponential(2) });
  const degrees = wide.map((job) => job?.threads ?? 0);
  assert.ok(degrees.every((threads) => Number.isInteger(threads) && threads >= 1));
  assert.ok(degrees.includes(1) && degrees.some((threads) => threads > 4));
  assert.deepEqual(
    wide.map((job) => ({ ...job, threads: undefined })),
    draw({}).map((job) => ({ ...job, threads: undefined })),
  );
});

const H = "seconds,node,service,memory\n";
const wrong: readonly [text: string, message: RegExp][] = [
  ["", /t\.csv:1 has the header ""/],
  ["a,b,c\n", /t\.csv:1 has the header/],
  [H, /t\.csv:2 is not there/],
  [`${H}0,0,1,1\n0,0,1\n`, /t\.csv:3 has 3 fields/],
  [`${H}0,0,1,1\n0,2,1,1\n`, /t\.csv:3 names node 2/],
  [`${H}0,0.5,1,1\n`, /t\.csv:2 names node 0\.5/],
  [`${H}0,0,NaN,1\n`, /t\.csv:2 has service "NaN"/],
  [`${H}0,0,-1,1\n`, /t\.csv:2 has service "-1"/],
  [`${H}0,0,0,1\n`, /t\.csv:2 has service 0/],
  [`${H}2,0,1,1\n1,0,1,1\n`, /t\.csv:3 is earlier/],
  [`${HT}0,0,1,1,0.5\n`, /t\.csv:2 has threads 0\.5/],
  [`${HT}0,0,1,1\n`, /t\.csv:2 has 4 fields/],
  ["seconds,node,service,threads\n", /t\.csv:1 has the header/],
];
for (const [text, message] of wrong) {
  Deno.test(`parseTrace() names the line: ${message.source}`, () => {
    assert.throws(
      () => parseTrace(text, "t.csv", 2),
      (error) => error instanceof LbError && message.test(error.message) && error.fix !== "",
    );
  });
}
