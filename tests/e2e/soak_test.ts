/**
 * A program that checks itself, moved twenty times.
 *
 * It never notices; `npm run soak` does it longer.
 *
 * @module
 */
import assert from "node:assert/strict";
import { soak } from "../../bench/soak.ts";

Deno.test("a program that checks itself does not notice ten moves away and home", async () => {
  assert.ok(await soak({ hosts: 2, moves: 10 }) > 1000);
});

Deno.test("a program that checks itself does not notice ten moves round three nodes", async () => {
  assert.ok(await soak({ hosts: 3, moves: 10 }) > 1000);
});
