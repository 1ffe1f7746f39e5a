/** Tests of the policies' rules, each by itself. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { Prng } from "../base/prng.ts";
import { ConfigError } from "../base/errors.ts";
import { expectedGainSeconds, harmOf } from "./selection_policy/age_cost.ts";
import { unitCapacity } from "./contract/capacity.ts";
import { leavesMargin, MoveBudget } from "./transfer_policy/guards.ts";
import { Rise } from "./transfer_policy/adaptive.ts";
import { initiations } from "./contract/policy.ts";
import { backOff } from "./transfer_policy/initiation.ts";
import { LoadIndex } from "./transfer_policy/load_index.ts";
import { locate, type Receiver } from "./location_policy/location.ts";
import { MoveCost } from "./selection_policy/move_cost.ts";
import {
  assertPolicy,
  findPolicyFault,
  indices,
  locations,
  policies,
  type Policy,
  thresholdRules,
} from "./contract/policy.ts";
import { isClearlyShorter, isWorthAsking } from "./location_policy/probing.ts";
import { adaptThresholds } from "./transfer_policy/thresholds.ts";

const limits = { thu: 1, thf: 5, thv: 8 };
const thesis: Policy = policies.thesis;

// ---- the policy as a whole ----

Deno.test("every policy with a name is right", () => {
  for (const policy of Object.values(policies)) assertPolicy(policy, limits);
});

for (
  const [key, value] of [
    ["index", "uptime"],
    ["location", ""],
    ["thresholds", "none"],
    ["ageCost", "yes"],
    ["adaptive", 1],
    ["smoothingMs", NaN],
    ["smoothingMs", -1],
    ["residenceMs", Infinity],
    ["residenceMs", "10"],
    ["margin", -0.5],
    ["margin", 7],
    ["movesPerMinute", 0],
    ["movesPerMinute", 1.5],
    ["movesPerMinute", NaN],
    ["movesPerMinute", -3],
    ["initiation", "both"],
    ["asks", 0],
    ["asks", 33],
    ["memoryFloor", 1],
    ["memoryFloor", NaN],
    ["memoryStall", -0.1],
    ["probes", 0.5],
    ["probes", NaN],
    ["moveFixedMs", NaN],
    ["linkBytesPerSecond", 0],
  ] as const
) {
  Deno.test(`assertPolicy() names ${key} if it is ${value}`, () => {
    const wrong = { ...thesis, [key]: value } as unknown as Policy;
    assert.throws(() => assertPolicy(wrong, limits), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, new RegExp(`^Cannot use policy\\.${key} as it must be `));
      return true;
    });
  });
}

Deno.test("findPolicyFault() finds that the capacity would count twice", () => {
  const wrong: Policy = { ...thesis, index: "per-capacity", thresholds: "per-capacity" };
  assert.equal(findPolicyFault(wrong, limits)?.key, "thresholds");
});

Deno.test("findPolicyFault() finds thresholds that count something else than the index", () => {
  const pressure: Policy = { ...thesis, index: "pressure" };
  const percents = { thu: 5, thf: 30, thv: 60, unit: "percent" } as const;
  assert.equal(findPolicyFault(pressure, percents), null);
  assert.equal(findPolicyFault(pressure, limits)?.isOfUnit, true);
  assert.equal(findPolicyFault(thesis, percents)?.isOfUnit, true);
  assert.equal(findPolicyFault(pressure, { ...percents, thv: 101 })?.current, "thv = 101");
  for (const [key, value] of [["margin", 1], ["probes", 2], ["smoothingMs", 500]] as const) {
    assert.equal(findPolicyFault({ ...pressure, [key]: value }, percents)?.key, key);
  }
  const doubled: Policy = { ...pressure, thresholds: "per-capacity" };
  assert.equal(findPolicyFault(doubled, percents)?.key, "thresholds");
  assert.throws(() => assertPolicy(pressure, limits), /^ConfigError: Cannot use thresholds as /);
});

Deno.test("findPolicyFault() says what is wrong with any policy, and passes what is right", () => {
  const number = fc.oneof(fc.double(), fc.integer());
  const policy: fc.Arbitrary<Policy> = fc.record({
    index: fc.constantFrom(...indices),
    location: fc.constantFrom(...locations),
    thresholds: fc.constantFrom(...thresholdRules),
    ageCost: fc.boolean(),
    smoothingMs: number,
    residenceMs: number,
    margin: number,
    movesPerMinute: fc.option(number),
    probes: number,
    adaptive: fc.boolean(),
    initiation: fc.constantFrom(...initiations),
    asks: number,
    memoryFloor: number,
    memoryStall: number,
    moveFixedMs: number,
    linkBytesPerSecond: number,
  }, { noNullPrototype: true });
  fc.assert(fc.property(policy, (wanted) => {
    const fault = findPolicyFault(wanted, limits);
    if (fault !== null) assert.ok(fault.key in wanted && fault.wanted !== "" && fault.fix !== "");
    else {
      const { smoothingMs, residenceMs, margin, moveFixedMs, linkBytesPerSecond } = wanted;
      for (const value of [smoothingMs, residenceMs, margin, moveFixedMs, linkBytesPerSecond]) {
        assert.ok(Number.isFinite(value) && value >= 0);
      }
    }
  }));
});

// ---- thresholds ----

const capacity = fc.record({
  cores: fc.double({ min: 0.01, max: 512, noNaN: true }),
  speed: fc.double({ min: 0.1, max: 10, noNaN: true }),
}, { noNullPrototype: true });
const thresholds = fc.tuple(fc.nat({ max: 9 }), fc.nat({ max: 9 }), fc.nat({ max: 9 }))
  .map(([thu, band, gap]) => ({ thu, thf: thu + band + 1, thv: thu + band + gap + 2 }));

Deno.test("adaptThresholds() keeps the order on any node, and is the same for one core", () => {
  fc.assert(fc.property(thresholds, capacity, (given, node) => {
    const { thu, thf, thv } = adaptThresholds(given, "per-capacity", node);
    assert.ok([thu, thf, thv].every(Number.isSafeInteger));
    assert.ok(0 <= thu && thu < thf && thf < thv);
    assert.deepEqual(adaptThresholds(given, "per-capacity", unitCapacity), given);
    assert.equal(adaptThresholds(given, "fixed", node), given);
  }));
});

Deno.test("adaptThresholds() counts for each core of speed 1", () => {
  const adapted = adaptThresholds(limits, "per-capacity", { cores: 8, speed: 1.5 });
  assert.deepEqual(adapted, { thu: 12, thf: 60, thv: 96 });
  const small = adaptThresholds(limits, "per-capacity", { cores: 0.4, speed: 1 });
  assert.deepEqual(small, { thu: 0, thf: 2, thv: 4 });
});

Deno.test("adaptThresholds() counts only processes above the cores, without those that have one", () => {
  const one = { thu: 0, thf: 1, thv: 2 };
  const above = (cores: number, given = one) =>
    adaptThresholds(given, "above-cores", { cores, speed: 0.5 });
  assert.deepEqual(above(1), one);
  assert.deepEqual(above(0.3), one);
  assert.deepEqual(above(1.9), one);
  assert.deepEqual(above(8), { thu: 7, thf: 8, thv: 9 });
  assert.deepEqual(above(4, limits), { thu: 4, thf: 8, thv: 11 });
});

Deno.test("Rise follows the mean load by one process a check, and never below what was given", () => {
  const given = { thu: 0, thf: 1, thv: 2 };
  const rise = new Rise(given);
  assert.deepEqual(rise.check([1, 1.5], 1), given);
  assert.equal(rise.check([4, 2], 1).thu, 1);
  assert.deepEqual(rise.check([4, 2], 1), { thu: 2, thf: 3, thv: 4 });
  assert.equal(rise.check([4, 2], 1).thu, 2); // right for it
  assert.equal(rise.check([2.4], 1).thu, 2); // nor does it fall at once
  assert.equal(rise.check([2.3], 1).thu, 1);
  for (let n = 0; n < 5; n++) rise.check([0], 1);
  assert.deepEqual(rise.check([0], 1), given);
  assert.equal(new Rise(given).check([0.5, 0.5], 4).thu, 1); // two processes on four cores
});

Deno.test("Rise does not swing: under any steady mean it comes to rest", () => {
  const mean = fc.double({ min: 0, max: 30, noNaN: true });
  fc.assert(fc.property(fc.array(mean, { maxLength: 20 }), mean, (history, steady) => {
    const rise = new Rise({ thu: 1, thf: 3, thv: 4 });
    for (const one of history) rise.check([one], 1);
    for (let n = 0; n < 12; n++) rise.check([steady], 1);
    assert.deepEqual(rise.check([steady], 1), rise.check([steady], 1));
  }));
});

// ---- load index ----

Deno.test("LoadIndex is the queue length, or that for each core of speed 1", () => {
  const plain = new LoadIndex(thesis, { cores: 4, speed: 2 }, limits);
  plain.note(6, 0);
  assert.equal(plain.forLetter, 6);
  assert.equal(plain.forSending(5), 5);
  const divided = new LoadIndex(
    { ...thesis, index: "per-capacity" },
    { cores: 4, speed: 2 },
    limits,
  );
  divided.note(6, 0);
  assert.equal(divided.forLetter, 0.75);
  assert.equal(divided.forSending(4), 0.5);
});

Deno.test("LoadIndex smoothed follows with its time constant, and only ever delays", () => {
  const index = new LoadIndex({ ...thesis, smoothingMs: 1_000 }, unitCapacity, limits);
  index.note(0, 0);
  index.note(8, 0); // a burst
  assert.equal(index.forLetter, 8);
  assert.equal(index.forSending(8), 0);
  index.note(8, 1_000);
  assert.ok(Math.abs(index.forSending(8) - 8 * (1 - Math.exp(-1))) < 1e-9);
  index.note(8, 60_000);
  assert.equal(index.forSending(8), 8);
  index.note(0, 60_000); // a lull
  assert.equal(index.forSending(0), 0);
  assert.equal(index.forLetter, 8);
  index.note(0, 61_000);
  assert.ok(Math.abs(index.forLetter - 8 * Math.exp(-1)) < 1e-9);
});

Deno.test("LoadIndex tells when it will reach a limit, and does reach it then", () => {
  const steps = fc.array(fc.tuple(fc.nat({ max: 12 }), fc.integer({ min: 0, max: 3_000 })), {
    minLength: 1,
  });
  fc.assert(fc.property(steps, fc.integer({ min: 1, max: 10_000 }), (history, smoothingMs) => {
    const index = new LoadIndex({ ...thesis, smoothingMs }, unitCapacity, limits);
    let nowMs = 0;
    let length = 0;
    for (const [queueLength, gapMs] of history) {
      index.note(length, nowMs += gapMs);
      index.note(length = queueLength, nowMs);
    }
    const settled = () =>
      index.forLetter <= 4 === length <= 4 &&
      index.forSending(length) >= 8 === length >= 8;
    for (let rounds = 0; !settled(); rounds++) {
      assert.ok(rounds < 20, "it comes to rest");
      const nextMs = index.nextTimeoutMs([4, 8]);
      assert.ok(nextMs !== null && nextMs > nowMs);
      index.note(length, nowMs = nextMs);
    }
  }));
});

// ---- location ----

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

// ---- age and cost ----

Deno.test("expectedGainSeconds() moves if a > C / (n - m - 1), on nodes of one core", () => {
  const cases = fc.record({
    age: fc.integer({ min: 0, max: 1_000 }),
    cost: fc.integer({ min: 1, max: 100 }),
    here: fc.integer({ min: 1, max: 20 }),
    there: fc.nat({ max: 20 }),
  });
  fc.assert(fc.property(cases, ({ age, cost, here, there }) => {
    const gain = expectedGainSeconds({
      ageSeconds: age,
      costSeconds: cost,
      processesHere: here,
      loadThere: there,
      capacity: unitCapacity,
    });
    const spare = here - there - 1;
    // Nothing is taken to be younger than a second.
    assert.equal(gain > 0, spare > 0 && Math.max(age, 1) * spare > cost);
  }));
});

Deno.test("expectedGainSeconds() sees no gain where cores are free here", () => {
  const facts = { ageSeconds: 100, costSeconds: 1, processesHere: 4, loadThere: 0 };
  assert.ok(expectedGainSeconds({ ...facts, capacity: { cores: 4, speed: 1 } }) < 0);
  assert.ok(expectedGainSeconds({ ...facts, capacity: { cores: 2, speed: 1 } }) > 0);
});

Deno.test("expectedGainSeconds() counts a core that begins to work, whoever gains by it", () => {
  const capacity = { cores: 8, speed: 2 };
  const facts = { ageSeconds: 10, costSeconds: 15, processesHere: 9, capacity };
  assert.equal(expectedGainSeconds({ ...facts, loadThere: 7 / 16 }), 5);
  // All cores work there already: what is gained is its own little.
  assert.ok(expectedGainSeconds({ ...facts, loadThere: 8 / 16 }) < 0);
});

Deno.test("harmOf() weighs what a move takes by the square root of the age", () => {
  const harm = (ageSeconds: number, costSeconds: number) => harmOf({ ageSeconds, costSeconds });
  assert.equal(harm(0, 3), 3);
  assert.equal(harm(99, 3), 0.3);
  assert.ok(harm(99, 9) < harm(0, 1) && harm(99, 11) > harm(0, 1));
});

Deno.test("MoveCost learns the fixed part from small moves and the link from large ones", () => {
  const cost = new MoveCost({ moveFixedMs: 100, linkBytesPerSecond: 100e6 });
  assert.equal(cost.estimateSeconds(0), 0.1);
  assert.ok(Math.abs(cost.estimateSeconds(1e9) - 10.1) < 1e-9);
  for (let move = 0; move < 60; move++) {
    cost.note(0, 40);
    cost.note(1e9, 1_040);
  }
  assert.ok(Math.abs(cost.estimateSeconds(0) - 0.04) < 0.001);
  assert.ok(Math.abs(cost.estimateSeconds(5e8) - 0.54) < 0.01);
});

// ---- guards ----

Deno.test("MoveBudget lets so many moves begin in any minute", () => {
  const gaps = fc.array(fc.nat({ max: 20_000 }), { maxLength: 60, size: "max" });
  fc.assert(fc.property(gaps, fc.integer({ min: 1, max: 5 }), (given, movesPerMinute) => {
    const budget = new MoveBudget(movesPerMinute);
    const begun: number[] = [];
    let nowMs = 0;
    for (const gapMs of given) {
      nowMs += gapMs;
      if (!budget.mayBegin(nowMs)) continue;
      budget.begun(nowMs);
      begun.push(nowMs);
    }
    for (const startMs of begun) {
      const within = begun.filter((atMs) => atMs >= startMs && atMs < startMs + 60_000);
      assert.ok(within.length <= movesPerMinute);
    }
  }));
  assert.ok(new MoveBudget(null).mayBegin(0));
});

Deno.test("leavesMargin() asks for nothing by default, else for the difference", () => {
  assert.ok(leavesMargin({ hereAfter: 0, thereAfter: 9, margin: 0 }));
  assert.ok(leavesMargin({ hereAfter: 4, thereAfter: 2, margin: 2 }));
  assert.ok(!leavesMargin({ hereAfter: 4, thereAfter: 2, margin: 2.5 }));
});

// ---- probing ----

Deno.test("isClearlyShorter() never lets a move make the shorter queue the longer one", () => {
  const length = fc.nat({ max: 50 });
  fc.assert(fc.property(length, length, fc.constantFrom(1, 2, 8), (here, there, units) => {
    const taken = isClearlyShorter({ here: here / units, there: there / units, units });
    assert.equal(taken, here + 1 <= there - 1);
  }));
});

Deno.test("isWorthAsking() is false where no node that is not U can have clearly fewer", () => {
  assert.ok(!isWorthAsking(2, 0));
  assert.ok(isWorthAsking(3, 0));
  assert.ok(!isWorthAsking(5, 3));
});

// ---- initiation ----

Deno.test("backOff() doubles the checks to wait, up to a limit", () => {
  const waits = Array.from({ length: 8 }, (_, rounds) => backOff(rounds + 1));
  assert.deepEqual(waits, [1, 2, 4, 8, 16, 16, 16, 16]);
});

Deno.test("findPolicyFault() finds an over node that would ask though it must wait", () => {
  const wrong: Policy = { ...thesis, initiation: "receiver", probes: 2 };
  assert.equal(findPolicyFault(wrong, limits)?.key, "probes");
  assert.equal(findPolicyFault({ ...wrong, initiation: "symmetric" }, limits), null);
});
