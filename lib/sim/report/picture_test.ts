/**
 * Tests of the picture.
 *
 * That it is well formed, that its texts are on the page and not on each other.
 */

import assert from "node:assert/strict";
import { show, ticksByFactor, ticksUpTo, timeUnit } from "./axes.ts";
import { drawPicture } from "./picture.ts";
import { Recorder } from "./recorder.ts";

/** Notes of a run with jobs whose response times are given. */
function recorderOf(nodes: number, responses: readonly number[], durationMs: number): Recorder {
  const recorder = new Recorder(nodes, durationMs / 10, durationMs);
  for (const [index, seconds] of responses.entries()) {
    const nowMs = durationMs * (0.2 + 0.7 * index / responses.length);
    recorder.ended(nowMs - seconds * 1000, 500 * seconds, nowMs);
    recorder.moved(nowMs);
    recorder.sent(3, true, nowMs);
  }
  recorder.sampleUntil(durationMs, (node) => (node * 7) % 11);
  return recorder;
}

interface Box {
  readonly text: string;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

const sizes: Readonly<Record<string, number>> = {
  title: 18,
  heading: 13,
  figure: 15,
  tick: 11,
  name: 11,
};

/** Where each text is, by an estimate of its width that is rather too large. */
function boxesOf(svg: string): Box[] {
  const texts = svg.matchAll(/<text x="([-\d.]+)" y="([-\d.]+)" class="(\w+)"([^>]*)>([^<]*)</g);
  return [...texts].filter(([, , , , rest]) => rest?.includes("rotate") !== true)
    .map(([, x = "", y = "", kind = "", rest = "", text = ""]) => {
      const size = sizes[kind] ?? NaN;
      const width = 0.63 * size * text.length;
      const anchor = /text-anchor="(\w+)"/.exec(rest)?.[1] ?? "start";
      const left = Number(x) - (anchor === "start" ? 0 : anchor === "end" ? width : width / 2);
      return {
        text,
        left,
        right: left + width,
        top: Number(y) - 0.75 * size,
        bottom: Number(y) + 2,
      };
    });
}

const figures = [
  ["mean response", "5.636 s"],
  ["median, 99 %", "2.238, 63.91 s"],
  ["mean slowdown", "1.171"],
  [
    "slowdown, 99 %",
    "2.103",
  ],
  ["moves a job", "0.7594"],
  ["messages of a node", "2.945 / s"],
] as const;

const ramp = Array.from({ length: 500 }, (_, index) => 0.05 * 1.02 ** index);
const cases: readonly [
  title: string,
  nodes: number,
  responses: readonly number[],
  seconds: number,
][] = [
  ["many nodes, a heavy tail", 200, ramp, 1800],
  ["one node", 1, ramp.slice(0, 100), 60],
  ["all jobs alike", 4, ramp.map(() => 10), 300],
  ["one job", 2, [3], 90],
  ["no job", 3, [], 10_000],
  ["days", 64, ramp, 900_000],
  ["very short", 16, ramp.map((value) => value / 1e4), 0.05],
];
for (const [title, nodes, responses, seconds] of cases) {
  Deno.test(`drawPicture() of ${title} is readable`, () => {
    const svg = drawPicture(recorderOf(nodes, responses, 1000 * seconds), {
      title: `${nodes} nodes, a & b < c`,
      figures,
      durationSeconds: seconds,
      warmupSeconds: seconds / 10,
    });
    assert.doesNotMatch(svg, /NaN|Infinity|undefined/);
    assert.match(svg, /a &amp; b &lt; c/);
    assert.match(svg, /prefers-color-scheme:dark/);
    const [, width, height] = (/width="(\d+)" height="(\d+)"/.exec(svg) ?? []).map(Number);
    const boxes = boxesOf(svg);
    assert.ok(boxes.length > 20);
    for (const [index, box] of boxes.entries()) {
      const isOnPage = box.left >= 0 && box.right <= (width ?? 0) && box.top >= 0 &&
        box.bottom <= (height ?? 0);
      assert.ok(isOnPage, `"${box.text}" is on the page: ${JSON.stringify(box)}`);
      for (const other of boxes.slice(index + 1)) {
        const isApart = box.right <= other.left || other.right <= box.left ||
          box.bottom <= other.top || other.bottom <= box.top;
        assert.ok(isApart, `"${box.text}" and "${other.text}" are apart`);
      }
    }
  });
}

Deno.test("every kind of thing that is drawn has a colour on both kinds of page", () => {
  const svg = drawPicture(recorderOf(64, ramp, 1e6), {
    title: "",
    figures,
    durationSeconds: 1000,
    warmupSeconds: 100,
  });
  const style = /<style>(.*)<\/style>/.exec(svg)?.[1] ?? "";
  const [light = "", dark = ""] = style.split("@media(prefers-color-scheme:dark)");
  const drawn = new Set(
    [...svg.matchAll(/<(?:rect|path)[^>]*class="(\w+)"/g)].map(([, kind]) => kind),
  );
  assert.ok(drawn.size >= 12);
  for (const kind of drawn) {
    for (const rules of [light, dark]) assert.ok(rules.includes(`.${kind}`), `${kind}`);
  }
});

Deno.test("ticks are round, and reach as far as they must", () => {
  assert.deepEqual(ticksUpTo(793), [0, 200, 400, 600, 800]);
  assert.deepEqual(ticksUpTo(0.3), [0, 0.1, 0.2, 0.3]);
  assert.deepEqual(ticksUpTo(0), [0, 1]);
  assert.deepEqual(ticksByFactor(0.9, 30), [1, 2, 5, 10, 20]);
  assert.deepEqual(ticksByFactor(0.1, 1e4), [0.1, 1, 10, 100, 1000, 10_000]);
});

Deno.test("numbers and times are short", () => {
  assert.deepEqual([0, 1500, 0.25, 12.345, 1_234_567].map(show), [
    "0",
    "1,500",
    "0.25",
    "12.3",
    "1,230,000",
  ]);
  assert.deepEqual([100, 1000, 20_000, 1e6].map((seconds) => timeUnit(seconds).name), [
    "seconds",
    "minutes",
    "hours",
    "days",
  ]);
});
