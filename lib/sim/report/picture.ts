/**
 * A simulation as one SVG picture.
 *
 * Response times, load of the nodes over time, moves, messages. It takes the colours of the page
 * it is shown on, light or dark.
 *
 * @module
 */

import { label, round, show, ticksByFactor, ticksUpTo, timeUnit } from "./axes.ts";
import { COLUMNS, type Recorder } from "./recorder.ts";
import { percentile } from "./statistics.ts";

const WIDTH = 960;
const LEFT = 76;
const PLOT = WIDTH - LEFT - 36;
const BINS = 60;
/** Classes of colour: no job, one, and so on; the last for all that is more. */
const SHADES = 8;

/** One colour a shade, from idle to very full, on a light and on a dark page. */
const light = [
  "#f1f5f9",
  "#d3e4f3",
  "#a6cde6",
  "#6aaed6",
  "#3787c0",
  "#135fa7",
  "#08306b",
  "#b2182b",
];
const dark = [
  "#1c2733",
  "#234868",
  "#2c6793",
  "#3f88ba",
  "#62a9d8",
  "#98cbee",
  "#d8edfb",
  "#ff6f61",
];

const shadeRules = (colours: readonly string[]) =>
  colours.map((colour, shade) => `.s${shade}{fill:${colour}}`).join("");

/** Everything that has a colour is named here, for both kinds of page. */
const STYLE = [
  'text{font-family:system-ui,"Segoe UI","DejaVu Sans",sans-serif;fill:#334155;font-size:11px}',
  ".title{font-size:18px;font-weight:600;fill:#0f172a}.heading{font-size:13px;font-weight:600;fill:#0f172a}",
  ".figure{font-size:15px;font-weight:600;fill:#0f172a}.name{font-size:11px;fill:#64748b}",
  ".page{fill:#ffffff}.grid{stroke:#e2e8f0}.axis{stroke:#94a3b8}.mark{stroke:#b2182b;stroke-dasharray:3 3}",
  ".times{fill:#3787c0}.moves{fill:#2f9e5f}.messages{fill:#d97706}.warmup{fill:#64748b;opacity:.12}",
  shadeRules(light),
  "@media(prefers-color-scheme:dark){text{fill:#cbd5e1}.title,.heading,.figure{fill:#f1f5f9}",
  ".name{fill:#94a3b8}.page{fill:#0f172a}.grid{stroke:#263449}.axis{stroke:#64748b}.mark{stroke:#ff6f61}",
  ".times{fill:#62a9d8}.moves{fill:#4cc38a}.messages{fill:#f5a524}.warmup{fill:#cbd5e1}",
  `${shadeRules(dark)}}`,
].join("");

/** What stands beside the plots. */
export interface PictureText {
  readonly title: string;
  /** The run in a few figures, each with its name. */
  readonly figures: readonly (readonly [name: string, value: string])[];
  readonly durationSeconds: number;
  /** Time that does not count, from the start. */
  readonly warmupSeconds: number;
}

/** A plot's place on the page. */
interface Frame {
  readonly top: number;
  readonly height: number;
}

function line(x1: number, y1: number, x2: number, y2: number, kind: string): string {
  return `<path d="M${round(x1)} ${round(y1)}L${round(x2)} ${round(y2)}" class="${kind}"/>`;
}

function box(x: number, y: number, width: number, height: number, kind: string): string {
  return `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${
    round(height)
  }" ` +
    `class="${kind}"/>`;
}

/** The name of an axis, upright beside it. */
function upright(text: string, { top, height }: Frame): string {
  const y = round(top + height / 2);
  return `<text x="18" y="${y}" class="name" text-anchor="middle" transform="rotate(-90 18 ${y})">${text}</text>`;
}

/** Bars over a base line, with round ticks and lines across. */
function bars(values: ArrayLike<number>, frame: Frame, kind: string): string[] {
  const { top, height } = frame;
  const ticks = ticksUpTo(Array.from(values).reduce((a, b) => Math.max(a, b), 0));
  const most = ticks.at(-1) ?? 1;
  const yOf = (value: number) => top + height - value / most * height;
  const wide = PLOT / values.length;
  return [
    ...ticks.flatMap((tick) => [
      line(LEFT, yOf(tick), LEFT + PLOT, yOf(tick), tick === 0 ? "axis" : "grid"),
      label(LEFT - 8, yOf(tick) + 4, show(tick), { anchor: "end" }),
    ]),
    ...Array.from(values).flatMap((value, index) =>
      value === 0 ? [] : [
        box(
          LEFT + index * wide + wide * 0.08,
          yOf(value),
          wide * 0.84,
          top + height - yOf(value),
          kind,
        ),
      ]
    ),
  ];
}

/** Time to the right: ticks below a plot, and the warm-up over it. */
function timeAxis(
  { top, height }: Frame,
  { durationSeconds, warmupSeconds }: PictureText,
): string[] {
  const unit = timeUnit(durationSeconds);
  const xOf = (seconds: number) => LEFT + seconds / durationSeconds * PLOT;
  const base = top + height;
  const ticks = ticksUpTo(durationSeconds / unit.seconds, 8)
    .filter((tick) => tick * unit.seconds <= durationSeconds * 1.0001);
  const lines = ticks.flatMap((tick) => [
    line(xOf(tick * unit.seconds), base, xOf(tick * unit.seconds), base + 4, "axis"),
    label(xOf(tick * unit.seconds), base + 17, show(tick), { anchor: "middle" }),
  ]);
  const warmup = warmupSeconds > 0
    ? [box(LEFT, top, xOf(warmupSeconds) - LEFT, height, "warmup")]
    : [];
  const name = `time, ${unit.name}${
    warmupSeconds > 0 ? "; the shaded warm-up does not count" : ""
  }`;
  return [
    ...warmup,
    ...lines,
    label(LEFT + PLOT, base + 32, name, { kind: "name", anchor: "end" }),
  ];
}

/** Response times in bins whose edges grow by a constant factor, and where 50, 90 and 99 % end. */
function distribution(responses: Float64Array, frame: Frame): string[] {
  const { top, height } = frame;
  if (responses.length === 0) return [label(LEFT, top + height / 2, "No job has ended.")];
  const sorted = responses.toSorted();
  const most = Math.max(sorted.at(-1) ?? 1, 1e-6);
  const least = Math.min(Math.max(sorted[0] ?? most, most / 1e5), most / 1.01);
  const xOf = (seconds: number) => LEFT + Math.log(seconds / least) / Math.log(most / least) * PLOT;
  const bins = new Float64Array(BINS);
  for (const value of sorted) {
    const bin = Math.floor((xOf(Math.max(value, least)) - LEFT) / PLOT * BINS);
    const index = Math.min(BINS - 1, Math.max(0, bin));
    bins[index] = (bins[index] as number) + 1;
  }
  const base = top + height;
  const marks = ([["50 %", 0.5], ["90 %", 0.9], ["99 %", 0.99]] as const)
    .map(([name, share]) => {
      const seconds = Math.max(percentile(sorted, share), least);
      return { text: `${name} within ${show(seconds)} s`, x: xOf(seconds) };
    });
  return [
    ...bars(bins, frame, "times"),
    ...ticksByFactor(least, most).flatMap((tick) => [
      line(xOf(tick), base, xOf(tick), base + 4, "axis"),
      label(xOf(tick), base + 17, show(tick), { anchor: "middle" }),
    ]),
    label(LEFT + PLOT, base + 32, "response time, seconds (logarithmic)", {
      kind: "name",
      anchor: "end",
    }),
    ...marks.map(({ x }) => line(x, top - 4, x, base, "mark")),
    label(LEFT + PLOT, top - 28, `dashed: ${marks.map(({ text }) => text).join(", ")}`, {
      kind: "name",
      anchor: "end",
    }),
  ];
}

/** The load of the nodes: a row for each, or for each group, and time to the right. */
function loadMap({ load, rows, nodes }: Recorder, frame: Frame): string[] {
  const { top, height } = frame;
  const tall = height / rows, wide = PLOT / COLUMNS;
  const shadeOf = (row: number, column: number) =>
    Math.min(SHADES - 1, Math.round(load[row * COLUMNS + column] as number));
  const lines = [box(LEFT, top, PLOT, height, "s0")];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < COLUMNS;) {
      const shade = shadeOf(row, column), from = column;
      while (column < COLUMNS && shadeOf(row, column) === shade) column++;
      if (shade === 0) continue;
      const gap = tall > 4 ? 0.6 : 0;
      lines.push(
        box(LEFT + from * wide, top + row * tall, (column - from) * wide, tall - gap, `s${shade}`),
      );
    }
  }
  const ticks = ticksUpTo(nodes, 8).filter((tick) => Number.isInteger(tick) && tick < nodes);
  return [
    ...lines,
    ...ticks.map((tick) =>
      label(LEFT - 8, top + (tick + 0.5) / nodes * height + 4, show(tick), { anchor: "end" })
    ),
    line(LEFT, top + height, LEFT + PLOT, top + height, "axis"),
  ];
}

/** What the shades mean, in one line that ends at the right. */
function legend(y: number): string[] {
  const step = 38;
  const left = LEFT + PLOT - SHADES * step;
  return [
    label(left - 8, y, "jobs", { kind: "name", anchor: "end" }),
    ...Array.from({ length: SHADES }, (_, shade) => {
      const text = shade === SHADES - 1 ? `${shade}+` : String(shade);
      const x = left + shade * step;
      return box(x, y - 10, 14, 12, `s${shade}`) + label(x + 18, y, text);
    }),
  ];
}

/** Draws the picture. */
export function drawPicture(recorder: Recorder, text: PictureText): string {
  const { durationSeconds, figures } = text;
  const { nodes, rows, movesOverTime, messagesOverTime } = recorder;
  const heading = (y: number, words: string) => label(LEFT, y, words, { kind: "heading" });
  const columnSeconds = durationSeconds / COLUMNS;
  const each = rows < nodes ? `, each row the mean of ${round(nodes / rows)} nodes` : "";
  const times: Frame = { top: 150, height: 150 };
  const map: Frame = { top: 392, height: Math.max(96, Math.min(320, rows * 20)) };
  const moves: Frame = { top: map.top + map.height + 88, height: 96 };
  const messages: Frame = { top: moves.top + moves.height + 88, height: 96 };
  const height = messages.top + messages.height + 48;
  const wide = (WIDTH - LEFT - 36) / Math.max(1, figures.length);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" ` +
    `viewBox="0 0 ${WIDTH} ${height}" role="img">`,
    `<style>${STYLE}</style>`,
    box(0, 0, WIDTH, height, "page"),
    label(LEFT, 36, text.title, { kind: "title" }),
    ...figures.flatMap(([name, value], index) => [
      label(LEFT + index * wide, 66, value, { kind: "figure" }),
      label(LEFT + index * wide, 82, name, { kind: "name" }),
    ]),
    heading(122, "Jobs by response time"),
    upright("jobs", times),
    ...distribution(recorder.responses.values, times),
    heading(map.top - 14, `Jobs on each node over time${each}`),
    ...legend(map.top - 14),
    upright("node", map),
    ...loadMap(recorder, map),
    ...timeAxis(map, text),
    heading(moves.top - 20, "Moves"),
    upright("a minute", moves),
    ...bars(movesOverTime.map((count) => count / columnSeconds * 60), moves, "moves"),
    ...timeAxis(moves, text),
    heading(messages.top - 20, "Messages"),
    upright("a node and second", messages),
    ...bars(messagesOverTime.map((count) => count / columnSeconds / nodes), messages, "messages"),
    ...timeAxis(messages, text),
    "</svg>",
    "",
  ].join("\n");
}
