/** Runs every C unit test, one test each; tests/c/run.ts says how. */
import { ok } from "node:assert/strict";
import { buildC } from "../../tools/build_c.ts";
import { listCTests, runCTest } from "./run.ts";

await buildC(["shadow"]); // test_load.c loads it
for (const test of listCTests()) {
  Deno.test(`C, ${test.name}: ${test.summary}`, async () => {
    const { passed, cases, skipped, output } = await runCTest(test);
    for (const reason of skipped) console.log(`skipped: ${reason}`);
    ok(passed, output);
    ok(cases.length > 0, `Cannot count ${test.name} as passed as it must run a case: it ran none`);
  });
}
