/** Tests of the simulated processors. */

import assert from "node:assert/strict";
import { Stations } from "./stations.ts";

Deno.test("two jobs share one core; the one that is left gets all of it", () => {
  const stations = new Stations([1], [1]);
  const [short, long] = [stations.make(100), stations.make(300)];
  stations.start(0, short, 0);
  stations.start(0, long, 0);
  assert.equal(stations.nextEndMs(0), 200);
  assert.equal(stations.end(0, 200), short);
  assert.equal(stations.left(0, long, 200), 200);
  assert.equal(stations.nextEndMs(0), 400);
});

Deno.test("a job uses one core at most, and a fast core does more", () => {
  const stations = new Stations([2], [4]);
  for (let i = 0; i < 2; i++) stations.start(0, stations.make(100), 0);
  assert.equal(stations.nextEndMs(0), 50);
  for (let i = 0; i < 6; i++) stations.start(0, stations.make(1000), 25);
  assert.equal(stations.nextEndMs(0), 75, "half the work was left, at half a core each");
});

Deno.test("a job goes on elsewhere with what was left", () => {
  const stations = new Stations([1, 0.5], [1, 1]);
  const job = stations.make(100);
  stations.start(0, job, 10);
  stations.stop(0, job, 70);
  assert.equal(stations.nextEndMs(0), Infinity);
  assert.equal(stations.leftStopped(job), 40);
  stations.start(1, job, 100);
  assert.equal(stations.nextEndMs(1), 180);
  assert.equal(stations.end(1, 180), job);
  assert.deepEqual([stations.count(0), stations.count(1)], [0, 0]);
});

Deno.test("a job of four threads takes a core for each, and shares them by threads", () => {
  const stations = new Stations([1], [4]);
  const wide = stations.make(400, 4), narrow = stations.make(100);
  stations.start(0, wide, 0);
  assert.equal(stations.nextEndMs(0), 100);
  assert.equal(stations.threads(0), 4);
  stations.start(0, narrow, 50);
  // Five threads on four cores: the wide one has 200 left, 50 a thread, at 0.8 of a core.
  assert.equal(stations.nextEndMs(0), 112.5);
  assert.equal(stations.end(0, 112.5), wide);
  assert.equal(stations.left(0, narrow, 112.5), 50);
  assert.equal(stations.nextEndMs(0), 162.5);
});

Deno.test("what threads have left moves with the job", () => {
  const stations = new Stations([1, 1], [1, 8]);
  const job = stations.make(600, 3);
  stations.start(0, job, 0);
  stations.stop(0, job, 300);
  assert.equal(stations.leftStopped(job), 300, "three threads on one core do what one does");
  stations.start(1, job, 300);
  assert.equal(stations.nextEndMs(1), 400);
  assert.deepEqual([stations.threads(0), stations.threads(1)], [0, 3]);
});

Deno.test("cores do what threads get, lose or leave idle, and no more", () => {
  const stations = new Stations([1], [4]);
  const [own, other] = [stations.make(1000, 2), stations.make(1000, 4)];
  stations.estrange(other);
  stations.start(0, own, 0);
  stations.start(0, other, 100);
  const { stalledMs, idleMs, ownMs, otherMs } = stations.usage(0, 200);
  assert.equal(stalledMs, 100);
  assert.equal(idleMs, 200);
  assert.ok(Math.abs(ownMs - (200 + 400 / 3)) < 1e-9 && Math.abs(otherMs - 800 / 3) < 1e-9);
  assert.ok(Math.abs(1000 - stations.left(0, own, 200) - ownMs) < 1e-9);
});

Deno.test("a number of threads may be a mean, and an empty node has none left of rounding", () => {
  const stations = new Stations([1], [1]);
  const jobs = [1.1, 1.3, 1.7].map((threads) => stations.make(100, threads));
  for (const job of jobs) stations.start(0, job, 0);
  for (const job of jobs) stations.stop(0, job, 0);
  assert.equal(stations.threads(0), 0);
});
