/** Tests of how long a node waits that has asked in vain. */

import assert from "node:assert/strict";
import { backOff } from "./initiation.ts";

Deno.test("backOff() doubles the checks to wait, up to a limit", () => {
  const waits = Array.from({ length: 8 }, (_, rounds) => backOff(rounds + 1));
  assert.deepEqual(waits, [1, 2, 4, 8, 16, 16, 16, 16]);
});
