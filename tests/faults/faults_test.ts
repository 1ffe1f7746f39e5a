/**
 * Every fault point with every action.
 *
 * On either side of each kind of move: there is exactly one copy at every moment, and unless the
 * only copy was killed the job finishes with the right output.
 *
 * @module
 */
import assert from "node:assert/strict";
import { Testbed } from "../testbed/mod.ts";
import {
  type Action,
  actions,
  begin,
  faultOf,
  judgeDuring,
  limits,
  nothingLeft,
  type Outcome,
  type Point,
  runTrials,
  type Trial,
} from "./_trial.ts";

/** Points in the process at home, up to its exec; killed or hung there, it is the only copy. */
const sourcePoints = [
  "sourceFetched",
  "sourceTable",
  "sourceMemory",
  "sourceSent",
  "sourceMapped",
  "sourceGo",
  "sourceRunning",
] as const;
/** Points in the shadow that the process becomes, with the process's own environment. */
const shadowPoints = ["shadowStart", "shadowServed"] as const;
/** Points in the restorer, with the environment of the node that takes the process. */
const restorerPoints = ["guestTable", "guestMemory", "guestMapped", "guestGo"] as const;
/** Points in the restored copy, which brings its environment along. */
const copyPoints = ["guestRunning", "guestParked", "guestServed"] as const;

function trialsOf(
  points: readonly Point[],
  action: Action,
  outcome: (point: Point) => Outcome,
): Trial[] {
  return points.map((point) => ({ point, action, outcome: outcome(point) }));
}

/** How a trial ends whose fault strikes the process at home, before or after it became the shadow. */
function outcomeAtHome(point: Point, action: Action): Outcome {
  if (action === "kill") return "dies";
  // A shadow without its link waits for the guest to come back, which it does.
  return point === "shadowStart" && action === "fail" ? "either" : "finishes";
}

/** How a trial ends whose fault strikes the restored copy: until it is served it may just vanish. */
function outcomeAway(point: Point, action: Action): Outcome {
  if (point === "guestRunning" || action === "cut") return "finishes";
  if (point === "guestServed") return action === "kill" ? "dies" : "finishes";
  return "either";
}

for (const action of ["fail", "cut", "kill"] as const) {
  Deno.test(`first move: each fault of the process, action ${action}, leaves one copy`, async () => {
    await using bed = await Testbed.create({ hosts: 2, faults: true });
    const [home, away] = [bed.host(0), bed.host(1)];
    await bed.startDaemons({ extra: limits });
    const trials = [
      ...trialsOf([...sourcePoints, ...shadowPoints], action, (p) => outcomeAtHome(p, action)),
      ...trialsOf(copyPoints, action, (point) => outcomeAway(point, action)),
    ];
    await runTrials(trials, async (trial) => {
      const job = await begin(home, trial, true);
      const order = home.lb("migrate", String(job.pid), away.node);
      await judgeDuring(home, trial, job, order);
    });
    await nothingLeft(bed.hosts);
  });
}

Deno.test("first move: each fault of the restorer leaves the process at home", async () => {
  const trials = actions.flatMap((action) => trialsOf(restorerPoints, action, () => "finishes"));
  await using bed = await Testbed.create({ hosts: trials.length + 1, faults: true });
  const home = bed.host(0);
  await home.startDaemon({ extra: limits });
  await runTrials(trials, async (trial, index) => {
    const away = bed.host(index + 1);
    await away.startDaemon({ extra: limits, env: { LB_FAULT: faultOf(trial) }, associated: [0] });
    const job = await begin(home, trial, false);
    const order = home.lb("migrate", String(job.pid), away.node);
    await judgeDuring(home, trial, job, order);
    await nothingLeft([away]);
  });
  await nothingLeft([home]);
});

Deno.test("first move: a process that hangs in the middle of it runs nowhere else", async () => {
  const trials: Trial[] = (["sourceTable", "sourceGo", "sourceRunning", "shadowServed"] as const)
    .map((point) => ({ point, action: "hang", outcome: "hangs" }));
  // A pair of hosts each: a node makes one move at a time.
  await runTrials(trials, async (trial) => {
    await using bed = await Testbed.create({ hosts: 2, faults: true });
    const [home, away] = [bed.host(0), bed.host(1)];
    await bed.startDaemons({ extra: limits });
    const job = await begin(home, trial, true);
    const order = home.lb("migrate", String(job.pid), away.node);
    await judgeDuring(home, trial, job, order);
    await nothingLeft(bed.hosts);
  });
});

/** Points of a later move, with how each action ends; the shadow decides, so most go on. */
const laterTrials: readonly Trial[] = [
  { point: "movePrepare", action: "fail", outcome: "finishes" },
  { point: "movePrepare", action: "cut", outcome: "finishes" },
  { point: "movePrepare", action: "kill", outcome: "dies" },
  { point: "movePrepared", action: "fail", outcome: "finishes" },
  { point: "movePrepared", action: "cut", outcome: "finishes" },
  { point: "movePrepared", action: "kill", outcome: "dies" },
  { point: "moveActivate", action: "fail", outcome: "finishes" },
  { point: "moveActivate", action: "cut", outcome: "finishes" },
  { point: "shadowActivate", action: "fail", outcome: "finishes" },
  { point: "shadowActivate", action: "kill", outcome: "dies" },
  { point: "shadowActivated", action: "cut", outcome: "finishes" },
  { point: "shadowActivated", action: "kill", outcome: "dies" },
];

Deno.test("later move: each fault leaves one copy", async () => {
  await using bed = await Testbed.create({ hosts: 3, faults: true });
  const [home, second, third] = [bed.host(0), bed.host(1), bed.host(2)];
  await bed.startDaemons({ extra: limits });
  await runTrials(laterTrials, async (trial) => {
    const job = await begin(home, trial, true);
    await home.migrate(job.pid, second);
    const order = home.lb("migrate", String(job.pid), third.node);
    await judgeDuring(home, trial, job, order);
  });
  await nothingLeft(bed.hosts);
});

/** Points of the way home. At home the process itself is killed: that is the end of it. */
const homePoints = [
  "homeBegin",
  "homeEnter",
  "homeReady",
  "homeMemory",
  "homeMapped",
  "homeGo",
  "homeConfirm",
] as const;

for (const action of ["fail", "cut", "kill"] as const) {
  Deno.test(`home again: each fault, action ${action}, leaves one copy`, async () => {
    await using bed = await Testbed.create({ hosts: 2, faults: true });
    const [home, away] = [bed.host(0), bed.host(1)];
    await bed.startDaemons({ extra: limits });
    const trials = trialsOf(homePoints, action, () => action === "kill" ? "dies" : "finishes");
    await runTrials(trials, async (trial) => {
      const job = await begin(home, trial, true);
      await home.migrate(job.pid, away);
      const order = home.lb("home", String(job.pid));
      await judgeDuring(home, trial, job, order);
    });
    await nothingLeft(bed.hosts);
  });
}

Deno.test("home again: a process that hangs on its way runs nowhere else", async () => {
  const trials: Trial[] = [
    // The guest itself: its shadow waits for it, and then gives it up.
    { point: "homeBegin", action: "hang", outcome: "dies" },
    ...(["homeEnter", "homeMapped", "homeConfirm"] as const)
      .map((point): Trial => ({ point, action: "hang", outcome: "hangs" })),
  ];
  await runTrials(trials, async (trial) => {
    await using bed = await Testbed.create({ hosts: 2, faults: true });
    const [home, away] = [bed.host(0), bed.host(1)];
    await bed.startDaemons({ extra: limits });
    const job = await begin(home, trial, true);
    await home.migrate(job.pid, away);
    const order = home.lb("home", String(job.pid));
    await judgeDuring(home, trial, job, order);
    await nothingLeft(bed.hosts);
  });
});

/** Points of a child at home that is forked away from home; the parent's link is cut at times. */
const forkPoints = ["homeReady", "homeMemory", "homeMapped", "homeGo"] as const;

Deno.test("fork away from home: after each fault there is one child", async () => {
  await using bed = await Testbed.create({ hosts: 2, faults: true });
  const [home, away] = [bed.host(0), bed.host(1)];
  await bed.startDaemons({ extra: limits });
  const trials = (["fail", "cut", "kill"] as const).flatMap((action) =>
    trialsOf(forkPoints, action, () => "finishes")
  );
  await runTrials(trials, async (trial) => {
    // The child says once that it is there, and its parent hears how it ended.
    const script = "echo ready; read x; (echo child; exit 7); echo ended $?; read x; exit 5";
    const job = await home.launchKnown(["sh", "-c", script], { env: { LB_FAULT: faultOf(trial) } });
    await job.output("ready\n");
    await home.migrate(job.pid, away);
    await job.write("\n");
    await job.output("ended 7\n", 40_000);
    await job.write("\n");
    assert.deepEqual(await job.ending(), { code: 5, signal: null }, job.stderr);
    assert.equal(job.stdout, "ready\nchild\nended 7\n");
    assert.equal(job.stderr, "");
  });
  await nothingLeft(bed.hosts);
});
