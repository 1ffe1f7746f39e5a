/**
 * Writes the figures of `npm run bench -- policy` into docs/POLICY.md.
 *
 * As tables, between two markers.
 *
 * @module
 */
import {
  alike,
  BOUND,
  type Cell,
  cellOf,
  contestants,
  DEFAULT,
  loads,
  type Mix,
  mixes,
  mixLoads,
  seeds,
  sizes,
  threadContestants,
  type ThreadMix,
  threadMixes,
  unlike,
  unlikeContestants,
  withThreads,
} from "./policy_grid.ts";

/** All cells: of nodes that are alike by `NODESxLOAD`, of others by `MIXxLOAD`. */
export type Grid = ReadonlyMap<string, Cell>;

/** Fills the grid. */
export function fillGrid(report: (key: string, cell: Cell) => void): Grid {
  const grid = new Map<string, Cell>();
  const put = (key: string, cell: Cell) => {
    grid.set(key, cell);
    report(key, cell);
  };
  for (const [nodes, seconds] of sizes) {
    for (const load of loads) {
      put(`${nodes}x${load}`, cellOf(contestants, alike(nodes, load, seconds), seeds));
    }
  }
  for (const mix of Object.keys(mixes) as Mix[]) {
    for (const load of mixLoads) {
      put(`${mix}x${load}`, cellOf(unlikeContestants, unlike(mix, load), seeds));
    }
  }
  return grid;
}

/** Fills the cells of jobs with threads, by `MIXxLOAD`. */
export function fillThreads(report: (key: string, cell: Cell) => void): Grid {
  const grid = new Map<string, Cell>();
  for (const mix of Object.keys(threadMixes) as ThreadMix[]) {
    for (const load of mixLoads) {
      const cell = cellOf(threadContestants, withThreads(mix, load), seeds);
      grid.set(`${mix}x${load}`, cell);
      report(`${mix}x${load}`, cell);
    }
  }
  return grid;
}

/** Writes their table. */
export function drawThreads(grid: Grid): string {
  const keys = [...grid.keys()];
  return table(
    ["who decides", ...keys],
    threadContestants.map(({ title }) => [
      bold(title),
      ...keys.map((key) => both(grid.get(key), title)),
    ]),
  );
}

/** What the whole grid says of the default. */
export interface Verdict {
  /** How much worse than the best of a cell it surely is at most: nodes alike, and others. */
  readonly surelyWorse: number;
  readonly surelyWorseUnlike: number;
  /** Its slowdown over the bound's at loads from 0.7 to 0.9, at most. */
  readonly overBound: number;
}

function overBound(cell: Cell | undefined): number {
  return (cell?.means[DEFAULT.title] ?? NaN) / (cell?.means[BOUND.title] ?? NaN);
}

/** Sums up. */
export function judge(grid: Grid): Verdict {
  const cells = [...grid];
  const worst = (isAlike: boolean) =>
    Math.max(
      0,
      ...cells.filter(([, { means }]) => (BOUND.title in means) === isAlike)
        .map(([, { surelyWorse }]) => surelyWorse),
    );
  const busy = sizes.flatMap(([nodes]) => [0.7, 0.8, 0.9].map((load) => `${nodes}x${load}`));
  return {
    surelyWorse: worst(true),
    surelyWorseUnlike: worst(false),
    overBound: Math.max(...busy.map((key) => overBound(grid.get(key)))),
  };
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (words: readonly string[]) => `| ${words.join(" | ")} |`;
  return [line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n");
}

const both = (cell: Cell | undefined, title: string) =>
  `${(cell?.means[title] ?? NaN).toFixed(2)}, ${(cell?.p99s[title] ?? NaN).toFixed(1)}`;
const bold = (title: string) => title === DEFAULT.title ? `**${title}**` : title;

/** Writes the tables and what they say. */
export function drawTables(grid: Grid): string {
  const { surelyWorse, surelyWorseUnlike, overBound: farthest } = judge(grid);
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const shown = loads.filter((load) => load >= 0.5);
  return [
    "Mean slowdown and, after it, that which one job in a hundred exceeds, on 64 nodes, by load:",
    "",
    table(
      ["who decides", ...shown.map(String)],
      contestants.map(({ title }) => [
        bold(title),
        ...shown.map((load) => both(grid.get(`64x${load}`), title)),
      ]),
    ),
    "",
    "The default on fewer and more nodes: the same two, and its mean over the bound's.",
    "",
    table(
      ["nodes", ...loads.map(String)],
      sizes.map(([nodes]) => [
        String(nodes),
        ...loads.map((load) => {
          const cell = grid.get(`${nodes}x${load}`);
          return `${both(cell, DEFAULT.title)}, ${overBound(cell).toFixed(2)}`;
        }),
      ]),
    ),
    "",
    `In the ${sizes.length * loads.length} cells another rule is better than the default by ` +
    `${percent(surelyWorse)} at most, at the near end of a paired 95 %`,
    `interval. From load 0.7 to 0.9 the default is within ${farthest.toFixed(2)} of the bound.`,
    "",
    "Nodes that differ, 16 of them, at three loads; slowdown is by a core of speed 1:",
    "",
    table(
      [
        "who decides",
        ...Object.keys(mixes).flatMap((mix) => mixLoads.map((load) => `${mix}: ${load}`)),
      ],
      unlikeContestants.map(({ title }) => [
        bold(title),
        ...Object.keys(mixes).flatMap((mix) =>
          mixLoads.map((load) => both(grid.get(`${mix}x${load}`), title))
        ),
      ]),
    ),
    "",
    `Here another rule is better than the default by ${percent(surelyWorseUnlike)} at most.`,
  ].join("\n");
}

const BEGIN = "<!-- Made by `npm run bench -- policy --write`: begin -->";
const END = "<!-- end -->";

/**
 * What stands between the markers.
 *
 * @throws {Error} If the text does not have them, in this order.
 */
export function readTables(text: string): string {
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`the text lacks the lines ${BEGIN} and ${END}`);
  return text.slice(from + BEGIN.length, to).trim();
}

/** Puts tables between the markers. */
export function replaceTables(text: string, tables: string): string {
  return text.replace(readTables(text), () => tables);
}
