/** Tests of the room for threads. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { describeNoRoom, fastest, hasRoom } from "./room.ts";

const capacity = { cores: 4, speed: 1 };

Deno.test("hasRoom() asks nothing for one thread, else for cores or a greater share of them", () => {
  const facts = { loadHere: 1, capacityHere: capacity, loadThere: 1, capacityThere: capacity };
  assert.ok(hasRoom({ ...facts, weight: 1 }));
  assert.ok(!hasRoom({ ...facts, weight: 2 }));
  assert.ok(hasRoom({ ...facts, weight: 2, loadThere: 0.5 }));
  assert.ok(!hasRoom({ ...facts, weight: 3, loadThere: 0.5 }));
  assert.ok(hasRoom({ ...facts, weight: 3, loadThere: 0.5, loadHere: 1.5 }));
  const fast = { cores: 4, speed: 2 };
  assert.ok(hasRoom({ ...facts, weight: 6, loadThere: 0, capacityThere: fast }));
  assert.match(
    describeNoRoom({ ...facts, weight: 3, loadThere: 0.5 }, "b:1"),
    /^no room for its 3 computing threads at b:1: 2 of 4 cores are free/,
  );
});

Deno.test("fastest() prefers cores for all threads to fewer, and chooses nothing among equals", () => {
  const nodes = [
    { name: "small", load: 0.5, cores: 2 },
    { name: "idle", load: 0, cores: 4 },
    { name: "large", load: 0.5, cores: 8 },
    { name: "busy", load: 0.9, cores: 8 },
  ];
  const best = fastest(nodes, ({ load, cores }) => ({
    weight: 4,
    loadThere: load,
    capacityThere: { cores, speed: 1 },
  }));
  assert.deepEqual(best.map(({ name }) => name), ["idle", "large"]);
});

Deno.test("hasRoom() never lets two nodes change a process back and forth", () => {
  const load = fc.integer({ min: 0, max: 40 });
  const cores = fc.constantFrom(1, 2, 4, 8);
  fc.assert(
    fc.property(load, load, cores, fc.integer({ min: 2, max: 9 }), (here, there, count, weight) => {
      const alike = { cores: count, speed: 1 };
      const [capacityHere, capacityThere] = [alike, alike];
      const facts = { weight, capacityHere, capacityThere };
      const go = hasRoom({ ...facts, loadHere: (here + weight) / count, loadThere: there / count });
      const back = hasRoom({
        ...facts,
        loadHere: (there + weight) / count,
        loadThere: here / count,
      });
      // Where both have room neither is over.
      const isOver = here + weight > count && there + weight > count;
      assert.ok(!(go && back && isOver));
    }),
  );
});
