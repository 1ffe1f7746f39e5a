/** Tests of balancers with other policies than the thesis's, alone and together. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { Cluster, thesisThresholds } from "../../tests/core/cluster.ts";
import { Fixture } from "../../tests/core/fixture.ts";
import { initiations } from "./contract/policy.ts";
import {
  countings,
  indices,
  locations,
  policies,
  type Policy,
  thresholdRules,
} from "./contract/policy.ts";
import type { Effect } from "./contract/effect.ts";
import type { Measures } from "./contract/measures.ts";
import type { ProcessId } from "./contract/names.ts";

const thesis: Policy = policies.thesis;

/** A balancer whose processes 1 to 4 have these ages and sizes; what it offers, or null. */
function offerOf(
  policy: Partial<Policy>,
  figures: Readonly<Record<number, { cpuSeconds: number; rssBytes: number }>> = {},
): Effect | null {
  const fixture = new Fixture({ policy: { ...thesis, ...policy } });
  fixture.peer("b", "U");
  for (const pid of [1, 2, 3]) fixture.arrive(pid, figures[pid]);
  const inspect = fixture.arrive(4, figures[4]).find((effect) => effect.type === "inspect");
  if (inspect === undefined) return null;
  return fixture.step(fixture.sampled(inspect.ids)).find(({ type }) => type === "offer") ?? null;
}

Deno.test("by age and cost the process whose move harms least leaves, not the oldest", () => {
  const figures = {
    1: { cpuSeconds: 50, rssBytes: 16e9 },
    2: { cpuSeconds: 40, rssBytes: 1e6 },
    3: { cpuSeconds: 1, rssBytes: 1e6 },
    4: { cpuSeconds: 2, rssBytes: 1e6 },
  };
  const offer = offerOf({ ageCost: true }, figures);
  assert.ok(offer?.type === "offer" && offer.id === "a/2/1");
});

Deno.test("by age and cost nothing leaves that is too young for what its move takes", () => {
  const young = { cpuSeconds: 0.01, rssBytes: 1e9 };
  const figures = { 1: young, 2: young, 3: young, 4: young };
  assert.equal(offerOf({ ageCost: true }, figures), null);
  assert.equal(offerOf({}, figures)?.type, "offer");
});

Deno.test("the margin is measured with the load that the other node told", () => {
  for (const [load, isOffered] of [[0, true], [1, false]] as const) {
    const fixture = new Fixture({ policy: { ...thesis, margin: 2 } });
    const announcement = { letter: "U", epoch: 1, seq: 0, load } as const;
    fixture.step({ type: "peerLetter", node: "b", announcement });
    for (const pid of [1, 2, 3]) fixture.arrive(pid);
    const inspect = fixture.arrive(4).find((effect) => effect.type === "inspect");
    assert.ok(inspect !== undefined);
    const effects = fixture.step(fixture.sampled(inspect.ids));
    assert.equal(effects.some(({ type }) => type === "offer"), isOffered, `load ${load}`);
  }
});

Deno.test("a node tells its load only where a policy asks for it", () => {
  const capacity = { cores: 2, speed: 1 };
  const letterOf = (policy: Policy) => {
    const fixture = new Fixture({ policy, capacity });
    for (const pid of [1, 2]) fixture.arrive(pid);
    return fixture.expect("announce", {
      type: "processArrived",
      process: fixture.process(3),
    }).announcement;
  };
  assert.deepEqual(letterOf(thesis), { letter: "F", epoch: 7, seq: 1 });
  const told = letterOf({ ...thesis, location: "least-loaded" });
  assert.deepEqual(told, { letter: "F", epoch: 7, seq: 1, load: 1.5, capacity });
});

Deno.test("a burst that is shorter than the smoothing moves nothing, a longer one does", () => {
  const fixture = new Fixture({ policy: { ...thesis, smoothingMs: 10_000 } });
  fixture.peer("b", "U");
  fixture.nowMs = 1;
  for (const pid of [1, 2, 3, 4, 5]) {
    assert.ok(!fixture.arrive(pid).some(({ type }) => type === "inspect"));
  }
  const nextMs = fixture.balancer.nextTimeoutMs();
  assert.ok(nextMs !== null && nextMs > 1_000);
  fixture.nowMs = 60_000;
  fixture.expect("inspect", { type: "timePassed" });
});

Deno.test("thresholds per capacity leave a large node alone until its cores are full", () => {
  const policy: Policy = { ...thesis, thresholds: "per-capacity" };
  const fixture = new Fixture({ policy, capacity: { cores: 2, speed: 1 } });
  fixture.peer("b", "U");
  assert.deepEqual(fixture.balancer.view().thresholds, { thu: 2, thf: 6, thv: 8 });
  for (const pid of [1, 2, 3, 4, 5, 6, 7]) {
    assert.ok(!fixture.arrive(pid).some(({ type }) => type === "inspect"));
  }
  assert.ok(fixture.arrive(8).some(({ type }) => type === "inspect"));
});

Deno.test("what has come by a move stays for its residence, what was started here does not", () => {
  const cluster = new Cluster({ a: ["b"], b: ["a"] }, {
    policy: { ...thesis, residenceMs: 20_000 },
    thresholds: { thu: 0, thf: 1, thv: 2 },
  });
  const first = cluster.start("a");
  cluster.start("a");
  cluster.run(100);
  assert.deepEqual(cluster.lengths, [1, 1]);
  const moved = [...cluster.jobs.values()].find(({ node }) => node === "b")?.id ?? first;
  for (const id of cluster.list("a")) cluster.end(id);
  const native = cluster.start("b", { cpuSeconds: 0 }); // the worst victim by CPU time
  cluster.runChecked(10);
  assert.equal(cluster.jobs.get(moved)?.node, "b");
  assert.equal(cluster.jobs.get(native)?.node, "a");
  assert.match(cluster.balancers.get("b")?.explain(moved)?.[0] ?? "", /it has just come/);
});

Deno.test("a node begins no more moves in a minute than its budget has", () => {
  const cluster = new Cluster({ a: ["b"], b: ["a"] }, {
    policy: { ...thesis, movesPerMinute: 2 },
    thresholds: { thu: 8, thf: 9, thv: 10 },
  });
  // b takes all; a goes over by five.
  for (let job = 0; job < 14; job++) cluster.start("a");
  cluster.runChecked(50);
  assert.deepEqual(cluster.lengths, [12, 2]);
  cluster.runChecked(30);
  assert.deepEqual(cluster.lengths, [10, 4]);
});

Deno.test("a pinned process is never chosen, but goes where a person wants it", () => {
  const cluster = new Cluster({ a: ["b"], b: ["a"] });
  const pinned = [0, 1, 2].map(() => cluster.start("a", { cpuSeconds: 1_000 }));
  for (const id of pinned) cluster.step("a", { type: "pinned", id, isPinned: true });
  const free = cluster.start("a", { cpuSeconds: 1 });
  cluster.runChecked(10);
  assert.deepEqual(cluster.list("a"), pinned);
  assert.equal(cluster.jobs.get(free)?.node, "b");
  const [id = ""] = pinned;
  assert.deepEqual(cluster.balancers.get("a")?.explain(id)?.slice(0, 1), [
    "it is pinned: `lb unpin` frees it",
  ]);
  cluster.request(id, "b");
  cluster.run(100);
  assert.equal(cluster.jobs.get(id)?.node, "b");
  assert.equal(cluster.balancers.get("b")?.view().processes.some((one) => one.isPinned), false);
});

Deno.test("an unpinned process can be chosen again", () => {
  const cluster = new Cluster({ a: ["b"], b: ["a"] });
  const ids = [0, 1, 2, 3].map(() => cluster.start("a"));
  // Before any message has been answered.
  for (const id of ids) cluster.step("a", { type: "pinned", id, isPinned: true });
  cluster.runChecked(10);
  const before = cluster.list("a").length;
  for (const id of cluster.list("a")) {
    cluster.step("a", { type: "pinned", id, isPinned: false });
  }
  cluster.start("a");
  cluster.runChecked(10);
  assert.ok(cluster.list("a").length <= Math.min(3, before));
});

Deno.test("a drained node empties, takes nothing, and takes again afterwards", () => {
  const cluster = new Cluster({ a: ["b", "c"], b: ["a", "c"], c: ["a", "b"] });
  const ids = [0, 1].map(() => cluster.start("a"));
  const stuck = cluster.start("a", { cantmove: "it has 2 threads" });
  cluster.step("a", { type: "drain", isDraining: true });
  cluster.runChecked(20);
  assert.deepEqual(cluster.list("a"), [stuck]);
  assert.deepEqual(ids.map((id) => cluster.jobs.get(id)?.node !== "a"), [true, true]);
  const [id = ""] = ids;
  cluster.request(id, "a");
  cluster.run(100);
  assert.notEqual(cluster.jobs.get(id)?.node, "a");
  assert.match(cluster.requests.get(1) ?? "", /being drained/);
  cluster.step("a", { type: "drain", isDraining: false });
  cluster.request(id, "a");
  cluster.run(100);
  assert.equal(cluster.jobs.get(id)?.node, "a");
});

Deno.test("a drained node sends guests home even if their home is full", () => {
  const cluster = new Cluster({ a: ["b"], b: ["a"] });
  const guest = cluster.start("a");
  cluster.request(guest, "b");
  cluster.run(100);
  for (let job = 0; job < 3; job++) cluster.start("a");
  assert.equal(cluster.jobs.get(guest)?.node, "b");
  cluster.step("b", { type: "drain", isDraining: true });
  cluster.run(100);
  assert.equal(cluster.jobs.get(guest)?.node, "a");
});

for (const name of ["thesis", "probing"] as const) {
  Deno.test(`with ${name} and nobody U, a long queue is ${name === "thesis" ? "" : "not "}left`, () => {
    const cluster = new Cluster({ a: ["b", "c"], b: ["a", "c"], c: ["a", "b"] }, {
      policy: policies[name],
      thresholds: { thu: 0, thf: 1, thv: 2 },
    });
    for (const node of ["b", "c", "a", "a", "a", "a", "a", "a"]) {
      cluster.start(node);
      cluster.run(10);
    }
    cluster.runChecked(60);
    assert.equal(cluster.lengths.reduce((a, b) => a + b), 8);
    const spread = Math.max(...cluster.lengths) - Math.min(...cluster.lengths);
    assert.equal(spread, name === "thesis" ? 5 : 1, `${cluster.lengths}`);
    const moves = [...cluster.jobs.values()].reduce((sum, job) => sum + job.moves.length, 0);
    assert.equal(moves, name === "thesis" ? 0 : 3);
  });
}

Deno.test("a node that is F takes of one that told its load only what makes both more equal", () => {
  for (const [load, isTaken] of [[5, true], [4, false], [null, false]] as const) {
    const fixture = new Fixture({ policy: policies.probing });
    for (const pid of [1, 2, 3]) fixture.arrive(pid);
    const announcement = { letter: "F", epoch: 1, seq: 0 } as const;
    const told = load === null ? announcement : { ...announcement, load };
    fixture.step({ type: "peerLetter", node: "b", announcement: told });
    assert.equal(fixture.expect("answerOffer", fixture.offered(9, 1n)).accepted, isTaken);
  }
});

Deno.test("explain() tells why a process stays", () => {
  const fixture = new Fixture();
  const { id } = fixture.process(1);
  const why = () => fixture.balancer.explain(id);
  assert.equal(why(), null);
  fixture.arrive(1);
  assert.deepEqual(why(), ["the node is not over: 1 of 4 processes (thv)"]);
  for (const pid of [2, 3, 4]) fixture.arrive(pid);
  assert.deepEqual(why(), ["no associated node is U"]);
  fixture.peer("b", "U");
  fixture.step(fixture.sampled([1, 2, 3, 4].map((pid) => fixture.process(pid).id)));
  fixture.arrive(5); // as 4 is on its way
  assert.deepEqual(why(), ["others leave before it: 2 of 3 that can move"]);
  const stuck = { id, cpuSeconds: 1, rssBytes: 1, cantmove: "it has 2 threads" };
  fixture.step({ type: "sampled", samples: [stuck] });
  assert.deepEqual(why(), ["it cannot move: it has 2 threads"]);
});

// ---- any policy ----

const policy: fc.Arbitrary<Policy> = fc.record({
  index: fc.constantFrom(...indices),
  counts: fc.constantFrom(...countings),
  location: fc.constantFrom(...locations),
  thresholds: fc.constantFrom(...thresholdRules),
  ageCost: fc.boolean(),
  smoothingMs: fc.constantFrom(0, 0, 500, 5_000),
  residenceMs: fc.constantFrom(0, 3_000, 30_000),
  margin: fc.constantFrom(0, 1, 2),
  movesPerMinute: fc.constantFrom(null, 1, 6),
  probes: fc.constantFrom(0, 1, 3),
  adaptive: fc.boolean(),
  initiation: fc.constantFrom(...initiations),
  asks: fc.constantFrom(1, 3),
  memoryFloor: fc.constantFrom(0, 0.1),
  memoryStall: fc.constantFrom(0, 0.2),
  moveFixedMs: fc.constantFrom(0, 100),
  linkBytesPerSecond: fc.constantFrom(1e3, 1e9),
}, { noNullPrototype: true }).map((drawn): Policy => {
  const given = drawn.initiation === "receiver" ? { ...drawn, probes: 0 } : drawn;
  if (given.index === "per-capacity") return { ...given, thresholds: "fixed", adaptive: false };
  if (given.index !== "pressure") return given;
  return { ...given, thresholds: "fixed", adaptive: false, margin: 0, probes: 0, smoothingMs: 0 };
});

type Act = readonly [kind: string, node: string, n: number];
const acts = fc.array(
  fc.tuple(
    fc.constantFrom(
      ...["start", "start", "start", "end", "run", "drain", "undrain", "pin", "abort", "measure"],
      ...["threads", "look"],
    ),
    fc.constantFrom("a", "b", "c"),
    fc.nat({ max: 20_000 }),
  ),
  { maxLength: 50, size: "max" },
);

const percents = { thu: 10, thf: 40, thv: 70, unit: "percent" } as const;

/** What is measured on a node of one core, all from one number. */
function drawMeasures(share: number): Measures {
  return {
    cpuStall: share < 0.1 ? null : share,
    memoryStall: share > 0.9 ? null : share / 2,
    availableBytes: 1e9 * share,
    totalBytes: 1e9,
    idleCores: 1 - share,
    ownCores: share / 2,
    otherCores: share / 2,
    ownRunning: 1,
    terminalIdleMs: null,
  };
}

/** Plays a script; nobody is moved by hand, so what is pinned must stay where it is. */
function play(script: readonly Act[], given: Policy, seed: number): Cluster {
  const trio = { a: ["b", "c"], b: ["c", "a"], c: ["a", "b"] };
  const thresholds = given.index === "pressure" ? percents : thesisThresholds;
  const cluster = new Cluster(trio, { policy: given, seed, thresholds });
  const pinned = new Map<ProcessId, { node: string; moves: number }>();
  for (const [kind, node, n] of script) {
    const jobs = [...cluster.jobs.values()];
    const job = jobs[n % Math.max(1, jobs.length)];
    if (kind === "start") cluster.start(node, { cpuSeconds: n / 100 });
    else if (kind === "run") cluster.run(n);
    else if (kind === "look") cluster.look(node);
    else if (kind === "threads" && job !== undefined) job.computing = n / 2_000;
    else if (kind === "abort") {
      cluster.outcomes.push(n % 2 === 0 ? "aborted early" : "aborted late");
    } else if (kind === "measure") {
      const share = n / 20_000;
      cluster.step(node, { type: "measured", measures: drawMeasures(share) });
    } else if (kind === "drain" || kind === "undrain") {
      cluster.step(node, { type: "drain", isDraining: kind === "drain" });
    } else if (job !== undefined && kind === "end" && !job.isOrdered) cluster.end(job.id);
    else if (job !== undefined && kind === "pin") {
      const view = cluster.balancers.get(job.node)?.view();
      const isStill = view?.processes.some(({ id, movingTo }) =>
        id === job.id && movingTo === null
      );
      if (isStill !== true) continue;
      cluster.step(job.node, { type: "pinned", id: job.id, isPinned: true });
      pinned.set(job.id, { node: job.node, moves: job.moves.length });
    }
  }
  cluster.outcomes.length = 0;
  cluster.runChecked(120);
  for (const [id, { node, moves }] of pinned) {
    const job = cluster.jobs.get(id);
    if (job === undefined) continue;
    assert.equal(job.node, node);
    assert.equal(job.moves.length, moves);
  }
  return cluster;
}

Deno.test("whatever the policy, each process ends up in one process table and no place leaks", () => {
  fc.assert(
    fc.property(acts, policy, fc.nat(), (script, given, seed) => {
      const cluster = play(script, given, seed);
      for (const [node, balancer] of cluster.balancers) {
        const here = [...cluster.jobs.values()].filter((job) => job.node === node);
        assert.deepEqual(new Set(cluster.list(node)), new Set(here.map(({ id }) => id)));
        const view = balancer.view();
        assert.deepEqual(view.reservations, []);
        for (const { id, movingTo } of view.processes) {
          assert.equal(movingTo, null);
          assert.ok(balancer.explain(id) !== null);
        }
      }
    }),
    { numRuns: 150 },
  );
});

Deno.test("whatever the policy, the same seed gives the same run", () => {
  fc.assert(
    fc.property(acts, policy, fc.nat(), (script, given, seed) => {
      assert.deepEqual(play(script, given, seed).trace, play(script, given, seed).trace);
    }),
    { numRuns: 20 },
  );
});
