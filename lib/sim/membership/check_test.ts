/**
 * Clusters whose members come, go and break.
 *
 * `lb simulate --check` runs more of them.
 */

import assert from "node:assert/strict";
import { statuses } from "../../core/membership/types.ts";
import { checkMembership, messagesMax } from "./check.ts";
import { drawScenario, type Scenario } from "./scenario.ts";
import { World } from "./world.ts";

/** Seeds of `npm test`, in parts so that one sees how far it is. */
const SEEDS = 200;
const PART = 50;

for (let first = 1; first <= SEEDS; first += PART) {
  Deno.test(`seeds ${first} to ${first + PART - 1}: what must hold of members, holds`, () => {
    let failures = 0;
    for (let seed = first; seed < first + PART; seed++) {
      const result = checkMembership(seed);
      const again = `lb simulate --check --seed ${seed}`;
      assert.equal(result.violation, null, `${again}: ${result.violation}`);
      failures += result.failures;
    }
    // Scenarios in which nobody is ever held for failed would prove nothing.
    assert.ok(failures > 100, `${failures}`);
  });
}

Deno.test("a seed gives the same run of members each time", () => {
  assert.deepEqual(checkMembership(9), checkMembership(9));
});

/** A cluster in which nothing happens but that all join one node, a few at a time. */
function growing(nodes: number): Scenario {
  return {
    ...drawScenario(1),
    nodes,
    founders: 1,
    isFixed: false,
    gone: null,
    listMax: 10,
    checkMs: 5_000,
    latencyMs: 0.2,
    jitterMs: 0,
    loss: 0,
    repeats: 0,
    clocks: [],
    happenings: [],
    calmMs: 0,
  };
}

Deno.test("what a node sends stays flat as the cluster grows, in calm and while others join", () => {
  const rates = [16, 40, 64].map((nodes) => {
    const world = new World(growing(nodes));
    const [seed, ...others] = world.nodes;
    assert.ok(seed !== undefined);
    for (const [index, node] of others.entries()) {
      world.after(index * 1_000, () => world.step(node, { type: "join", seed: seed.name }));
    }
    const counts = () => world.nodes.map(({ sent }) => sent);
    const measure = (ms: number) => {
      const before = counts();
      world.advance(world.nowMs + ms, () => {});
      return counts().map((sent, node) => (sent - (before[node] ?? 0)) / ms * 1000);
    };
    const joining = Math.max(...measure(others.length * 1_000));
    world.advance(world.nowMs + 60_000, () => {});
    for (const { membership } of world.nodes) {
      const { members, associated } = membership?.view() ?? assert.fail("it runs");
      assert.equal(members.filter(({ status }) => status === statuses[0]).length, nodes);
      assert.ok(associated.length <= 10);
    }
    return { joining, calm: Math.max(...measure(60_000)) };
  });
  const bound = messagesMax({ neighbours: 10, checkMs: 5_000, ms: 60_000 }) / 60;
  for (const { joining, calm } of rates) {
    // Ten pings and ten answers each 5 s, one knock, and answers to the knocks of others.
    assert.ok(calm <= 5.5, `${calm} a second`);
    assert.ok(joining <= Math.min(40, bound), `${joining} a second, ${bound} allowed`);
  }
});
