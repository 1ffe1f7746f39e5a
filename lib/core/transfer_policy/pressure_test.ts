/** Tests of the load index "pressure". */

import assert from "node:assert/strict";
import { Pressure } from "./pressure.ts";

const percents = { thu: 10, thf: 40, thv: 70, unit: "percent" } as const;

Deno.test("Pressure is F until it is measured, and again when something has come since", () => {
  const pressure = new Pressure(percents);
  pressure.note(0);
  assert.equal(pressure.forLetter, 40);
  assert.equal(pressure.forSending(3), 0);
  pressure.measure(0.05, 0);
  assert.equal(pressure.forLetter, 5);
  pressure.note(1);
  assert.equal(pressure.forLetter, 40);
  pressure.note(0); // it has ended
  assert.equal(pressure.forLetter, 5);
  pressure.note(1);
  pressure.measure(0, 1);
  assert.equal(pressure.forLetter, 0);
});

Deno.test("Pressure lets one process leave for each measurement", () => {
  const pressure = new Pressure(percents);
  pressure.note(4);
  pressure.measure(0.9, 4);
  assert.equal(pressure.forSending(4), 90);
  assert.equal(pressure.forSending(3), 0);
  pressure.measure(0.8, 3);
  assert.equal(pressure.forSending(3), 80);
  pressure.measure(null, 3);
  assert.equal(pressure.forSending(3), 0);
  assert.equal(pressure.forLetter, 40);
});
