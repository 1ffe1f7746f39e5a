/**
 * Members in virtual time.
 *
 * The very memberships that daemons run, over a network that loses, repeats and reorders, on
 * machines that stop, crash and show the wrong time.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { hashText, type Prng } from "../../base/prng.ts";
import { Membership } from "../../core/membership/membership.ts";
import type { MembershipEffect, MembershipEvent, Message } from "../../core/membership/types.ts";
import { PreferredList } from "../../core/location_policy/preferred_list.ts";
import type { Announcement } from "../../core/contract/names.ts";
import { EventQueue } from "../engine/heap.ts";
import { randomStream } from "../model/workload.ts";
import type { Scenario } from "./scenario.ts";

/** Silence on a connection before the kernel says that it is lost: the config key `io-timeout`. */
export const detectMs = 10_000;
/** A connection that nobody accepts is given up after this (`limits.helloTimeoutMs`). */
export const connectMs = 5_000;

/** Between two looks. */
const LOOK_MS = 50;

/** What a node has on its disk. */
interface Disk {
  readonly savedMs: number;
  readonly incarnation: number;
  readonly hasJoined: boolean;
  readonly hasLeft: boolean;
  readonly claims: ReturnType<Membership["view"]>["members"];
}

/** One node. */
export interface WorldNode {
  readonly number: number;
  readonly name: string;
  /** null: its daemon does not run. */
  membership: Membership | null;
  letters: PreferredList;
  announcement: Announcement;
  isUp: boolean;
  /** Starts of its daemon. */
  runs: number;
  /** Its daemon is stopped, or all that it does is late. */
  isStalled: boolean;
  lateMs: number;
  /** By how much its wall clock, from which incarnations come, is set back. */
  setBackMs: number;
  disk: Disk | null;
  /** Its own lasting connections, and those that it is making. */
  readonly links: Set<number>;
  readonly connecting: Set<number>;
  /** What waits while it is stalled. */
  inbox: (() => void)[];
  toldMs: number;
  alarm: number;
  sent: number;
}

/** A cluster in virtual time. */
export class World {
  readonly scenario: Scenario;
  readonly nodes: WorldNode[];
  nowMs = 0;
  /** What does not arrive, by sender and receiver. */
  readonly cuts = new Map<string, number>();
  #lookMs = 0;
  readonly #prng: Prng;
  readonly #queue = new EventQueue<() => void>();
  readonly #numbers: ReadonlyMap<string, number>;

  constructor(scenario: Scenario) {
    this.scenario = scenario;
    this.#prng = randomStream(scenario.seed, 41);
    this.nodes = Array.from({ length: scenario.nodes }, (_, number) => ({
      number,
      // So that the order of names is not the order of numbers.
      name: `n${(number * 7) % 10}${number}:1`,
      membership: null,
      letters: new PreferredList([]),
      announcement: { letter: "U", epoch: 0, seq: 0 } as const,
      isUp: true,
      runs: 0,
      isStalled: false,
      lateMs: 0,
      setBackMs: 0,
      disk: null,
      links: new Set<number>(),
      connecting: new Set<number>(),
      inbox: [],
      toldMs: 0,
      alarm: 0,
      sent: 0,
    }));
    this.#numbers = new Map(this.nodes.map(({ name, number }) => [name, number]));
    for (const node of this.nodes) this.start(node);
  }

  /** Does something later. */
  after(ms: number, call: () => void): void {
    this.#queue.push(this.nowMs + ms, call);
  }

  /** Lets virtual time pass; `look` is called between events, some {@linkcode LOOK_MS} apart. */
  advance(untilMs: number, look: () => void): void {
    while (this.#queue.nextMs <= untilMs) {
      this.nowMs = this.#queue.nextMs;
      this.#queue.pop()();
      if (this.nowMs < this.#lookMs) continue;
      this.#lookMs = this.nowMs + LOOK_MS;
      look();
    }
    this.nowMs = untilMs;
  }

  node(name: string): WorldNode {
    const found = this.nodes[this.#numbers.get(name) ?? -1];
    assert(found !== undefined, `${name} is a node`);
    return found;
  }

  /** Whether what one node sends arrives at another, if its daemon runs. */
  reaches(from: WorldNode, to: WorldNode): boolean {
    return from.isUp && to.isUp && (this.cuts.get(`${from.number}>${to.number}`) ?? 0) === 0;
  }

  // ---- daemons ----

  /** The names that a node's config has. */
  configured(node: WorldNode): string[] {
    const { isFixed, founders } = this.scenario;
    if (!isFixed || node.number >= founders) return [];
    return this.nodes.slice(0, founders).filter((one) => one !== node).map(({ name }) => name);
  }

  /** A daemon starts. */
  start(node: WorldNode): void {
    const { listMax, checkMs } = this.scenario;
    node.runs++;
    node.inbox = [];
    node.isStalled = false;
    const nothing = { savedMs: 0, incarnation: 0, hasJoined: false, hasLeft: false, claims: [] };
    const { savedMs, incarnation: last, ...kept }: Disk = node.disk ?? nothing;
    const wallMs = 1e7 + this.nowMs - node.setBackMs;
    const incarnation = Math.max(Math.floor(wallMs), last + 1);
    const claims = kept.claims.filter((claim) => claim.node !== node.name)
      .map((claim) => ({ ...claim, ageMs: claim.ageMs + this.nowMs - savedMs }));
    const localMs = this.#localMs(node);
    node.toldMs = localMs;
    node.announcement = { letter: "U", epoch: incarnation, seq: 0 };
    node.membership = new Membership({
      node: node.name,
      incarnation,
      ...kept,
      claims,
      settings: { configured: this.configured(node), listMax, checkMs },
      seed: hashText(`${node.name} ${this.scenario.seed} ${node.runs}`),
    }, localMs);
    node.letters = new PreferredList(node.membership.view().associated);
    this.#save(node);
    this.#connectAll(node);
    this.#later(node, this.#prng.nextFloat() * checkMs, () => this.#check(node));
  }

  /** A daemon is gone: the kernel of a machine that is up closes its connections. */
  kill(node: WorldNode): void {
    node.membership = null;
    node.runs++;
    node.inbox = [];
    node.connecting.clear();
    for (const peer of this.nodes) {
      if (!peer.links.has(node.number)) continue;
      const isTold = this.reaches(node, peer);
      this.#break(peer, node, isTold ? this.#delayMs() : detectMs);
    }
    node.links.clear();
  }

  /** What was held up happens: timers first, then messages in their order. */
  resume(node: WorldNode): void {
    if (!node.isStalled) return;
    node.isStalled = false;
    const { inbox } = node;
    node.inbox = [];
    this.step(node, { type: "timePassed" });
    for (const call of inbox) call();
  }

  #localMs(node: WorldNode): number {
    const { rate, startMs } = this.scenario.clocks[node.number] ?? { rate: 1, startMs: 0 };
    return startMs + rate * this.nowMs;
  }

  /** Does something on a node after a time by its clock, unless its daemon ends; late if that is slow. */
  #later(node: WorldNode, localMs: number, call: () => void): void {
    const { runs } = node;
    const rate = this.scenario.clocks[node.number]?.rate ?? 1;
    const lateMs = node.lateMs > 0 ? this.#prng.nextFloat() * node.lateMs : 0;
    this.after(localMs / rate + lateMs, () => {
      if (node.runs === runs) this.#do(node, call);
    });
  }

  #do(node: WorldNode, call: () => void): void {
    if (node.isStalled) node.inbox.push(call);
    else call();
  }

  #check(node: WorldNode): void {
    this.#connectAll(node);
    this.step(node, { type: "check" });
    this.#later(node, this.scenario.checkMs, () => this.#check(node));
  }

  /** Gives a membership an event and performs the effects. */
  step(node: WorldNode, event: MembershipEvent): void {
    const { membership } = node;
    if (membership === null) return;
    node.toldMs = Math.max(node.toldMs, this.#localMs(node));
    for (const effect of membership.step(event, node.toldMs)) this.#perform(node, effect);
    const dueMs = membership.nextTimeoutMs();
    const alarm = ++node.alarm;
    if (dueMs === null) return;
    this.#later(node, Math.max(0.5, dueMs - node.toldMs + 0.5), () => {
      if (node.alarm === alarm) this.step(node, { type: "timePassed" });
    });
  }

  #perform(node: WorldNode, effect: MembershipEffect): void {
    switch (effect.type) {
      case "send":
        return this.#send(node, this.node(effect.to), effect.message);
      case "associate":
        node.letters.replace(effect.nodes);
        return this.#connectAll(node);
      case "doubt":
        return node.letters.doubt(effect.node, effect.isDoubted);
      case "disconnect":
        return this.#disconnect(node, this.node(effect.node));
      case "save":
        return this.#save(node);
      default:
        return;
    }
  }

  #save(node: WorldNode): void {
    const view = node.membership?.view();
    assert(view !== undefined, "a daemon that saves runs");
    const { incarnation, hasJoined, hasLeft, members } = view;
    node.disk = { savedMs: this.nowMs, incarnation, hasJoined, hasLeft, claims: members };
  }

  // ---- the network ----

  #delayMs(): number {
    const { latencyMs, jitterMs } = this.scenario;
    return latencyMs + (jitterMs > 0 ? this.#prng.nextExponential(jitterMs) : 0);
  }

  #send(from: WorldNode, to: WorldNode, message: Message): void {
    from.sent++;
    const isOpen = from.links.has(to.number) || to.links.has(from.number);
    const answers = this.reaches(from, to) && this.reaches(to, from) && to.membership !== null;
    if (!isOpen && !(answers && !to.isStalled)) {
      this.#later(from, this.#delayMs(), () => {
        this.step(from, { type: "unreachable", node: to.name });
      });
      return;
    }
    const copies = this.#prng.nextFloat() < this.scenario.repeats ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      if (this.#prng.nextFloat() < this.scenario.loss) continue;
      const { announcement } = from;
      this.#deliver(from, to, () => {
        if (message.type === "ping" || message.type === "ack") this.#note(to, from, announcement);
        this.step(to, { type: "received", from: from.name, message });
      });
    }
  }

  #deliver(from: WorldNode, to: WorldNode, call: () => void): void {
    const { runs } = to;
    const lateMs = from.lateMs > 0 ? this.#prng.nextFloat() * from.lateMs : 0;
    this.after(this.#delayMs() + lateMs, () => {
      if (!this.reaches(from, to) || to.runs !== runs) return;
      if (to.lateMs > 0) this.#later(to, 0, call);
      else this.#do(to, call);
    });
  }

  #note(node: WorldNode, from: WorldNode, announcement: Announcement): void {
    if (node.links.has(from.number)) node.letters.note(from.name, announcement);
  }

  /** A node's announced letter changes; each associated node is told once. */
  changeLetter(node: WorldNode): void {
    if (node.membership === null) return;
    const { epoch, seq, letter } = node.announcement;
    node.announcement = { epoch, seq: seq + 1, letter: letter === "U" ? "F" : "U" };
    for (const name of node.membership.view().associated) this.#tellLetter(node, this.node(name));
  }

  #tellLetter(node: WorldNode, to: WorldNode): void {
    const { announcement } = node;
    if (!node.links.has(to.number) || this.#prng.nextFloat() < this.scenario.loss) return;
    this.#deliver(node, to, () => this.#note(to, node, announcement));
  }

  #connectAll(node: WorldNode): void {
    const associated = node.membership?.view().associated ?? [];
    for (const number of node.links) {
      const peer = this.nodes[number];
      if (peer !== undefined && !associated.includes(peer.name)) node.links.delete(number);
    }
    for (const name of associated) this.#connect(node, this.node(name));
  }

  #connect(node: WorldNode, to: WorldNode): void {
    if (node.links.has(to.number) || node.connecting.has(to.number)) return;
    node.connecting.add(to.number);
    const canReach = this.reaches(node, to) && this.reaches(to, node);
    const isRefused = canReach && to.membership === null;
    const accepts = canReach && !isRefused && !to.isStalled;
    this.#later(node, accepts || isRefused ? 2 * this.#delayMs() : connectMs, () => {
      node.connecting.delete(to.number);
      const stillThere = this.reaches(node, to) && this.reaches(to, node) && to.membership !== null;
      const isWanted = node.membership?.view().associated.includes(to.name) === true;
      if (!isWanted) return;
      if (!accepts || !stillThere) return this.step(node, { type: "lost", node: to.name });
      node.links.add(to.number);
      this.step(node, { type: "connected", node: to.name });
      this.#tellLetter(node, to);
      // The other daemon takes this as a sign that the way back is open.
      if (to.membership?.view().associated.includes(node.name) === true) this.#connect(to, node);
    });
  }

  /** A connection is lost, and that is noticed after a while: it is made anew at once. */
  #break(node: WorldNode, to: WorldNode, afterMs: number): void {
    const { runs } = node;
    this.after(afterMs, () => {
      if (node.runs !== runs || !node.links.delete(to.number)) return;
      node.letters.lose(to.name);
      this.#do(node, () => {
        this.step(node, { type: "lost", node: to.name });
        if (node.membership?.view().associated.includes(to.name) === true) this.#connect(node, to);
      });
    });
  }

  #disconnect(node: WorldNode, from: WorldNode): void {
    this.#break(node, from, 0);
    if (this.reaches(node, from)) this.#break(from, node, this.#delayMs());
  }

  /** What one node sends to another does not arrive from now on, or does again. */
  setCut(from: number, to: number, isCut: boolean): void {
    const key = `${from}>${to}`;
    this.cuts.set(key, (this.cuts.get(key) ?? 0) + (isCut ? 1 : -1));
    if (!isCut) return;
    const [a, b] = [this.nodes[from], this.nodes[to]];
    if (a === undefined || b === undefined) return;
    this.after(detectMs, () => {
      // A connection needs both ways; one that is mended in time goes on.
      if (this.reaches(a, b)) return;
      for (const [node, peer] of [[a, b], [b, a]] as const) {
        if (node.links.has(peer.number)) this.#break(node, peer, 0);
      }
    });
  }
}
