/**
 * `npm run bench -- overhead`: the cost of being launched by lb.
 *
 * Interleaved pairs of launched and bare runs of a process that has not moved, as the median of
 * their ratios.
 *
 * @module
 */
import { type Host, Testbed } from "../tests/testbed/mod.ts";
import { drawTable, median, medianUpperBound, round } from "./table.ts";

const PAIRS = 30;

/** Each takes a few tenths of a second. */
const kinds = [
  { name: "matmul", argv: ["calls", "compute", "300000", "scratch"] },
  { name: "write", argv: ["calls", "write", "300000", "scratch"] },
  { name: "clock", argv: ["calls", "clock", "8000000", "scratch"] },
  { name: "openclose", argv: ["calls", "openclose", "150000", "scratch"] },
] as const;

async function seconds(host: Host, argv: readonly string[]): Promise<number> {
  await host.writeFile("scratch", "");
  return Number(await host.must(argv));
}

async function startMs(host: Host, argv: readonly string[]): Promise<number> {
  const from = performance.now();
  await host.must(argv);
  return performance.now() - from;
}

/** Runs it and returns the figures. */
export async function overhead(): Promise<Record<string, unknown>> {
  await using bed = await Testbed.create({ hosts: 1, pin: true });
  const host = bed.host(0);
  await host.startDaemon();
  const results: Record<string, number> = {};
  const rows: string[][] = [];
  for (const { name, argv } of kinds) {
    const ratios: number[] = [];
    for (let pair = 0; pair < PAIRS; pair++) {
      const launched = await seconds(host, ["lb", "launch", "--", ...argv]);
      ratios.push(launched / await seconds(host, argv));
    }
    results[name] = round(median(ratios), 4);
    results[`${name}Upper`] = round(medianUpperBound(ratios), 4);
    rows.push([name, String(results[name]), String(results[`${name}Upper`])]);
  }
  const starts: number[] = [];
  for (let pair = 0; pair < PAIRS; pair++) {
    const launched = await startMs(host, ["lb", "launch", "--", "true"]);
    starts.push(launched - await startMs(host, ["true"]));
  }
  results["startMs"] = round(median(starts), 1);
  console.log(drawTable(["calls", "launched / bare", "95% bound"], rows));
  console.log(`\n  lb launch takes ${results["startMs"]} ms more than a bare start`);
  return results;
}
