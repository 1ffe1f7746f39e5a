import assert from "node:assert/strict";
import fc from "fast-check";
import { type Computing, followComputing, type ThreadTimes, whyNotParked } from "./threads.ts";

Deno.test("whyNotParked() names the thread and says what it does, or that it has ended", () => {
  const said = whyNotParked(Deno.pid, Deno.pid);
  assert.match(
    said,
    new RegExp(`^thread ${Deno.pid} \\(.+\\) does not stop: [A-Z] \\([a-z ]+\\)$`),
  );
  assert.equal(
    whyNotParked(Deno.pid, 2 ** 30),
    `thread ${2 ** 30} did not stop in time, and has ended since`,
  );
});

/** A look at so many threads after so many seconds, which have run and waited so long altogether. */
function times(
  threads: number,
  seconds: number,
  { cpu, ran = cpu, waited = 0 }: { cpu: number; ran?: number; waited?: number },
): ThreadTimes {
  const ns = (value: number) => BigInt(Math.round(value * 1e9));
  const [ranNs, waitedNs, atNs] = [ns(ran), ns(waited), ns(1000 + seconds)];
  return { startTicks: 100_000n, cpuSeconds: cpu, ranNs, waitedNs, atNs, threads };
}

/** What is known after these looks. */
function follow(...looks: readonly ThreadTimes[]): number | null {
  return looks.reduce<Computing | null>((last, now) => followComputing(last, now), null)
    ?.computing ??
    null;
}

Deno.test("followComputing() counts threads that wait for a processor, and none that sleep", () => {
  assert.equal(follow(times(1, 10, { cpu: 0 })), 1, "one thread counts whatever it does");
  const start = times(64, 10, { cpu: 10 });
  assert.equal(follow(start, times(64, 15, { cpu: 15 })), 1);
  assert.equal(follow(start, times(64, 15, { cpu: 10 })), 0);
  assert.equal(follow(start, times(64, 15, { cpu: 20, waited: 10 })), 4, "four on two cores");
});

Deno.test("followComputing() begins with the mean of the whole life, and forgets it at once", () => {
  assert.equal(follow(times(4, 10, { cpu: 20, waited: 10 })), 3);
  assert.equal(follow(times(4, 0.1, { cpu: 0.1 })), null, "it is too young");
  assert.equal(follow(times(4, 10, { cpu: 40 }), times(4, 15, { cpu: 45 })), 1);
  // Of its first seconds, with one thread, nothing is left.
  assert.equal(follow(times(1, 10, { cpu: 10 }), times(3, 15, { cpu: 25 })), 3);
});

Deno.test("followComputing() smooths what changes, and looks that come fast change nothing", () => {
  const looks = [times(4, 5, { cpu: 20 }), times(4, 10, { cpu: 40 }), times(4, 15, { cpu: 40 })];
  const after = follow(...looks) ?? 0;
  assert.ok(Math.abs(after - 4 * Math.exp(-1)) < 1e-9, String(after));
  assert.equal(follow(...looks, times(4, 15.2, { cpu: 40.8 })), after);
});

Deno.test("followComputing() does not lose threads that have ended", () => {
  const before = times(5, 10, { cpu: 40, ran: 40, waited: 40 });
  // One that had run for 9 s and waited for 9 has ended; the others went on with two cores.
  const now = times(4, 15, { cpu: 50, ran: 41, waited: 41 });
  assert.equal(follow(before, before, now), 4);
});

Deno.test("followComputing() is the CPU time where the kernel does not tell the rest", () => {
  const start = times(4, 10, { cpu: 10, ran: 0 });
  assert.equal(follow(start, times(4, 15, { cpu: 20, ran: 0 })), 2);
});

Deno.test("followComputing() is never more than there are, nor less than none", () => {
  const step = fc.record({
    threads: fc.integer({ min: 1, max: 200 }),
    seconds: fc.double({ min: 0, max: 10, noNaN: true }),
    cpu: fc.double({ min: 0, max: 2000, noNaN: true }),
    ran: fc.double({ min: 0, max: 2000, noNaN: true }),
    waited: fc.double({ min: 0, max: 2000, noNaN: true }),
  });
  fc.assert(fc.property(fc.array(step, { minLength: 1 }), (steps) => {
    let at = 0, cpu = 0;
    let last: Computing | null = null;
    let most = 1;
    for (const one of steps) {
      at += one.seconds;
      cpu += one.cpu;
      most = Math.max(most, one.threads);
      last = followComputing(last, times(one.threads, at, { ...one, cpu }));
      const { computing } = last;
      assert.ok(computing === null || computing >= 0 && computing <= most, String(computing));
    }
  }));
});
