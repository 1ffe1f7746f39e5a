/** Tests of what is wrong with a policy. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { ConfigError } from "../../base/errors.ts";
import {
  assertPolicy,
  countings,
  findPolicyFault,
  indices,
  initiations,
  locations,
  policies,
  type Policy,
  thresholdRules,
} from "./policy.ts";

const limits = { thu: 1, thf: 5, thv: 8 };
const thesis: Policy = policies.thesis;

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
    counts: fc.constantFrom(...countings),
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

Deno.test("findPolicyFault() finds an over node that would ask though it must wait", () => {
  const wrong: Policy = { ...thesis, initiation: "receiver", probes: 2 };
  assert.equal(findPolicyFault(wrong, limits)?.key, "probes");
  assert.equal(findPolicyFault({ ...wrong, initiation: "symmetric" }, limits), null);
});
