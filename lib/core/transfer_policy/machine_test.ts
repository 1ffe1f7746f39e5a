/** Tests of balancers whose policy looks at the machine. */

import assert from "node:assert/strict";
import { Fixture, quiet } from "../../../tests/core/fixture.ts";
import { policies, type Policy } from "../contract/policy.ts";
import type { BalancerConfig } from "../contract/config.ts";
import type { Effect } from "../contract/effect.ts";
import type { Measures } from "../contract/measures.ts";

function make(policy: Partial<Policy>, config: Partial<BalancerConfig> = {}): Fixture {
  return new Fixture({ policy: { ...policies.thesis, ...policy }, ...config });
}

function measure(fixture: Fixture, measures: Partial<Measures>): Effect[] {
  fixture.nowMs += 5_000;
  return [
    ...fixture.step({ type: "measured", measures: { ...quiet, ...measures } }),
    ...fixture.step({ type: "check" }),
  ];
}

/** Answers the inspection among these effects; what is offered, or null. */
function offered(fixture: Fixture, effects: readonly Effect[]): string | null {
  const inspect = effects.find((effect) => effect.type === "inspect");
  if (inspect === undefined) return null;
  const offer = fixture.step(fixture.sampled(inspect.ids)).find(({ type }) => type === "offer");
  return offer?.type === "offer" ? offer.id : null;
}

const letterOf = (fixture: Fixture) => fixture.balancer.view().announcement.letter;

Deno.test("by run-queue a node whose owner computes is not U, and sends what it has too much", () => {
  const tight = { thresholds: { thu: 0, thf: 1, thv: 2 } };
  const fixture = make({ index: "run-queue" }, tight);
  fixture.peer("b", "U");
  measure(fixture, {});
  assert.equal(letterOf(fixture), "U");
  measure(fixture, { idleCores: 0, otherCores: 1 });
  assert.equal(letterOf(fixture), "F");
  assert.deepEqual(fixture.balancer.view().machine?.others, 1);
  const first = fixture.arrive(1);
  assert.equal(offered(fixture, first), "a/1/1");
  // The same by queue length: the only process stays.
  const blind = make({}, tight);
  blind.peer("b", "U");
  measure(blind, { idleCores: 0, otherCores: 1 });
  assert.equal(letterOf(blind), "U");
  assert.equal(offered(blind, blind.arrive(1)), null);
});

Deno.test("by pressure a node takes one process, and sends one, for each measurement", () => {
  const percents = { thu: 10, thf: 40, thv: 70, unit: "percent" } as const;
  const fixture = make({ index: "pressure" }, { thresholds: percents });
  fixture.peer("b", "U");
  assert.equal(letterOf(fixture), "F"); // not measured yet
  measure(fixture, {});
  assert.equal(letterOf(fixture), "U");
  const taken = fixture.expect("answerOffer", fixture.offered(8, 1n));
  assert.equal(taken.accepted, true);
  assert.equal(fixture.expect("answerOffer", fixture.offered(9, 2n)).accepted, false);
  for (const pid of [1, 2, 3]) fixture.arrive(pid);
  const effects = measure(fixture, { cpuStall: 0.95 });
  assert.equal(offered(fixture, effects), "a/3/1");
  assert.match(fixture.balancer.explain("a/1/1")?.[0] ?? "", /the pressure is 95 %, thv 70 %/);
});

Deno.test("a node short of memory takes nothing and sends the smallest that is enough", () => {
  const fixture = make({ memoryFloor: 0.1, ageCost: true });
  fixture.peer("b", "U");
  fixture.arrive(1, { rssBytes: 500, cpuSeconds: 0 });
  fixture.arrive(2, { rssBytes: 120, cpuSeconds: 0 });
  fixture.arrive(3, { rssBytes: 5, cpuSeconds: 900 });
  assert.equal(offered(fixture, measure(fixture, { availableBytes: 100 })), null);
  const effects = measure(fixture, { availableBytes: 50 });
  assert.equal(letterOf(fixture), "F");
  const refused = fixture.expect("answerOffer", fixture.offered(8, 1n));
  assert.match(refused.reason ?? "", /short of memory: 0 of 0 MiB/);
  assert.equal(offered(fixture, effects), "a/2/1");
  // Whoever stays does so until it was measured again.
  assert.equal(offered(fixture, fixture.step({ type: "check" })), null);
});
