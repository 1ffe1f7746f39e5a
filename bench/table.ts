/**
 * Plain-text tables and the few statistics that the benches need.
 *
 * @module
 */

/** Draws rows under a header; columns whose cells are all numbers are flush right. */
export function drawTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows];
  const widths = header.map((_, column) =>
    Math.max(...all.map((row) => (row[column] ?? "").length))
  );
  const right = header.map((_, column) =>
    rows.every((row) => /^[-+]?[\d.,]*%?$/.test(row[column] ?? ""))
  );
  return all.map((row) =>
    "  " +
    row.map((cell, column) =>
      right[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)
    ).join("  ").trimEnd()
  ).join("\n");
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? NaN)) / 2;
}

/** Draws for the bootstrap; 2000 keep the bound's own error far below the bound's width. */
const BOOTSTRAP_DRAWS = 2000;

/** A 95% confidence interval. */
export interface Interval {
  readonly lower: number;
  readonly upper: number;
}

/**
 * Where the median lies, by the percentile bootstrap with a fixed seed, so that the same values give the same
 * interval.
 */
export function medianInterval(values: readonly number[]): Interval {
  let state = 12345;
  const random = (): number => {
    // Lehmer's generator, Park and Miller 1988.
    state = state * 48271 % 2147483647;
    return state / 2147483647;
  };
  const medians = Array.from(
    { length: BOOTSTRAP_DRAWS },
    () => median(values.map(() => values[Math.floor(random() * values.length)] ?? NaN)),
  ).sort((a, b) => a - b);
  const at = (part: number): number => medians[Math.floor(BOOTSTRAP_DRAWS * part)] ?? NaN;
  return { lower: at(0.025), upper: at(0.975) };
}

/** Upper end of {@linkcode medianInterval}. */
export function medianUpperBound(values: readonly number[]): number {
  return medianInterval(values).upper;
}

/** Rounds for print and JSON. */
export function round(value: number, digits = 3): number {
  return Number(value.toFixed(digits));
}
