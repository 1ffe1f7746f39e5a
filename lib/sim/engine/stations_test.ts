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
