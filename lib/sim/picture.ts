/**
 * A simulation as one SVG picture: response times, load of the nodes over time, moves, messages.
 *
 * @module
 */

import { COLUMNS, type Recorder } from "./recorder.ts";

const WIDTH = 960;
const LEFT = 70;
const PLOT = WIDTH - LEFT - 20;
const BINS = 48;
/** From idle to very full; one step a job, the last for all that is more. */
const SHADES = ["#f7fbff", "#d6e6f4", "#abd0e6", "#6aaed6", "#3787c0", "#105ba4", "#08306b"];
const HOT = "#a50f15";

/** What stands beside the plots. */
export interface PictureText {
  readonly title: string;
  readonly subtitle: string;
  readonly durationSeconds: number;
}

/** Text without what would be markup. */
function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function label(x: number, y: number, text: string, more = ""): string {
  return `<text x="${round(x)}" y="${round(y)}" ${more}>${escape(text)}</text>`;
}

/** Numbers as short as they can be read, the same everywhere. */
function round(value: number): string {
  return String(Number(value.toPrecision(4)));
}

/** Bars over a common base line, with the axis's ends and the highest value. */
function bars(values: ArrayLike<number>, top: number, height: number, fill: string): string[] {
  const most = Math.max(...Array.from(values), 0);
  const width = PLOT / values.length;
  const lines = Array.from(values).flatMap((value, index) => {
    if (value === 0) return [];
    const tall = value / most * height;
    return [
      `<rect x="${round(LEFT + index * width)}" y="${round(top + height - tall)}" ` +
      `width="${round(width * 0.9)}" height="${round(tall)}" fill="${fill}"/>`,
    ];
  });
  const base = top + height;
  return [
    ...lines,
    `<path d="M${LEFT} ${base}H${LEFT + PLOT}" stroke="#888"/>`,
    label(LEFT - 6, top + 10, round(most), 'text-anchor="end"'),
    label(LEFT - 6, base, "0", 'text-anchor="end"'),
  ];
}

/** Response times in bins whose edges grow by a constant factor. */
function distribution(responses: Float64Array, top: number): string[] {
  const height = 140;
  if (responses.length === 0) return [label(LEFT, top + 70, "no job has ended")];
  let least = Infinity, most = 0;
  for (const value of responses) {
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  least = Math.max(least, most / 1e5);
  const scale = BINS / Math.max(Math.log(most / least), 1e-9);
  const bins = new Float64Array(BINS);
  for (const value of responses) {
    const bin = Math.floor(Math.log(Math.max(value, least) / least) * scale);
    const index = Math.min(BINS - 1, bin);
    bins[index] = (bins[index] as number) + 1;
  }
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) =>
    label(
      LEFT + share * PLOT,
      top + height + 16,
      `${round(least * (most / least) ** share)} s`,
      'text-anchor="middle"',
    )
  );
  return [...bars(bins, top, height, "#3787c0"), ...ticks];
}

/** The load of the nodes: a row for each, or for each group, and time to the right. */
function loadMap({ load, rows }: Recorder, top: number, height: number): string[] {
  const lines: string[] = [];
  const tall = height / rows, wide = PLOT / COLUMNS;
  const fillOf = (row: number, column: number): string => {
    const jobs = Math.round(load[row * COLUMNS + column] as number);
    return SHADES[jobs] ?? HOT;
  };
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < COLUMNS;) {
      const fill = fillOf(row, column);
      const from = column;
      while (column < COLUMNS && fillOf(row, column) === fill) column++;
      lines.push(
        `<rect x="${round(LEFT + from * wide)}" y="${round(top + row * tall)}" ` +
          `width="${round((column - from) * wide)}" height="${round(tall)}" fill="${fill}"/>`,
      );
    }
  }
  const key = [...SHADES, HOT].map((fill, jobs) => {
    const x = LEFT + jobs * 34;
    const text = jobs === SHADES.length ? `${jobs}+` : String(jobs);
    return `<rect x="${x}" y="${top + height + 8}" width="14" height="10" fill="${fill}" ` +
      `stroke="#bbb"/>${label(x + 18, top + height + 17, text)}`;
  });
  return [...lines, ...key];
}

/** Draws the picture. */
export function drawPicture(recorder: Recorder, text: PictureText): string {
  const end = `${round(text.durationSeconds)} s`;
  const heading = (y: number, words: string) => label(LEFT, y, words, 'font-weight="bold"');
  const timeAxis = (y: number) => [
    label(LEFT, y, "0 s"),
    label(LEFT + PLOT, y, end, 'text-anchor="end"'),
  ];
  const each = recorder.rows < recorder.nodes
    ? "each row is the mean of several nodes"
    : "a row each";
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="930" ` +
    `viewBox="0 0 ${WIDTH} 930" font-family="sans-serif" font-size="11">`,
    `<rect width="${WIDTH}" height="930" fill="white"/>`,
    label(LEFT, 26, text.title, 'font-size="16"'),
    label(LEFT, 44, text.subtitle),
    heading(72, "Jobs by response time"),
    ...distribution(recorder.responses.values, 82),
    heading(268, `Jobs on the nodes over time: ${each}`),
    ...loadMap(recorder, 278, 320),
    label(LEFT + PLOT, 615, `0 s to ${end}`, 'text-anchor="end"'),
    heading(648, "Moves"),
    ...bars(recorder.movesOverTime, 658, 90, "#41ab5d"),
    ...timeAxis(764),
    heading(794, "Messages"),
    ...bars(recorder.messagesOverTime, 804, 90, "#fd8d3c"),
    ...timeAxis(910),
    "</svg>",
    "",
  ].join("\n");
}
