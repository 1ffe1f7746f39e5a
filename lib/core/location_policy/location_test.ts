/** Tests of the choice of a receiver. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { Prng } from "../../base/prng.ts";
import { locations } from "../contract/policy.ts";
import { locate, type Receiver } from "./location.ts";

const names = ["b", "c", "d", "e"];
const receivers = fc.uniqueArray(fc.constantFrom(...names)).chain((nodes) =>
  fc.tuple(
    ...nodes.map((node): fc.Arbitrary<Receiver> =>
      fc.option(fc.nat({ max: 9 })).map((load) => ({ node, load }))
    ),
  )
);

Deno.test("locate() chooses one of the receivers by each rule, and nobody of none", () => {
  const rule = fc.constantFrom(...locations);
  fc.assert(fc.property(receivers, rule, fc.nat(), (given, location, seed) => {
    const options = { prng: new Prng(seed), assumedLoad: 1 };
    const located = locate(given, location, options);
    assert.equal(located === null, given.length === 0);
    if (located === null) return;
    assert.ok(given.includes(located.receiver));
    const again = locate(given, location, { prng: new Prng(seed), assumedLoad: 1 });
    assert.deepEqual(again, located);
    const load = (receiver: Receiver) => receiver.load ?? 1;
    const chosen = load(located.receiver);
    if (location === "preferred-list") assert.equal(located.receiver, given[0]);
    if (location === "least-loaded") assert.equal(chosen, Math.min(...given.map(load)));
    const worst = Math.max(...given.map(load));
    const isAlone = given.filter((one) => load(one) === worst).length === 1;
    if (location === "two-random" && isAlone && given.length > 1) assert.ok(chosen < worst);
  }));
});

Deno.test("locate() by chance reaches every receiver", () => {
  const given = names.map((node) => ({ node, load: null }));
  for (const location of ["random", "two-random"] as const) {
    const prng = new Prng(7);
    const draws = Array.from(
      { length: 400 },
      () => locate(given, location, { prng, assumedLoad: 1 })?.receiver.node,
    );
    for (const name of names) {
      const count = draws.filter((node) => node === name).length;
      assert.ok(count > 60 && count < 140, `${location}: ${name} ${count} times of 400`);
    }
  }
});
