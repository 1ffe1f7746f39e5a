/**
 * Invariants of members, whatever breaks.
 *
 * Checked from outside, by what the world knows.
 *
 * @module
 */

import { AssertionError } from "../../base/assert.ts";
import { healthMax } from "../../core/membership/health.ts";
import { suspicionMs } from "../../core/membership/detector.ts";
import { newsMs } from "../../core/membership/membership.ts";
import { answerMs } from "../../core/membership/probes.ts";
import type { Status } from "../../core/membership/types.ts";
import { randomStream } from "../model/workload.ts";
import { drawScenario, type Happening, type Scenario } from "./scenario.ts";
import { connectMs, detectMs, World, type WorldNode } from "./world.ts";

/** What became of one seed. */
export interface MembershipResult {
  readonly seed: number;
  /** What was broken, and when; null: nothing. */
  readonly violation: string | null;
  /** Judgements that somebody has failed, and those of them that were wrong at that moment. */
  readonly failures: number;
  readonly wrong: number;
  /** From the last fault until all views were the same. */
  readonly convergedMs: number;
}

/** A person tries again to have a node join after so long. */
const JOIN_AGAIN_MS = 20_000;
/** Messages are counted over so long. */
const COUNT_MS = 10_000;
/** Views are compared so often in the end. */
const LOOK_MS = 500;

/**
 * How long after the last fault all members must have the same view, at most: connections are made
 * again, a node that trusts itself least waits for two answers and for a denial, and the tables meet.
 */
export function convergenceMs(checkMs: number): number {
  const judgementMs = (healthMax + 1) * (2 * answerMs + suspicionMs(checkMs));
  return detectMs + connectMs + judgementMs + 6 * checkMs;
}

/** How long a member that is healthy and reachable may be held for failed. */
export function wrongMs(checkMs: number): number {
  return connectMs + 5 * checkMs + 10 * answerMs;
}

function hold(condition: boolean, claim: string): void {
  if (!condition) throw new AssertionError(`it does not hold that ${claim}`);
}

/** Makes things happen to a world, and watches. */
class Drill {
  readonly world: World;
  failures = 0;
  wrong = 0;
  readonly #scenario: Scenario;
  readonly #prng;
  /** Who is to be a member. */
  readonly #members: Set<number>;
  /** Who has left and not joined since. */
  readonly #left = new Set<number>();
  /** Faults under way. */
  #faults = 0;
  /** Until when each node counts as not healthy. */
  readonly #sickUntilMs: number[];
  /** Since when an observer holds a healthy member for failed; what it held last. */
  readonly #wrongSinceMs = new Map<string, number>();
  readonly #held = new Map<string, Status>();
  /** Nodes that are gone for good. */
  readonly #gone = new Set<number>();
  /** Since when the network is whole; when each node's messages were counted last, and how many there were. */
  #wholeSinceMs = 0;
  readonly #counted: { atMs: number; sent: number }[] = [];

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#prng = randomStream(scenario.seed, 42);
    this.#members = new Set(Array.from({ length: scenario.founders }, (_, number) => number));
    this.#sickUntilMs = Array.from({ length: scenario.nodes }, () => 0);
    this.world = new World(scenario);
    for (const happening of scenario.happenings) {
      this.world.after(happening.atMs, () => this.#begin(happening));
    }
    const { gone } = scenario;
    if (gone !== null) this.world.after(gone.atMs, () => this.#lose(this.#node(gone.node)));
  }

  /** A node is gone for good. */
  #lose(node: WorldNode): void {
    if (node.membership === null) return;
    this.#gone.add(node.number);
    node.isUp = false;
    this.world.kill(node);
  }

  #node(number: number): WorldNode {
    return this.world.nodes[number] as WorldNode;
  }

  #sick(number: number, untilMs: number): void {
    this.#sickUntilMs[number] = Math.max(this.#sickUntilMs[number] ?? 0, untilMs);
  }

  #begin(happening: Happening): void {
    const { world } = this;
    if (happening.kind === "partition") return this.#partition(happening);
    const node = this.#node(happening.node);
    switch (happening.kind) {
      case "join":
        return this.#join(node);
      case "leave":
        return this.#leave(node);
      case "letter":
        return world.changeLetter(node);
      case "cut": {
        const { to, both, endMs } = happening;
        return this.#network(endMs, (isCut) => {
          world.setCut(node.number, to, isCut);
          if (both) world.setCut(to, node.number, isCut);
        });
      }
      default:
        return this.#hit(node, happening);
    }
  }

  #hit(
    node: WorldNode,
    happening: Extract<Happening, { kind: "crash" | "restart" | "stall" | "slow" }>,
  ): void {
    const { world } = this;
    const { kind, endMs } = happening;
    // One thing at a time on a node.
    if (node.membership === null || node.isStalled || node.lateMs > 0) return;
    this.#sick(node.number, endMs);
    const later = (call: () => void) => world.after(endMs - world.nowMs, call);
    if (kind === "stall") {
      node.isStalled = true;
      const { runs } = node;
      return later(() => node.runs === runs && world.resume(node));
    }
    if (kind === "slow") {
      node.lateMs = happening.byMs;
      return later(() => node.lateMs = 0);
    }
    const forgets = kind === "crash" && happening.forgets && !this.#left.has(node.number);
    if (kind === "crash") node.isUp = false;
    world.kill(node);
    later(() => {
      if (this.#gone.has(node.number)) return;
      node.isUp = true;
      if (forgets) {
        node.disk = null;
        node.setBackMs += 1e6;
      }
      world.start(node);
    });
  }

  #partition({ size, endMs }: Extract<Happening, { kind: "partition" }>): void {
    this.#network(endMs, (isCut) => {
      for (let a = 0; a < size; a++) {
        for (let b = size; b < this.#scenario.nodes; b++) {
          this.world.setCut(a, b, isCut);
          this.world.setCut(b, a, isCut);
        }
      }
    });
  }

  #network(endMs: number, set: (isCut: boolean) => void): void {
    this.#faults++;
    set(true);
    this.world.after(endMs - this.world.nowMs, () => {
      set(false);
      this.#faults--;
      this.#wholeSinceMs = this.world.nowMs;
    });
  }

  #join(node: WorldNode): void {
    const members = [...this.#members].filter((number) => number !== node.number);
    if (this.#members.has(node.number) || members.length === 0) return;
    if (this.#gone.has(node.number)) return;
    const seed = this.#node(this.#prng.pick(members));
    const again = () => this.world.after(JOIN_AGAIN_MS, () => this.#join(node));
    if (node.membership === null || node.isStalled) return again();
    const { runs } = node;
    this.world.step(node, { type: "join", seed: seed.name });
    this.world.after(JOIN_AGAIN_MS / 2, () => {
      const view = node.membership?.view();
      const isIn = node.runs === runs && view?.hasJoined === true && !view.hasLeft &&
        view.members.length > 1;
      if (!isIn) return again();
      this.#members.add(node.number);
      this.#sick(node.number, this.world.nowMs);
      this.#left.delete(node.number);
      for (const one of this.world.nodes) this.#held.delete(`${one.number} ${node.name}`);
    });
  }

  #leave(node: WorldNode): void {
    if (node.membership === null || node.isStalled || node.membership.view().hasLeft) return;
    // The last one has nobody to tell.
    if (!this.#members.has(node.number) || this.#members.size === 1) return;
    this.#members.delete(node.number);
    this.#left.add(node.number);
    this.world.step(node, { type: "leave" });
  }

  /** After each event. */
  look(): void {
    const { world } = this;
    for (const node of world.nodes) {
      const view = node.membership?.view();
      if (view === undefined) continue;
      this.#count(node);
      for (const { node: name, status } of view.members) this.#lookAt(node, name, status);
    }
  }

  /** Messages stay within their bound, however many members there are. */
  #count({ number, name, sent }: WorldNode): void {
    const { nowMs } = this.world;
    const last = this.#counted[number] ??= { atMs: nowMs, sent };
    if (nowMs - last.atMs < COUNT_MS) return;
    const { checkMs, listMax, isFixed, founders } = this.#scenario;
    // Whom its list names, and, where configs are not mutual or lists are changing, who names it.
    const neighbours = 2 * Math.max(listMax, isFixed ? founders : 0);
    const mostSent = messagesMax({ neighbours, checkMs, ms: nowMs - last.atMs });
    hold(sent - last.sent <= mostSent, `${name} sends ${mostSent} messages at most`);
    this.#counted[number] = { atMs: nowMs, sent };
  }

  #lookAt(node: WorldNode, name: string, status: Status): void {
    const subject = this.world.node(name);
    if (subject === node) return;
    const key = `${node.number} ${name}`;
    const before = this.#held.get(key);
    this.#held.set(key, status);
    const isLeft = this.#left.has(subject.number);
    const isBack = before === "left" && status !== "left" && isLeft &&
      subject.membership?.view().hasLeft === true;
    hold(!isBack, `${name}, which has left, is not ${status} again for ${node.name}`);
    const isFine = this.#faults === 0 && !isLeft && this.#members.has(subject.number) &&
      [node, subject].every((one) => this.#isHealthy(one));
    if (status === "failed" && before !== "failed") {
      this.failures++;
      if (isFine) this.wrong++;
      hold(!isFine || !this.#isCalm(node, subject), `${node.name} has no cause to blame ${name}`);
    }
    if (!isFine || status !== "failed") return void this.#wrongSinceMs.delete(key);
    const sinceMs = this.#wrongSinceMs.get(key) ?? this.world.nowMs;
    this.#wrongSinceMs.set(key, sinceMs);
    const limitMs = wrongMs(this.#scenario.checkMs) * (1 + 20 * this.#scenario.loss);
    hold(
      this.world.nowMs - sinceMs <= limitMs,
      `${node.name} holds ${name}, which is healthy, for failed for ${limitMs} ms at most`,
    );
  }

  /** Whether, for long, nothing has happened to a member or the network: the observer may have stopped. */
  #isCalm(node: WorldNode, subject: WorldNode): boolean {
    if (this.#scenario.loss > 0 || node.lateMs > 0) return false;
    const calmMs = this.world.nowMs - convergenceMs(this.#scenario.checkMs);
    return this.#wholeSinceMs < calmMs && (this.#sickUntilMs[subject.number] ?? 0) < calmMs;
  }

  #isHealthy(node: WorldNode): boolean {
    return !this.#gone.has(node.number) && node.membership !== null &&
      this.world.nowMs > (this.#sickUntilMs[node.number] ?? 0);
  }

  /** All members have the same view, and it is right. */
  checkViews(): void {
    const here = (number: number) => this.#members.has(number) && !this.#gone.has(number);
    const nodes = this.world.nodes.filter(({ number }) => here(number));
    const names = nodes.map(({ name }) => name).toSorted();
    for (const node of nodes) {
      const view = node.membership?.view();
      hold(view !== undefined, `${node.name} runs`);
      if (view === undefined) continue;
      const alive = view.members.filter(({ status }) => status === "alive");
      const told = alive.map((claim) => claim.node).join(" ");
      hold(told === names.join(" "), `${node.name} has [${told}] for alive: [${names.join(" ")}]`);
      for (const { node: name, status } of view.members) {
        if (status === "alive" || status === "left") continue;
        const isGone = this.#gone.has(this.world.node(name).number);
        hold(isGone && status === "failed", `${node.name} holds ${name} for ${status}`);
      }
      for (const number of this.#gone) {
        const held = view.members.find((claim) => claim.node === this.#node(number).name)?.status;
        hold(
          held !== "alive" && held !== "suspected",
          `${node.name} knows that n${number} is gone`,
        );
      }
      hold(!view.hasLeft, `${node.name} has not left`);
      for (const claim of alive) {
        const truth = this.world.node(claim.node).membership?.view().incarnation;
        hold(claim.incarnation === truth, `${node.name} knows the incarnation of ${claim.node}`);
      }
      this.#checkList(node, view.associated);
    }
    for (const number of this.#left) {
      if (this.#gone.has(number)) continue;
      const view = this.#node(number).membership?.view();
      if (view === undefined) continue;
      hold(view.associated.length === 0 && view.hasLeft, `n${number} stays out`);
    }
  }

  #checkList(node: WorldNode, associated: readonly string[]): void {
    const configured = this.world.configured(node).length;
    const longest = Math.max(configured, this.#scenario.listMax);
    hold(associated.length <= longest, `${node.name} has ${longest} associated nodes at most`);
    hold(associated.length > 0 || this.#members.size === 1, `${node.name} is associated`);
    for (const { node: name, state } of node.letters.view()) {
      if (this.#gone.has(this.world.node(name).number)) {
        hold(state === " ", `${node.name} has no letter of ${name}`);
        continue;
      }
      const { letter } = this.world.node(name).announcement;
      hold(state === letter, `${node.name} knows the letter of ${name}: ${state} is ${letter}`);
    }
    for (const name of associated) {
      if (this.#gone.has(this.world.node(name).number)) continue;
      const isOpen = node.letters.first((other) => other === name) === name;
      const { letter } = this.world.node(name).announcement;
      hold(isOpen === (letter === "U"), `${node.name} may choose ${name} while it is U`);
    }
  }
}

/** A node may say so many things in a time: pings, their answers, syncs, and news. */
export function messagesMax(options: { neighbours: number; checkMs: number; ms: number }): number {
  const { neighbours, checkMs, ms } = options;
  const checks = Math.ceil(ms / checkMs) + 1;
  return neighbours * (checks * 8 + Math.ceil(ms / newsMs) + 1);
}

/** Runs one scenario to its end, or to the first thing that does not hold. */
export function checkMembership(seed: number): MembershipResult {
  const scenario = drawScenario(seed);
  let violation: string | null = null;
  const drill = new Drill(scenario);
  const { world } = drill;
  const look = () => drill.look();
  let convergedMs = 0;
  try {
    world.advance(scenario.calmMs, look);
    const limitMs = convergenceMs(scenario.checkMs) * (1 + 10 * scenario.loss) + 3 * JOIN_AGAIN_MS;
    for (;;) {
      convergedMs = world.nowMs - scenario.calmMs;
      try {
        drill.checkViews();
        break;
      } catch (error) {
        if (!(error instanceof AssertionError) || convergedMs >= limitMs) throw error;
      }
      world.advance(world.nowMs + LOOK_MS, look);
    }
  } catch (error) {
    if (!(error instanceof AssertionError)) throw error;
    violation = `at ${(world.nowMs / 1000).toFixed(3)} s: ${error.message}`;
  }
  return { seed, violation, failures: drill.failures, wrong: drill.wrong, convergedMs };
}
