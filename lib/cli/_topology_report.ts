/**
 * Prints what `lb topology` has found.
 *
 * Tables, lines for config files, and the findings of a check of lists.
 *
 * @module
 */
import { findCrowds } from "../core/topology/spread.ts";
import type { Edges } from "../core/topology/topology.ts";
import { type ConfiguredLists, firstUnreached } from "./_topology_files.ts";

/** Draws the lists as a table, in the form of figure 1 of the thesis. */
export function formatTable(lists: Edges<string>): string[] {
  const length = Math.max(0, ...[...lists.values()].map((list) => list.length));
  const ranks = Array.from({ length }, (_, rank) => String(rank + 1));
  const header = "Order of preference";
  const rows: [string, readonly string[]][] = [
    [header, ranks],
    ...[...lists].map(([node, list]): [string, readonly string[]] => [`Node ${node}`, list]),
  ];
  const titleWidth = Math.max(...rows.map(([title]) => title.length));
  const widths = ranks.map((_, column) =>
    Math.max(...rows.map(([, cells]) => cells[column]?.length ?? 0))
  );
  return rows.map(([title, cells]) =>
    [
      title.padEnd(titleWidth),
      ...cells.map((cell, column) => cell.padStart(widths[column] ?? 0)),
    ].join(" ").trimEnd()
  );
}

/** Writes the lists as lines for each node's config file. */
export function formatToml(lists: Edges<string>): string[] {
  return [...lists].flatMap(([node, list]) => [
    `# ${node}`,
    `associated = [${list.map((name) => JSON.stringify(name)).join(", ")}]`,
  ]);
}

/** What a check has found, in lines for people. */
export interface Report {
  readonly lines: readonly string[];
  /** Nothing that could be better. */
  readonly isGood: boolean;
}

/** Crowded nodes shown for one k, and nodes shown that have chosen one; more are counted. */
const SHOWN_MAX = 4;

function listed(items: readonly string[]): string {
  const more = items.length - SHOWN_MAX;
  const shown = items.slice(0, SHOWN_MAX).join(", ");
  return more > 0 ? `${shown} and ${more} more` : shown;
}

/**
 * Tells whether each node is the k-th choice of exactly one other.
 *
 * @param impossible The choices for which the graph allows no better, of lists that were made as good as
 * can be found; null: of given lists, which may be bettered.
 */
export function reportLists(lists: Edges<string>, impossible: ReadonlySet<number> | null): Report {
  const lengths = [...lists.values()].map((list) => list.length);
  const [shortest, longest] = [Math.min(...lengths), Math.max(...lengths)];
  const length = shortest === longest ? `${longest}` : `${shortest} to ${longest}`;
  const crowds = findCrowds(lists);
  const lines = [`${count(lists.size, "node")}, each with a list of ${length}`];
  const good = longest - crowds.length;
  if (longest > 0) {
    lines.push(`${good} of ${count(longest, "choice")}: each node is that of at most one other`);
  }
  for (const { choice, crowded } of crowds) {
    const shown = listed([...crowded].map(([node, others]) => `${node} (of ${listed(others)})`));
    lines.push(`choice ${choice}: several have the same: ${shown}${reasonFor(choice, impossible)}`);
  }
  return { lines, isGood: crowds.length === 0 || impossible !== null };
}

function reasonFor(choice: number, impossible: ReadonlySet<number> | null): string {
  if (impossible === null) return "";
  return impossible.has(choice) ? "; the graph allows no better" : "; none better was found";
}

/** Tells what is wrong with the lists of a set of config files, each finding with its file. */
export function reportConfigured({ lists, files }: ConfiguredLists): Report {
  const findings: string[] = [];
  for (const [node, list] of lists) {
    const file = files.get(node);
    for (const other of list) {
      const theirs = lists.get(other);
      if (other === node) findings.push(`${file}: ${node} is associated with itself`);
      else if (theirs === undefined) {
        findings.push(
          `${file}: ${node} is associated with ${other}, whose file is not among these`,
        );
      } else if (!theirs.includes(node)) {
        findings.push(
          `${file}: ${node} is associated with ${other}, but not the other way: ${
            files.get(other)
          } lacks it, and ${other} will not hear of ${node}`,
        );
      }
    }
  }
  const unreached = firstUnreached(lists);
  if (unreached !== null) {
    findings.push(
      `${files.get(unreached.to)}: no way leads from ${unreached.from} to ${unreached.to}`,
    );
  }
  const { lines, isGood } = reportLists(lists, null);
  return { lines: [...findings, ...lines], isGood: findings.length === 0 && isGood };
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
