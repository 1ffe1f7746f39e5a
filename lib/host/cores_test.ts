/** Tests of the count of cores. */

import assert from "node:assert/strict";
import { measureCores, parseCpuMax } from "./cores.ts";

Deno.test("parseCpuMax() reads a limit in cores, and that there is none", () => {
  assert.equal(parseCpuMax("40000 100000\n"), 0.4);
  assert.equal(parseCpuMax("200000 100000"), 2);
  for (const text of ["max 100000\n", "", "x y", "100000"]) assert.equal(parseCpuMax(text), null);
});

Deno.test("measureCores() is positive and no more than this machine has", () => {
  const cores = measureCores();
  assert.ok(cores > 0 && cores <= navigator.hardwareConcurrency);
});
