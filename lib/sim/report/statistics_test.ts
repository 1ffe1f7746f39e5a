/** Tests of the statistics. */

import assert from "node:assert/strict";
import { Prng } from "../../base/prng.ts";
import { batchMeans, estimate, percentile, Series } from "./statistics.ts";

Deno.test("estimate() gives Student's interval", () => {
  const { mean, halfWidth } = estimate([1, 2, 3, 4]);
  assert.equal(mean, 2.5);
  // 3.182 * sqrt(5/3 / 4)
  assert.ok(Math.abs(halfWidth - 2.054) < 0.001);
  assert.equal(estimate([7]).halfWidth, Infinity);
});

Deno.test("batchMeans() covers the mean of independent values about 95 times in 100", () => {
  let covered = 0;
  for (let seed = 0; seed < 400; seed++) {
    const prng = new Prng(seed);
    const values = Float64Array.from({ length: 400 }, () => prng.nextExponential(3));
    const { mean, halfWidth } = batchMeans(values);
    if (Math.abs(mean - 3) <= halfWidth) covered++;
  }
  assert.ok(covered >= 360 && covered <= 396, `${covered} of 400`);
});

Deno.test("percentile() takes the smallest value that enough are not above", () => {
  const sorted = Float64Array.from([1, 2, 3, 4]);
  assert.deepEqual([0, 0.25, 0.5, 0.51, 1].map((share) => percentile(sorted, share)), [
    1,
    1,
    2,
    3,
    4,
  ]);
  assert.ok(Number.isNaN(percentile(new Float64Array(0), 0.5)));
});

Deno.test("Series keeps all values in order", () => {
  const series = new Series();
  for (let i = 0; i < 5000; i++) series.push(i);
  assert.equal(series.values.length, 5000);
  assert.ok(series.values.every((value, index) => value === index));
});
