/** Tests of the reserved places. */

import assert from "node:assert/strict";
import { Reservations } from "./reservations.ts";

function places() {
  const places = new Reservations({ reservationTimeoutMs: 100, moveTimeoutMs: 1_000 });
  places.reserve({ ticket: 1n, id: "p", from: "b" }, 0);
  places.reserve({ ticket: 2n, id: "q", from: "c" }, 50);
  return places;
}

Deno.test("expire() frees each place at its own deadline and returns it", () => {
  const some = places();
  assert.equal(some.nextTimeoutMs(), 100);
  assert.deepEqual(some.expire(99), []);
  assert.deepEqual(some.expire(100).map(({ id }) => id), ["p"]);
  assert.equal(some.nextTimeoutMs(), 150);
  assert.deepEqual(some.expire(1_000).map(({ id }) => id), ["q"]);
  assert.equal(some.nextTimeoutMs(), null);
});

Deno.test("start() gives a place the time of a whole move; an unknown ticket is nothing", () => {
  const some = places();
  some.start(1n, 90);
  some.start(77n, 90);
  assert.equal(some.size, 2);
  assert.deepEqual(some.expire(500).map(({ id }) => id), ["q"]);
  assert.equal(some.nextTimeoutMs(), 1_090);
});

Deno.test("release() frees a place once", () => {
  const some = places();
  assert.equal(some.release(1n)?.id, "p");
  assert.equal(some.release(1n), null);
  some.releaseProcess("q");
  assert.equal(some.size, 0);
});
