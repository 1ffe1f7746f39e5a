/** Tests of the live view and its painter, on paper. */

import assert from "node:assert/strict";
import { HostError } from "../base/errors.ts";
import type { Snapshot } from "../wire/snapshot.ts";
import { showLive } from "./live.ts";
import { type Canvas, Painter } from "./painter.ts";

const snapshot: Snapshot = {
  node: "a:1",
  state: "U",
  queueLength: 0,
  thresholds: { thu: 1, thf: 3, thv: 4 },
  frequencySeconds: 5,
  associated: [],
  processes: [],
  shadows: [],
};

/** Keeps what is written, a byte short at times as a pipe may do. */
class Paper implements Canvas {
  text = "";
  constructor(readonly terminal: boolean) {}
  isTerminal(): boolean {
    return this.terminal;
  }
  writeSync(bytes: Uint8Array): number {
    const some = bytes.subarray(0, 100);
    this.text += new TextDecoder().decode(some);
    return some.length;
  }
}

/** Runs the live view over these answers and returns what was painted, escapes as text. */
async function show(answers: readonly (Snapshot | Error)[], paper = new Paper(true)) {
  const end = new AbortController();
  const rest = [...answers];
  {
    using painter = new Painter(paper);
    await showLive({
      ask: () => {
        const answer = rest.shift() ?? snapshot;
        return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
      },
      painter,
      size: () => ({ columns: 60, rows: 12 }),
      pause: () => {
        if (rest.length === 0) end.abort();
        return Promise.resolve();
      },
      signal: end.signal,
    });
  }
  return paper.text.replaceAll("\u001b[", "<ESC>");
}

Deno.test("showLive() paints each answer over the last and gives the terminal back", async () => {
  const text = await show([snapshot, { ...snapshot, queueLength: 1 }]);
  assert.match(text, /^<ESC>\?1049h<ESC>\?25l<ESC>H/);
  assert.match(text, /queue length 0[^]*<ESC>H[^]*queue length 1/);
  assert.match(text, /<ESC>\?25h<ESC>\?1049l$/);
  assert.equal(text.split("<ESC>?1049h").length, 2);
});

Deno.test("showLive() keeps the last picture of a node that is lost, and says so", async () => {
  const lost = new HostError("Cannot reach a:1: refused", { fix: "Start it" });
  const text = await show([snapshot, lost, { ...snapshot, queueLength: 7 }]);
  assert.match(text, /queue length 0[^]*NOT UP TO DATE: Cannot reach a:1: refused/);
  assert.match(text, /NOT UP TO DATE[^]*queue length 7[^]*Ctrl-C ends/);
});

Deno.test("showLive() fails if it could not show anything yet, and on any bug", async () => {
  const lost = new HostError("Cannot reach a:1: refused", { fix: "Start it" });
  await assert.rejects(show([lost]), HostError);
  await assert.rejects(show([snapshot, new TypeError("bug")]), TypeError);
});

Deno.test("a painter is silent where there is no terminal", async () => {
  assert.equal(await show([snapshot, snapshot], new Paper(false)), "");
});
