/**
 * Tests of several balancers together.
 *
 * The thesis's results, and what no sequence may break.
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { Cluster } from "../../tests/core/cluster.ts";
import { policies } from "./contract/policy.ts";
import { hypercubeList } from "./topology/topology.ts";
import { type BalancerConfig, selections } from "./contract/config.ts";

const pair = { a: ["b"], b: ["a"] };
const trio = { a: ["b", "c"], b: ["c", "a"], c: ["a", "b"] };

/** Starts six processes on node a, `gapMs` apart, and waits until all is quiet. */
function sixArrivals(thv: number, gapMs: number): Cluster {
  const cluster = new Cluster(pair, { thresholds: { thu: 1, thf: 3, thv } });
  for (let i = 0; i < 6; i++) {
    cluster.start("a");
    cluster.run(gapMs);
  }
  cluster.runChecked(60);
  return cluster;
}

for (const gapMs of [0, 1, 7, 60, 1_000]) {
  Deno.test(`six arrivals ${gapMs} ms apart with 1/3/4 end as exactly 3 and 3`, () => {
    const cluster = sixArrivals(4, gapMs);
    assert.deepEqual(cluster.lengths, [3, 3]);
    const moves = [...cluster.jobs.values()].map((job) => job.moves.join());
    assert.deepEqual(moves.toSorted(), ["", "", "", "b", "b", "b"]);
  });
}

Deno.test("six arrivals with 1/3/9: none moves", () => {
  const cluster = sixArrivals(9, 10);
  assert.deepEqual(cluster.lengths, [6, 0]);
  assert.ok([...cluster.jobs.values()].every((job) => job.moves.length === 0));
});

Deno.test("nodes learn each other's letter when they connect, and each change of it", () => {
  const cluster = new Cluster(pair);
  assert.deepEqual(cluster.balancers.get("b")?.view().associated, [{ node: "a", state: "U" }]);
  for (let i = 0; i < 3; i++) cluster.start("a");
  cluster.run(10);
  assert.deepEqual(cluster.balancers.get("b")?.view().associated, [{ node: "a", state: "F" }]);
});

Deno.test("an aborted move leaves the process at home and is tried again after its rest", () => {
  const cluster = new Cluster(pair);
  cluster.outcomes.push("aborted late");
  for (let i = 0; i < 4; i++) cluster.start("a");
  cluster.run(500);
  assert.deepEqual(cluster.lengths, [4, 0]);
  cluster.runChecked(30);
  assert.deepEqual(cluster.lengths, [3, 1]);
});

Deno.test("a lost answer frees both sides in time, and the next check moves the process", () => {
  const cluster = new Cluster(pair);
  for (let i = 0; i < 3; i++) cluster.start("a");
  cluster.run(10);
  cluster.start("a");
  cluster.run(4); // inspected, offered, and the answer is on its way
  cluster.cut("a", "b");
  cluster.run(20_000);
  assert.deepEqual(cluster.lengths, [4, 0]);
  cluster.heal("a", "b");
  cluster.runChecked(10);
  assert.deepEqual(cluster.lengths, [3, 1]);
});

Deno.test("a node that was unreachable gets a process as soon as it answers again", () => {
  const cluster = new Cluster(pair);
  cluster.cut("a", "b");
  for (let i = 0; i < 5; i++) cluster.start("a");
  cluster.runChecked(30);
  assert.deepEqual(cluster.lengths, [5, 0]);
  assert.equal(cluster.balancers.get("a")?.view().state, "V");
  cluster.heal("a", "b");
  cluster.run(1_000);
  assert.deepEqual(cluster.lengths, [3, 2]);
});

Deno.test("a node over takes up a U that comes while it waits", () => {
  const cluster = new Cluster(pair);
  const away = [1, 2, 3].map(() => cluster.start("b"));
  for (let i = 0; i < 4; i++) cluster.start("a");
  cluster.run(1_000);
  assert.deepEqual(cluster.lengths, [4, 3]);
  for (const id of away) cluster.end(id);
  cluster.run(1_000);
  assert.deepEqual(cluster.lengths, [3, 1]);
});

Deno.test("a guest is moved on, and home again, by hand", () => {
  const cluster = new Cluster(trio);
  const id = cluster.start("a");
  for (
    const [node, answer] of [["b", "done on b"], ["c", "done on c"], ["a", "done on a"]] as const
  ) {
    const request = cluster.request(id, node);
    cluster.run(100);
    assert.equal(cluster.requests.get(request), answer);
    assert.deepEqual(cluster.list(node), [id]);
  }
  assert.deepEqual(cluster.lengths, [1, 0, 0]);
});

Deno.test("processes that arrive at one node only move once at most, and fill nobody over", () => {
  const arrivals = fc.array(fc.integer({ min: 0, max: 90 }), {
    minLength: 1,
    maxLength: 14,
    size: "max",
  });
  fc.assert(
    fc.property(arrivals, (gaps) => {
      const cluster = new Cluster(trio);
      for (const gap of gaps) {
        cluster.start("a");
        cluster.run(gap);
      }
      cluster.runChecked(60);
      for (const job of cluster.jobs.values()) assert.ok(job.moves.length <= 1);
      const [, b = 0, c = 0] = cluster.lengths;
      assert.ok(b <= 3 && c <= 3);
    }),
    { numRuns: 60 },
  );
});

Deno.test("work that arrives at one node of a hypercube spreads over its preferred list in order", () => {
  const names = Array.from({ length: 16 }, (_, node) => `n${node}`);
  const nodes = Object.fromEntries(
    names.map((name, node) => [name, hypercubeList(node, 4).map((other) => `n${other}`)]),
  );
  const cluster = new Cluster(nodes);
  for (let i = 0; i < 14; i++) cluster.start("n0");
  cluster.runChecked(10);
  // 3 stay; n1, n2 and n4, the first of node 0's list, fill to thf, and n8 takes the rest.
  const lengths = cluster.lengths.map((length, node) => [`n${node}`, length] as const);
  assert.deepEqual(lengths.filter(([, length]) => length > 0), [
    ["n0", 3],
    ["n1", 3],
    ["n2", 3],
    ["n4", 3],
    ["n8", 2],
  ]);
});

type Action = (cluster: Cluster) => void;

const nodeNames = fc.constantFrom("a", "b", "c");
const someJob = fc.nat({ max: 30 });
function pick(cluster: Cluster, n: number): string {
  const ids = [...cluster.jobs.keys()];
  return ids[n % Math.max(ids.length, 1)] ?? "none";
}

/** One random thing that may happen to a cluster, as text (to read a failure) and as code. */
const action = fc.oneof<[fc.Arbitrary<[string, Action]>, ...fc.Arbitrary<[string, Action]>[]]>(
  nodeNames.map((node) => [`start ${node}`, (cluster) => void cluster.start(node)]),
  nodeNames.map((node) => [`start ${node} twice`, (cluster) => {
    cluster.start(node);
    cluster.start(node);
  }]),
  nodeNames.map((node) => [`check ${node}`, (cluster) => cluster.check(node)]),
  someJob.map((n) => [`end ${n}`, (cluster) => cluster.end(pick(cluster, n))]),
  fc.integer({ min: 1, max: 200 }).map((ms) => [`run ${ms}`, (cluster) => cluster.run(ms)]),
  fc.constant<[string, Action]>(["run 6000", (cluster) => cluster.run(6_000)]),
  fc.tuple(someJob, fc.option(nodeNames)).map(([n, node]) => [
    `request ${n} to ${node}`,
    (cluster) => void cluster.request(pick(cluster, n), node),
  ]),
  fc.tuple(someJob, fc.boolean()).map(([n, can]) => [`cantmove ${n} ${!can}`, (cluster) => {
    const job = cluster.jobs.get(pick(cluster, n));
    if (job !== undefined) job.cantmove = can ? null : "it has threads";
  }]),
  fc.constantFrom("aborted early" as const, "aborted late" as const).map((outcome) => [
    outcome,
    (cluster) => void cluster.outcomes.push(outcome),
  ]),
  fc.constantFrom(["a", "b"] as const, ["a", "c"] as const, ["b", "c"] as const).chain(([x, y]) =>
    fc.constantFrom<[string, Action]>(
      [`cut ${x} ${y}`, (cluster) => cluster.cut(x, y)],
      [`heal ${x} ${y}`, (cluster) => cluster.heal(x, y)],
    )
  ),
  fc.constant<[string, Action]>(["lose a message", (cluster) => void cluster.lose++]),
);
const actions = fc.array(action, { maxLength: 60, size: "max" });

const configs = fc.record({
  thresholds: fc.tuple(
    fc.nat({ max: 3 }),
    fc.integer({ min: 1, max: 3 }),
    fc.integer({ min: 1, max: 3 }),
  )
    .map(([thu, band, gap]) => ({ thu, thf: thu + band, thv: thu + band + gap })),
  select: fc.constantFrom(...selections),
}, { noNullPrototype: true });

/** Runs the actions, then lets the cluster come to rest. */
function play(
  script: readonly [string, Action][],
  config: Partial<BalancerConfig> = {},
): Cluster {
  const cluster = new Cluster(trio, config);
  for (const [, act] of script) act(cluster);
  cluster.healAll();
  cluster.lose = 0;
  cluster.outcomes.length = 0;
  cluster.runChecked(60);
  return cluster;
}

Deno.test("whatever happens, each process ends up in exactly one process table and no place leaks", () => {
  fc.assert(
    fc.property(actions, configs, (script, config) => {
      const cluster = play(script, config);
      for (const node of cluster.balancers.keys()) {
        const here = [...cluster.jobs.values()].filter((job) => job.node === node);
        assert.deepEqual(new Set(cluster.list(node)), new Set(here.map(({ id }) => id)));
        const view = cluster.balancers.get(node)?.view();
        assert.deepEqual(view?.reservations, []);
        assert.ok(view.processes.every(({ movingTo }) => movingTo === null));
        assert.equal(cluster.balancers.get(node)?.nextTimeoutMs(), null);
      }
    }),
    { numRuns: 300 },
  );
});

Deno.test("whatever happens, an over node and a U node do not stay so side by side", () => {
  fc.assert(
    fc.property(actions, configs, (script, config) => {
      const cluster = play(script, config);
      cluster.runChecked(700);
      for (const balancer of cluster.balancers.values()) {
        const { state, processes, associated } = balancer.view();
        if (state !== "V" || processes.every(({ cantmove }) => cantmove !== null)) continue;
        assert.ok(associated.every((other) => other.state !== "U"));
      }
    }),
    { numRuns: 60 },
  );
});

Deno.test("whatever happens, every request is answered exactly once", () => {
  fc.assert(
    fc.property(actions, someJob, (script, n) => {
      const cluster = new Cluster(trio);
      for (const [, act] of script) act(cluster);
      cluster.request(pick(cluster, n), null);
      cluster.runChecked(60);
      assert.equal(cluster.requests.size, cluster.asked);
    }),
    { numRuns: 100 },
  );
});

/** As `lb leave` does: its own processes come home, guests go, then nobody has it in a list. */
function leave(cluster: Cluster, node: string): void {
  cluster.step(node, { type: "drain", isDraining: true, guestsOnly: true });
  const ties = () =>
    [...cluster.jobs.values()].filter((job) => (job.node === node) !== (job.homeNode === node));
  for (let round = 0; round < 30 && ties().length > 0; round++) {
    for (const job of ties()) if (job.homeNode === node) cluster.bringHome(job.id);
    cluster.runChecked(5);
  }
  assert.deepEqual(ties(), [], `${node} is free`);
  cluster.leave(node);
  cluster.step(node, { type: "drain", isDraining: false });
}

Deno.test("whatever happens, a node can leave: no process is lost, and none moves to or from it then", () => {
  fc.assert(
    fc.property(
      actions,
      configs,
      nodeNames,
      fc.array(nodeNames),
      (script, config, node, starts) => {
        const cluster = play(script, config);
        for (const job of cluster.jobs.values()) job.cantmove = null;
        const before = [...cluster.jobs.keys()].sort();
        leave(cluster, node);
        for (const other of [...starts, ...starts, node, node, node]) cluster.start(other);
        cluster.runChecked(60);
        assert.deepEqual(
          [...cluster.jobs.keys()].sort().filter((id) => before.includes(id)),
          before,
        );
        for (const job of cluster.jobs.values()) {
          assert.equal(job.node === node, job.homeNode === node, `${job.id} on ${job.node}`);
          assert.ok(cluster.list(job.node).includes(job.id));
        }
        const listed = [...cluster.balancers.keys()].flatMap((name) => cluster.list(name));
        assert.equal(listed.length, cluster.jobs.size, "each is in one process table");
      },
    ),
    { numRuns: 150 },
  );
});

Deno.test("the same events at the same times give the same effects", () => {
  fc.assert(
    fc.property(actions, (script) => {
      assert.deepEqual(play(script).trace, play(script).trace);
    }),
    { numRuns: 30 },
  );
});

Deno.test("adaptive thresholds rise where all have many processes, and fall when they have ended", () => {
  const policy = { ...policies.thesis, adaptive: true };
  const thresholds = { thu: 0, thf: 1, thv: 2 };
  const cluster = new Cluster({ a: ["b"], b: ["a"] }, { policy, thresholds });
  const jobs = ["a", "b"].flatMap((node) => Array.from({ length: 4 }, () => cluster.start(node)));
  cluster.runChecked(60);
  const thv = () => [...cluster.balancers.values()].map((one) => one.view().thresholds.thv);
  assert.deepEqual(thv(), [5, 5]);
  for (const id of jobs) cluster.end(id);
  cluster.runChecked(60);
  assert.deepEqual(thv(), [2, 2]);
  assert.equal(cluster.balancers.get("a")?.view().announcement.letter, "U");
});
