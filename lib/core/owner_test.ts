/** Tests of guests while the owner is at work. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { Fixture, quiet, types } from "../../tests/core/fixture.ts";
import { type OwnerRule, treatments } from "./contract/owner.ts";
import { Owner } from "./transfer_policy/owner.ts";
import type { Effect } from "./contract/effect.ts";
import type { Measures } from "./contract/measures.ts";

const rule: OwnerRule = {
  terminals: true,
  cpuLimit: 0.5,
  idleAfterMs: 60_000,
  niceAfterMs: 0,
  stopAfterMs: 20_000,
  leaveAfterMs: 50_000,
};

const away: Measures = { ...quiet, terminalIdleMs: 3_600_000 };

Deno.test("Owner takes each step at its own time, and undoes all when the owner has gone", () => {
  const owner = new Owner(rule, 0);
  const at = (seconds: number, terminalIdleMs: number): string => {
    owner.measure({ ...away, terminalIdleMs }, seconds * 1000);
    return owner.treatment(seconds * 1000);
  };
  assert.equal(at(0, 3_600_000), "none");
  assert.equal(at(5, 0), "nice");
  assert.equal(at(24, 1_000), "nice");
  assert.equal(at(25, 2_000), "stop");
  assert.equal(at(54, 31_000), "stop");
  assert.equal(at(55, 32_000), "leave");
  assert.equal(at(82, 59_000), "leave");
  assert.equal(at(83, 60_000), "none"); // typed at 23 s for the last time
  assert.equal(owner.activeForMs(83_000), null);
  assert.equal(at(90, 0), "nice"); // a new visit begins at the first step
});

Deno.test("Owner goes on where an earlier run of the daemon was", () => {
  const owner = new Owner(rule, 30_000);
  owner.measure({ ...away, terminalIdleMs: 5_000 }, 1_000);
  assert.equal(owner.treatment(1_000), "stop");
  const gone = new Owner(rule, 30_000);
  gone.measure(away, 1_000);
  assert.equal(gone.treatment(1_000), "none");
  gone.measure({ ...away, terminalIdleMs: 0 }, 2_000);
  assert.equal(gone.activeForMs(2_000), 0);
});

Deno.test("Owner sees what others compute, and only what it is to see", () => {
  const computing = { terminalIdleMs: null, otherCores: 0.6 };
  const seeing = new Owner(rule, 0);
  seeing.measure(computing, 0);
  assert.equal(seeing.treatment(0), "nice");
  const blind = new Owner({ ...rule, cpuLimit: null }, 0);
  blind.measure(computing, 0);
  assert.equal(blind.treatment(0), "none");
  const deaf = new Owner({ ...rule, terminals: false }, 0);
  deaf.measure({ terminalIdleMs: 0, otherCores: 0 }, 0);
  assert.equal(deaf.treatment(0), "none");
});

Deno.test("Owner only becomes stricter while the owner stays, and leaves out what has no time", () => {
  const step = fc.option(fc.nat({ max: 100_000 }));
  fc.assert(fc.property(step, step, step, fc.array(fc.nat({ max: 30_000 })), (...given) => {
    const [niceAfterMs, stopAfterMs, leaveAfterMs, gaps] = given;
    const owner = new Owner({ ...rule, niceAfterMs, stopAfterMs, leaveAfterMs }, 0);
    let nowMs = 0, last = 0;
    for (const gapMs of gaps) {
      owner.measure({ ...away, terminalIdleMs: 0 }, nowMs += gapMs);
      const treatment = owner.treatment(nowMs);
      const rank = treatments.indexOf(treatment);
      if (niceAfterMs === null) assert.notEqual(treatment, "nice");
      if (leaveAfterMs === null) assert.notEqual(treatment, "leave");
      const inOrder = (niceAfterMs ?? 0) <= (stopAfterMs ?? Infinity) &&
        (stopAfterMs ?? 0) <= (leaveAfterMs ?? Infinity);
      if (inOrder) assert.ok(rank >= last);
      last = rank;
    }
  }));
});

/** A node with an owner, two guests and a process of its own. */
function visited(leaveAfterMs: number | null): Fixture {
  const fixture = new Fixture({ owner: { ...rule, leaveAfterMs } });
  fixture.arrive(1);
  fixture.arrive(2, { home: "b" });
  fixture.arrive(3, { home: "x" });
  return fixture;
}

function measure(fixture: Fixture, seconds: number, terminalIdleMs: number): Effect[] {
  fixture.nowMs = seconds * 1000;
  return fixture.step({ type: "measured", measures: { ...away, terminalIdleMs } });
}

Deno.test("a node whose owner is at work takes nothing and says how to treat guests, once a step", () => {
  const fixture = visited(null);
  const first = measure(fixture, 5, 0);
  assert.deepEqual(types(first), ["treatGuests"]);
  assert.equal(fixture.balancer.view().announcement.letter, "F");
  const { accepted, reason } = fixture.expect("answerOffer", fixture.offered(9, 1n));
  assert.deepEqual([accepted, reason], [false, "the owner of the node is at work"]);
  assert.deepEqual(types(measure(fixture, 10, 0)), []);
  const [stop] = measure(fixture, 30, 0);
  assert.ok(stop?.type === "treatGuests" && stop.treatment === "stop");
  assert.match(fixture.balancer.explain("b/2/1")?.[0] ?? "", /it is stopped/);
  assert.doesNotMatch(fixture.balancer.explain("a/1/1")?.[0] ?? "", /it is stopped/);
  const gone = measure(fixture, 200, 100_000);
  assert.ok(gone.some((effect) => effect.type === "treatGuests" && effect.treatment === "none"));
  assert.equal(fixture.balancer.view().owner?.activeForMs, null);
});

Deno.test("guests that must leave go to a U node, or home, and what is at home stays", () => {
  const fixture = visited(50_000);
  measure(fixture, 1, 0);
  const effects = measure(fixture, 60, 0);
  const inspect = effects.find((effect) => effect.type === "inspect");
  assert.deepEqual(inspect?.ids, ["b/2/1", "x/3/1"]);
  // Nobody is U: the one with most CPU time goes home.
  const offer = fixture.expect("offer", fixture.sampled(inspect?.ids ?? []));
  assert.deepEqual([offer.id, offer.to, offer.manual, offer.home], ["x/3/1", "x", true, true]);
  const next = fixture.step(fixture.answer(offer, "out of reach", null));
  const second = next.find((effect) => effect.type === "offer");
  assert.deepEqual([second?.id, second?.to], ["b/2/1", "b"]);
});
