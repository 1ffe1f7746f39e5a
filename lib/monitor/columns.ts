/**
 * Text in columns.
 *
 * Widths come from the content; nothing is left that a terminal would obey.
 *
 * @module
 */

/** A column's title and which side its cells lean to. */
export interface Column {
  readonly title: string;
  /** @default {"left"} */
  readonly align?: "left" | "right";
}

/**
 * Draws rows of cells under their titles.
 *
 * @returns The title line, then a line for each row; no line ends with a space.
 */
export function drawColumns(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): string[] {
  const clean = rows.map((row) => row.map(printable));
  const widths = columns.map(({ title }, index) =>
    Math.max(title.length, ...clean.map((row) => row[index]?.length ?? 0))
  );
  return [columns.map(({ title }) => title), ...clean].map((row) =>
    columns.map(({ align }, index) => {
      const cell = row[index] ?? "";
      const width = widths[index] ?? 0;
      return align === "right" ? cell.padStart(width) : cell.padEnd(width);
    }).join("  ").trimEnd()
  );
}

/** Makes text from another node safe to show: a program may be named after an escape sequence. */
export function printable(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, "?");
}

/** Cuts a line to a width, marking the cut. */
export function cut(line: string, width: number): string {
  return line.length <= width ? line : `${line.slice(0, Math.max(0, width - 1))}…`;
}
