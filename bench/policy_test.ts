/** Tests of the bench of policies, on a corner of its grid. */
import assert from "node:assert/strict";
import {
  alike,
  BOUND,
  type Cell,
  cellOf,
  contestants,
  DEFAULT,
  loads,
  mixes,
  mixLoads,
  sizes,
  unlike,
  unlikeContestants,
} from "./policy_grid.ts";
import { drawTables, type Grid, judge, readTables, replaceTables } from "./policy_tables.ts";

const docs = await Deno.readTextFile(new URL("../docs/POLICY.md", import.meta.url));

/** A whole grid of one figure. */
function gridOf(value: number): Grid {
  const cell = (given: typeof contestants): Cell => {
    const figures = Object.fromEntries(given.map(({ title }) => [title, value]));
    return { means: figures, p99s: figures, best: DEFAULT.title, surelyWorse: 0 };
  };
  const grid = new Map<string, Cell>();
  for (const [nodes] of sizes) {
    for (const load of loads) grid.set(`${nodes}x${load}`, cell(contestants));
  }
  for (const mix of Object.keys(mixes)) {
    for (const load of mixLoads) grid.set(`${mix}x${load}`, cell(unlikeContestants));
  }
  return grid;
}

/** Tables without their figures. */
const form = (tables: string) => tables.replace(/(?<=[ |])\d+\.\d+/g, "#");

Deno.test("the tables of docs/POLICY.md are those that the bench writes, but for the figures", () => {
  assert.equal(form(readTables(docs)), form(drawTables(gridOf(1.5))));
  assert.ok(!readTables(docs).includes("NaN"));
});

Deno.test("the figures of docs/POLICY.md show the default where it is claimed to be", () => {
  const words = readTables(docs);
  const [alikeWorse = NaN, unlikeWorse = NaN] = [...words.matchAll(/by ([\d.]+) %\s?at most/g)]
    .map(([, percent]) => Number(percent));
  assert.ok(alikeWorse <= 2 && unlikeWorse <= 2, words);
  assert.ok(Number(/within ([\d.]+) of the bound/.exec(words)?.[1]) <= 1.25, words);
});

Deno.test("replaceTables() leaves all else as it was, and wants its markers", () => {
  const text = docs.replace(readTables(docs), () => "new");
  assert.equal(replaceTables(docs, "new"), text);
  assert.throws(() => readTables("nothing"), /lacks the lines/);
});

Deno.test("judge() finds the worst cell of each kind, and the farthest from the bound", () => {
  const grid = new Map(gridOf(1));
  const change = (key: string, worse: number, mean: number) => {
    const cell = grid.get(key);
    assert.ok(cell !== undefined);
    const means = { ...cell.means, [DEFAULT.title]: mean };
    grid.set(key, { ...cell, means, surelyWorse: worse });
  };
  change("16x0.9", 0.03, 1.2);
  change("bothx0.7", 0.01, 1);
  // Beyond the loads that the comparison with the bound is for.
  change("64x0.95", 0, 2);
  assert.deepEqual(judge(grid), { surelyWorse: 0.03, surelyWorseUnlike: 0.01, overBound: 1.2 });
});

Deno.test("sharing is between nobody and the bound, where nodes are alike", () => {
  const { means } = cellOf(contestants, alike(4, 0.8, 300), [1, 2]);
  const [none = NaN, ours = NaN, bound = NaN] = ["nobody moves", DEFAULT.title, BOUND.title]
    .map((title) => means[title]);
  assert.ok(bound >= 1 && bound < ours && ours < 0.8 * none, JSON.stringify(means));
});

Deno.test("sharing is better than capacity, where nodes differ", () => {
  const { best, surelyWorse } = cellOf(unlikeContestants, unlike("both", 0.7), [1]);
  assert.equal(best, DEFAULT.title);
  assert.equal(surelyWorse, 0);
});
