/** Tests of one node's view of its cluster, message by message. */

import assert from "node:assert/strict";
import { healthMax } from "./health.ts";
import { Membership, newsMs } from "./membership.ts";
import type { Claim, MembershipEffect, MembershipEvent, Message, Status } from "./types.ts";

const CHECK_MS = 1000;

type Sent<T extends Message["type"]> = Extract<Message, { type: T }>;

/** One node with its clock; the others are the test. */
class Fixture {
  readonly membership: Membership;
  nowMs = 0;

  constructor(node = "a:1", others: readonly string[] = ["b:1", "c:1", "d:1"]) {
    const claims = others.map((other) => this.claim(other));
    const settings = { configured: [], listMax: 10, checkMs: CHECK_MS };
    const state = { hasJoined: false, hasLeft: false };
    this.membership = new Membership(
      { node, incarnation: 100, ...state, claims, settings, seed: 1 },
      0,
    );
    for (const other of others) this.meet(other);
  }

  claim(node: string, status: Status = "alive", incarnation = 100): Claim {
    return { node, status, incarnation, isOpen: true, ageMs: 0 };
  }

  step(event: MembershipEvent, afterMs = 0): MembershipEffect[] {
    this.nowMs += afterMs;
    return this.membership.step(event, this.nowMs);
  }

  /** Lets time pass as a driver does that runs in time. */
  pass(ms: number): MembershipEffect[] {
    const endMs = this.nowMs + ms;
    const effects: MembershipEffect[] = [];
    for (;;) {
      const dueMs = this.membership.nextTimeoutMs() ?? Infinity;
      if (dueMs > endMs) break;
      this.nowMs = Math.max(this.nowMs, dueMs);
      effects.push(...this.step({ type: "timePassed" }));
    }
    this.nowMs = endMs;
    return effects;
  }

  /** A connection comes up, and the ping over it is answered. */
  meet(node: string): void {
    this.answer(node, sent(this.step({ type: "connected", node }), "ping", node));
  }

  answer(node: string, ping: Sent<"ping"> | undefined): MembershipEffect[] {
    assert.ok(ping !== undefined, `${node} is pinged`);
    const { digest } = ping;
    return this.receive(node, { type: "ack", request: ping.request, digest, claims: [] });
  }

  receive(from: string, message: Message): MembershipEffect[] {
    return this.step({ type: "received", from, message });
  }

  news(from: string, ...claims: Claim[]): MembershipEffect[] {
    return this.receive(from, { type: "news", digest: 0n, claims });
  }

  status(node: string): Status | undefined {
    return this.membership.view().members.find((member) => member.node === node)?.status;
  }

  /** A check whose pings are answered by these. */
  check(...answering: string[]): MembershipEffect[] {
    const effects = this.step({ type: "check" });
    for (const node of answering) this.answer(node, sent(effects, "ping", node));
    return effects;
  }
}

function sent<T extends Message["type"]>(
  effects: readonly MembershipEffect[],
  type: T,
  to?: string,
): Sent<T> | undefined {
  for (const effect of effects) {
    if (effect.type !== "send" || effect.message.type !== type) continue;
    if (to === undefined || effect.to === to) return effect.message as Sent<T>;
  }
  return undefined;
}

function has<T extends MembershipEffect["type"]>(
  effects: readonly MembershipEffect[],
  type: T,
  holds: (effect: Extract<MembershipEffect, { type: T }>) => boolean,
): boolean {
  return effects.some((effect) =>
    effect.type === type && holds(effect as Extract<MembershipEffect, { type: T }>)
  );
}

Deno.test("a silent member is asked for, suspected, and failed when it does not refute it", () => {
  const a = new Fixture();
  a.check("c:1", "d:1");
  const asked = a.pass(1000);
  assert.ok(sent(asked, "ask", "c:1")?.target === "b:1" && sent(asked, "ask", "d:1"));
  assert.ok(sent(asked, "ping", "b:1"), "it is asked once more itself");
  assert.equal(a.status("b:1"), "alive");
  const suspected = a.pass(1000);
  assert.equal(a.status("b:1"), "suspected");
  assert.ok(has(suspected, "doubt", ({ node, isDoubted }) => node === "b:1" && isDoubted));
  assert.equal(sent(suspected, "news", "c:1")?.claims[0]?.status, "suspected");
  // Nobody whom it asked has answered, so it trusts itself less: twice three checks.
  a.pass(2 * 3000 - 1);
  assert.equal(a.status("b:1"), "suspected", "it has time to refute it");
  const failed = a.pass(1);
  assert.equal(a.status("b:1"), "failed");
  assert.ok(has(failed, "disconnect", ({ node }) => node === "b:1"));
  assert.deepEqual(a.membership.view().associated.includes("b:1"), true, "it keeps its place");
});

Deno.test("a check that comes while an answer is waited for does not begin anew", () => {
  const a = new Fixture();
  for (let check = 0; check < 4; check++) {
    a.check();
    a.pass(600);
  }
  assert.equal(a.status("b:1"), "suspected");
});

Deno.test("a member that another one hears is not suspected", () => {
  const a = new Fixture();
  a.check("c:1", "d:1");
  const ask = sent(a.pass(1000), "ask", "d:1");
  assert.ok(ask !== undefined);
  a.receive("d:1", { type: "heard", request: ask.request, target: "b:1", digest: 0n, claims: [] });
  a.pass(5000);
  assert.equal(a.status("b:1"), "alive");
});

Deno.test("a lost connection is asked about at once, and not waited for when all say no", () => {
  const a = new Fixture();
  const effects = a.step({ type: "lost", node: "b:1" });
  for (const node of ["c:1", "d:1"]) {
    assert.equal(a.status("b:1"), "alive");
    const ask = sent(effects, "ask", node);
    assert.ok(ask !== undefined);
    const { request, target } = ask;
    a.receive(node, { type: "unheard", request, target, digest: 0n, claims: [] });
  }
  assert.equal(a.status("b:1"), "suspected");
});

Deno.test("a suspected member is alive again by a new incarnation, and by nothing else", () => {
  const a = new Fixture();
  const ping = sent(a.news("c:1", a.claim("b:1", "suspected")), "ping", "b:1");
  assert.equal(a.status("b:1"), "suspected");
  a.news("d:1", a.claim("b:1"));
  a.answer("b:1", ping);
  assert.equal(a.status("b:1"), "suspected");
  const effects = a.news("d:1", a.claim("b:1", "alive", 101));
  assert.ok(has(effects, "doubt", ({ isDoubted }) => !isDoubted));
  a.pass(20_000);
  assert.equal(a.status("b:1"), "alive");
});

Deno.test("this node refutes that it is suspected, or has failed, and tells everybody", () => {
  const a = new Fixture();
  for (const [status, incarnation] of [["suspected", 101], ["failed", 102]] as const) {
    a.pass(newsMs);
    const effects = a.news("c:1", a.claim("a:1", status, a.membership.view().incarnation));
    assert.equal(a.membership.view().incarnation, incarnation);
    assert.equal(sent(effects, "news", "b:1")?.claims[0]?.incarnation, incarnation);
    assert.ok(has(effects, "save", () => true));
  }
  a.news("c:1", a.claim("a:1", "failed", 50));
  assert.equal(a.membership.view().incarnation, 102, "that was long ago");
});

Deno.test("whom this node hears it does not believe to have failed: it lets it refute that", () => {
  const a = new Fixture();
  a.check("b:1", "c:1", "d:1");
  const effects = a.news("c:1", a.claim("b:1", "failed"));
  assert.equal(a.status("b:1"), "suspected");
  const about = sent(effects, "ping", "b:1")?.claims.find(({ node }) => node === "b:1");
  assert.equal(about?.status, "suspected", "the ping tells it");
  a.step({ type: "lost", node: "d:1" });
  a.news("c:1", a.claim("d:1", "failed"));
  assert.equal(a.status("d:1"), "failed", "without a connection it is believed");
});

Deno.test("a node that was stopped blames nobody for it", () => {
  const a = new Fixture();
  const effects = a.check();
  a.step({ type: "timePassed" }, 30_000);
  for (const node of ["b:1", "c:1", "d:1"]) a.answer(node, sent(effects, "ping", node));
  a.pass(10_000);
  for (const node of ["b:1", "c:1", "d:1"]) assert.equal(a.status(node), "alive");
});

Deno.test("a node whose timers are late, or that nobody answers, waits longer before it judges", () => {
  const a = new Fixture();
  for (let late = 0; late < 20; late++) {
    a.check();
    a.nowMs += 60_000;
  }
  a.check();
  assert.equal(a.membership.view().health, healthMax);
  a.pass(8_900);
  assert.equal(a.status("b:1"), "alive", "it would be suspected after 2 s");
  a.pass(9_100);
  assert.equal(a.status("b:1"), "suspected");
  const alone = new Fixture("a:1", ["b:1"]);
  alone.check();
  alone.pass(2000);
  assert.equal(alone.membership.view().health, 1);
});

Deno.test("late answers and duplicates change nothing", () => {
  const a = new Fixture();
  const effects = a.check("c:1", "d:1");
  const ping = sent(effects, "ping", "b:1");
  a.answer("b:1", ping);
  const before = JSON.stringify(a.membership.view());
  assert.deepEqual(a.answer("b:1", ping), []);
  assert.deepEqual(a.news("c:1", a.claim("b:1"), a.claim("d:1", "failed", 99)), []);
  assert.equal(JSON.stringify(a.membership.view()), before);
});

Deno.test("tables that differ are brought together at the next check", () => {
  const a = new Fixture();
  const ping = sent(a.check("c:1", "d:1"), "ping", "b:1");
  assert.ok(ping !== undefined);
  const effects = a.receive("b:1", { type: "ack", request: ping.request, digest: 1n, claims: [] });
  const sync = sent(effects, "sync", "b:1");
  assert.deepEqual(sync?.claims.map(({ node }) => node), ["a:1", "b:1", "c:1", "d:1"]);
  const answer = a.receive("b:1", { ...sync, type: "sync", request: 7, digest: 1n, claims: [] });
  assert.equal(sent(answer, "synced", "b:1")?.claims.length, 4);
});

Deno.test("a node that asks for another is answered either way", () => {
  const a = new Fixture();
  const ask = { type: "ask", request: 70, target: "z:1", digest: 0n, claims: [] } as const;
  const ping = sent(a.receive("b:1", ask), "knock", "z:1");
  assert.ok(ping !== undefined);
  const { request, digest } = ping;
  const yes = a.receive("z:1", { type: "ack", request, digest, claims: [] });
  assert.equal(sent(yes, "heard", "b:1")?.request, 70);
  a.receive("b:1", { ...ask, request: 71 });
  assert.equal(sent(a.pass(900), "unheard", "b:1")?.request, 71);
  a.receive("b:1", { ...ask, request: 72 });
  const no = a.step({ type: "unreachable", node: "z:1" });
  assert.equal(sent(no, "unheard", "b:1")?.request, 72);
});

Deno.test("a node joins when the one that it asked has answered, not before, and not twice", () => {
  const a = new Fixture("a:1", []);
  const sync = sent(a.step({ type: "join", seed: "b:1" }), "sync", "b:1");
  assert.ok(sync !== undefined);
  const { request } = sync;
  a.receive("c:1", { type: "synced", request, digest: 0n, claims: [] });
  assert.equal(a.membership.view().hasJoined, false, "that was not the one");
  const claims = [a.claim("b:1"), a.claim("c:1")];
  const effects = a.receive("b:1", { type: "synced", request, digest: 0n, claims });
  assert.ok(has(effects, "joined", ({ seed }) => seed === "b:1"));
  assert.ok(has(effects, "associate", ({ nodes }) => nodes.length === 2));
  const { incarnation, hasJoined } = a.membership.view();
  assert.ok(hasJoined && incarnation === 101);
  const again = sent(a.step({ type: "join", seed: "c:1" }), "sync", "c:1");
  a.receive("c:1", { type: "synced", request: again?.request ?? 0, digest: 0n, claims });
  assert.equal(a.membership.view().incarnation, 101);
  a.step({ type: "join", seed: "d:1" });
  const no = {
    type: "refused",
    request: request + 2,
    reason: "x",
    digest: 0n,
    claims: [],
  } as const;
  const refused = a.receive("d:1", no);
  assert.ok(has(refused, "notJoined", ({ reason }) => reason === "x"), JSON.stringify(refused));
});

Deno.test("who leaves tells its neighbours and forgets them; a late claim brings nobody back", () => {
  const a = new Fixture();
  const effects = a.step({ type: "leave" });
  for (const node of ["b:1", "c:1", "d:1"]) {
    assert.equal(sent(effects, "news", node)?.claims[0]?.status, "left");
  }
  assert.ok(has(effects, "associate", ({ nodes }) => nodes.length === 0));
  a.news("b:1", a.claim("c:1"), a.claim("a:1", "alive", 100));
  assert.deepEqual(a.membership.view().members.map(({ node, status }) => [node, status]), [
    ["a:1", "left"],
  ]);
  const ping = { type: "ping", request: 5, digest: 0n, claims: [] } as const;
  assert.equal(sent(a.receive("b:1", ping), "ack")?.claims[0]?.status, "left");
  const b = new Fixture("b:1", ["a:1", "c:1"]);
  const left = b.news("c:1", b.claim("a:1", "left", 101));
  assert.ok(has(left, "disconnect", ({ node }) => node === "a:1"));
  b.news("c:1", b.claim("a:1", "alive", 101), b.claim("a:1", "failed", 101));
  b.step({ type: "lost", node: "a:1" });
  b.pass(60_000);
  assert.equal(b.status("a:1"), "left");
  assert.deepEqual(b.membership.view().associated, ["c:1"]);
});

Deno.test("news go to each neighbour once in a while, however many there are", () => {
  const a = new Fixture();
  a.pass(1000);
  let messages = 0;
  for (let n = 0; n < 100; n++) {
    const effects = a.step(
      {
        type: "received",
        from: "b:1",
        message: { type: "news", digest: 0n, claims: [a.claim(`n${n}:1`)] },
      },
      10,
    );
    messages += effects.filter((effect) => effect.type === "send" && effect.to === "c:1").length;
  }
  messages +=
    a.pass(newsMs).filter((effect) => effect.type === "send" && effect.to === "c:1").length;
  assert.ok(messages >= 5 && messages <= 7, `${messages} in 1.2 s`);
  assert.equal(a.membership.view().members.length, 104);
});
