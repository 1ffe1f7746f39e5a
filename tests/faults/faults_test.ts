/**
 * Every fault point with every action, on either side of each kind of move: there is exactly one copy
 * at every moment, and unless the only copy was killed the job finishes with the right output.
 *
 * @module
 */
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
const shadowPoints = ["shadowStart", "shadowServed"] as const;
const guestPoints = [
  "guestTable",
  "guestMemory",
  "guestMapped",
  "guestGo",
  "guestRunning",
  "guestParked",
  "guestServed",
] as const;

function trialsOf(
  points: readonly Point[],
  action: Action,
  outcome: (point: Point) => Outcome,
): Trial[] {
  return points.map((point) => ({ point, action, outcome: outcome(point) }));
}

for (const action of actions) {
  Deno.test(`first move: each fault at home, action ${action}, leaves one copy`, async () => {
    await using bed = await Testbed.create({ hosts: 2 });
    const [home, away] = [bed.host(0), bed.host(1)];
    await bed.startDaemons({ extra: limits });
    const outcome = action === "kill" ? "dies" : action === "hang" ? "hangs" : "finishes";
    // A shadow that failed to start, or that is killed, ends the process: it is its only way home.
    const shadowOutcome = action === "cut" ? "finishes" : action === "hang" ? "hangs" : "dies";
    const trials = [
      ...trialsOf(sourcePoints, action, () => outcome),
      ...trialsOf(
        shadowPoints.filter((point) => !(action === "fail" && point === "shadowServed")),
        action,
        () => shadowOutcome,
      ),
    ];
    await runTrials(trials, async (trial) => {
      const job = await begin(home, trial, true);
      const order = home.lb("migrate", String(job.pid), away.node);
      await judgeDuring(home, trial, job, order);
    });
    await nothingLeft(bed.hosts);
  });

  Deno.test(`first move: each fault away, action ${action}, leaves one copy`, async () => {
    await using bed = await Testbed.create({ hosts: guestPoints.length + 1 });
    const home = bed.host(0);
    // After RUNNING the guest is the only copy: one that hangs there hangs the job for good.
    const served: Outcome = action === "kill"
      ? "dies"
      : action === "hang"
      ? "hangs"
      : action === "fail"
      ? "dies"
      : "finishes";
    const trials = trialsOf(
      guestPoints,
      action,
      (point) => point === "guestParked" || point === "guestServed" ? served : "finishes",
    );
    await Promise.all(bed.hosts.map(async (host) => {
      const trial = trials[host.index - 1];
      const env = trial === undefined ? {} : { LB_FAULT: faultOf(trial) };
      await host.startDaemon({ extra: limits, env });
    }));
    await runTrials(trials, async (trial, index) => {
      const job = await begin(home, trial, false);
      const order = home.lb("migrate", String(job.pid), bed.host(index + 1).node);
      await judgeDuring(home, trial, job, order);
    });
    await nothingLeft(bed.hosts);
  });
}

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
  await using bed = await Testbed.create({ hosts: 3 });
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
  "homeExec",
  "homeReady",
  "homeMemory",
  "homeMapped",
  "homeGo",
  "homeConfirm",
] as const;

for (const action of ["fail", "cut", "kill"] as const) {
  Deno.test(`home again: each fault, action ${action}, leaves one copy`, async () => {
    await using bed = await Testbed.create({ hosts: 2 });
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
