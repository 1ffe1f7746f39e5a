/**
 * `npm run bench -- policy [threads] [--write]`: policies compared over a grid.
 *
 * lb's policies and other systems' rules over loads, numbers and kinds of nodes, with the same
 * jobs for all: which one is best where, and how near to sharing that costs nothing. `--write`
 * puts the tables into docs/POLICY.md. With `threads` only jobs that have several are run.
 *
 * @module
 */
import { type Cell } from "./policy_grid.ts";
import {
  drawTables,
  drawThreads,
  fillGrid,
  fillThreads,
  type Grid,
  judge,
  replaceTables,
} from "./policy_tables.ts";
import { round } from "./table.ts";

const DOCS = new URL("../docs/POLICY.md", import.meta.url);

/** Runs it and returns the figures. */
export async function policy(words: readonly string[]): Promise<Record<string, unknown>> {
  const began = performance.now();
  const report = (key: string, { best, surelyWorse }: Cell) => {
    const seconds = Math.round((performance.now() - began) / 1000);
    const worse = surelyWorse > 0
      ? `, the default surely worse by ${round(100 * surelyWorse, 1)} %`
      : "";
    console.log(`  ${key} after ${seconds} s: best is ${best}${worse}`);
  };
  const threads = fillThreads(report);
  console.log(`\n${drawThreads(threads)}\n`);
  const ofThreads = {
    worstVsBestThreads: round(
      Math.max(0, ...[...threads.values()].map(({ surelyWorse }) => surelyWorse)),
      4,
    ),
    threadCells: figuresOf(threads),
  };
  if (words.includes("threads")) return ofThreads;
  const grid = fillGrid(report);
  const tables = drawTables(grid);
  console.log(`\n${tables}\n`);
  if (words.includes("--write")) {
    await Deno.writeTextFile(DOCS, replaceTables(await Deno.readTextFile(DOCS), tables));
  }
  const { surelyWorse, surelyWorseUnlike, overBound } = judge(grid);
  return {
    ...ofThreads,
    worstVsBest: round(surelyWorse, 4),
    worstVsBestUnlike: round(surelyWorseUnlike, 4),
    vsBound: round(overBound),
    cells: figuresOf(grid),
  };
}

function figuresOf(grid: Grid): Record<string, unknown> {
  const rounded = (figures: Cell["means"]) =>
    Object.fromEntries(Object.entries(figures).map(([title, value]) => [title, round(value)]));
  return Object.fromEntries(
    [...grid].map(([key, { means, p99s }]) => [
      key,
      { means: rounded(means), p99s: rounded(p99s) },
    ]),
  );
}
