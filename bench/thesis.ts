/**
 * `npm run bench -- thesis`: the four tests of the thesis.
 *
 * On two one-core hosts, with its figures beside, and once more with the second host at half
 * speed, as the thesis's nodes were.
 *
 * @module
 */
import { allowedCpus, haveNamespaces, noNamespacesReason, Testbed } from "../tests/testbed/mod.ts";
import {
  calibrate,
  drawRun,
  figures,
  type Run,
  runSix,
  withMigration,
  withoutMigration,
  type Work,
} from "./six.ts";
import { drawTable, round } from "./table.ts";

const JOB_SECONDS = 15;
const SIZE = 1000;

/** Mean, min, max in seconds of the thesis's tests 1 to 4. */
const thesisFigures = [
  [140.37, 140.10, 140.57],
  [78.05, 71.26, 84.79],
  [188.87, 187.62, 190.62],
  [428.67, 240.64, 716.87],
] as const;

const tests = [
  { title: "1: compute, no migration", output: false, thresholds: withoutMigration },
  { title: "2: compute, migration", output: false, thresholds: withMigration },
  { title: "3: + every result written, no migration", output: true, thresholds: withoutMigration },
  { title: "4: + every result written, migration", output: true, thresholds: withMigration },
] as const;

async function runTests(
  slow: boolean,
  chosen: readonly number[],
): Promise<{ runs: Map<number, Run>; repeat: number }> {
  await using bed = await Testbed.create({ hosts: 2, pin: true });
  const repeat = await calibrate(bed.host(0), SIZE, JOB_SECONDS);
  if (slow) await bed.host(1).limitCpu({ fraction: 0.5 });
  const runs = new Map<number, Run>();
  for (const index of chosen) {
    const test = tests[index];
    if (test === undefined) continue;
    const work: Work = { size: SIZE, repeat, output: test.output };
    console.log(`\nTest ${test.title}${slow ? " (second host at half speed)" : ""}`);
    const run = await runSix(bed, work, test.thresholds);
    console.log(drawRun(run));
    runs.set(index, run);
  }
  return { runs, repeat };
}

/** Runs it and returns the figures. */
export async function thesis(): Promise<Record<string, unknown>> {
  if (allowedCpus().length < 2) {
    throw new Error("The thesis bench needs two CPUs, one for each host: there is one");
  }
  if (!haveNamespaces) console.log(`Hosts are loopback addresses: a network ${noNamespacesReason}`);
  const { runs, repeat } = await runTests(false, [0, 1, 2, 3]);
  const halfSpeed = haveNamespaces ? (await runTests(true, [1])).runs.get(1) : undefined;
  const rows = tests.map((test, index) => {
    const run = runs.get(index);
    const [mean, min, max] = thesisFigures[index] ?? [];
    return [
      test.title,
      ...[run?.mean, run?.min, run?.max, mean, min, max].map((value) => (value ?? NaN).toFixed(2)),
    ];
  });
  console.log("");
  console.log(drawTable(["test", "mean s", "min", "max", "thesis mean", "min", "max"], rows));
  const meanOf = (index: number): number => runs.get(index)?.mean ?? NaN;
  const ratio21 = round(meanOf(1) / meanOf(0));
  const ratio43 = round(meanOf(3) / meanOf(2));
  console.log(`\n  test 2 / test 1: ${ratio21} (thesis 0.556); test 4 / test 3: ${ratio43} (2.27)`);
  return {
    ratio21,
    ratio43,
    ...(halfSpeed === undefined ? {} : { ratio21HalfSpeed: round(halfSpeed.mean / meanOf(0)) }),
    repeat,
    tests: [...runs.values()].map(figures),
    ...(halfSpeed === undefined ? {} : { halfSpeed: figures(halfSpeed) }),
  };
}
