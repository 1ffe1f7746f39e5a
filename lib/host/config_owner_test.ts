/** Tests of the table `[owner]`. */

import assert from "node:assert/strict";
import { ConfigError } from "../base/errors.ts";
import { parseConfig } from "./config.ts";

const read = (text: string) =>
  parseConfig(`listen = "10.0.0.1"\n${text}`, "/etc/lb.toml", {
    getEnv: (name) => name === "HOME" ? "/home/ada" : undefined,
    uid: 1000,
  }).owner;

Deno.test("without [owner] nobody looks for one, and an empty table has every default", () => {
  assert.equal(read(""), null);
  assert.deepEqual(read("[owner]"), {
    terminals: true,
    cpuLimit: null,
    idleAfterMs: 300_000,
    niceAfterMs: 0,
    stopAfterMs: 60_000,
    leaveAfterMs: 600_000,
  });
});

Deno.test("[owner] takes each step's time, and leaves out what is never", () => {
  const owner = read(
    '[owner]\nterminals = false\ncpu-limit = 0.5\nnice-after = "never"\nstop-after = 5\nleave-after = 5',
  );
  assert.deepEqual(
    [owner?.niceAfterMs, owner?.stopAfterMs, owner?.leaveAfterMs, owner?.cpuLimit],
    [null, 5_000, 5_000, 0.5],
  );
});

for (
  const [text, wanted] of [
    ["owner = 3", /owner as it must be a table: \/etc\/lb\.toml:2/],
    ["[owner]\nstop-after = nan", /owner\.stop-after .*lb\.toml:3/],
    ["[owner]\nidle-after = -1", /owner\.idle-after .*lb\.toml:3/],
    ["[owner]\nnice-after = 10\nstop-after = 9", /owner\.stop-after .*at least nice-after, 10/],
    ['[owner]\nnice-after = 9\nstop-after = "never"\nleave-after = 8', /owner\.leave-after .*nice/],
    ["[owner]\nterminals = false", /owner\.terminals .*unless cpu-limit is set/],
    ["[owner]\nterminals = 1", /owner\.terminals .*true or false/],
    ["[owner]\ncpu-limit = 0", /owner\.cpu-limit .*from 0\.01/],
    ["[owner]\nhours = 3", /every key must be known: 'owner\.hours'/],
  ] as const
) {
  Deno.test(`[owner] is refused with its line: ${JSON.stringify(text)}`, () => {
    assert.throws(() => read(text), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, wanted);
      return true;
    });
  });
}
