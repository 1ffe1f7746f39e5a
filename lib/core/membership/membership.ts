/**
 * The membership of one node as a pure state machine.
 *
 * Who is in the cluster and who is there, as one node sees it; beside the balancer.
 *
 * Claims spread over the lasting connections of the preferred lists: new ones at once, and at each check
 * two neighbours whose tables differ bring them together (anti-entropy: Demers et al., PODC 1987).
 *
 * @module
 */

import { assert, unreachable } from "../../base/assert.ts";
import { Prng } from "../../base/prng.ts";
import type { NodeName } from "../contract/names.ts";
import { associate } from "./associate.ts";
import { Detector } from "./detector.ts";
import { Members } from "./members.ts";
import type {
  Body,
  Claim,
  MembershipConfig,
  MembershipEffect,
  MembershipEvent,
  MembershipSettings,
  MembershipView,
  Message,
  Status,
} from "./types.ts";

/** News to one neighbour are put together for so long, so that a burst costs few messages. */
export const newsMs = 200;
/** Claims in one message of news; the rest comes with the next. */
export const newsMax = 200;
/** Members of a cluster, left ones included; a table of so many fits in one frame. */
export const membersMax = 4096;

/** What became of a member, for the log. */
const words = {
  alive: "is back",
  suspected: "is suspected",
  failed: "has failed",
  left: "has left",
} as const satisfies Record<Status, string>;

type Held = Omit<Claim, "ageMs">;

/**
 * Decides for one node who is a member and who is there. There is no clock, no chance but the seed's and
 * no I/O in it: the same events at the same times give the same effects.
 */
export class Membership {
  readonly #node: NodeName;
  #settings: MembershipSettings;
  readonly #members = new Members();
  readonly #detector: Detector;
  #hasJoined: boolean;
  #hasLeft: boolean;
  /** The number of the question to the node through which this one is about to join. */
  #joining: { readonly seed: NodeName; readonly request: number } | null = null;
  /** The last node that was knocked at, until it answers. */
  #visited: { readonly node: NodeName; readonly request: number } | null = null;
  readonly #prng: Prng;
  /** Members about whom there are news to tell, and when they may be told. */
  readonly #news = new Set<NodeName>();
  #newsAtMs = -Infinity;
  #associated: readonly NodeName[] = [];
  /** Whether the list may be another one now. */
  #isChanged = false;
  #isSaved = true;
  #nowMs: number;
  #effects: MembershipEffect[] = [];

  /** @param nowMs The driver's monotonic clock. */
  constructor(config: MembershipConfig, nowMs: number) {
    this.#node = config.node;
    this.#settings = config.settings;
    this.#hasJoined = config.hasJoined;
    this.#hasLeft = config.hasLeft;
    this.#nowMs = nowMs;
    this.#prng = new Prng(config.seed);
    this.#detector = new Detector({
      checkMs: () => this.#settings.checkMs,
      prng: this.#prng,
      statusOf: (node) => this.#members.get(node)?.status,
      send: (to, body) => this.#send(to, body),
      hold: (node, status) => this.#hold(node, status),
    });
    for (const claim of config.claims) {
      // What was suspected then has had its time to refute it.
      const status = claim.status === "suspected" ? "alive" : claim.status;
      if (claim.node !== config.node) this.#members.merge({ ...claim, status }, nowMs);
    }
    this.#members.merge(this.#self(config.incarnation), nowMs);
    this.#associated = this.#makeList();
  }

  /**
   * Takes one event and tells what to do about it.
   *
   * @param nowMs The driver's monotonic clock in milliseconds; it never goes back.
   * @returns Effects to perform in this order.
   * @throws {AssertionError} If the clock goes back.
   */
  step(event: MembershipEvent, nowMs: number): MembershipEffect[] {
    assert(nowMs >= this.#nowMs, "the driver's clock is monotonic");
    this.#nowMs = nowMs;
    this.#detector.advance(nowMs);
    this.#apply(event);
    if (this.#isChanged) this.#relist();
    this.#tellNews();
    if (!this.#isSaved) this.#effects.push({ type: "save" });
    this.#isSaved = true;
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  /** When to give `timePassed` at the latest if nothing else happens, or null. */
  nextTimeoutMs(): number | null {
    const newsMs = this.#news.size > 0 ? this.#newsAtMs : Infinity;
    const earliestMs = Math.min(this.#detector.nextTimeoutMs(), newsMs);
    return earliestMs === Infinity ? null : earliestMs;
  }

  /** What a person may want to see, and what is kept over a restart. */
  view(): MembershipView {
    return {
      incarnation: this.#own.incarnation,
      hasJoined: this.#hasJoined,
      hasLeft: this.#hasLeft,
      members: this.#members.list(this.#nowMs),
      associated: this.#associated,
      health: this.#detector.health.score,
    };
  }

  get #own(): Held {
    const own = this.#members.get(this.#node);
    assert(own !== undefined, "this node is in its own table");
    return own;
  }

  #self(incarnation: number): Claim {
    const isOpen = this.#hasJoined || this.#settings.configured.length === 0;
    const status = this.#hasLeft ? "left" : "alive";
    return { node: this.#node, incarnation, status, isOpen, ageMs: 0 };
  }

  #apply(event: MembershipEvent): void {
    switch (event.type) {
      case "check":
        return this.#check();
      case "timePassed":
        return;
      case "connected":
        return this.#detector.met(event.node);
      case "lost":
        return this.#lost(event.node);
      case "unreachable":
        return this.#detector.unreachable(event.node);
      case "received":
        return this.#receive(event.from, event.message);
      case "join":
        this.#joining = { seed: event.seed, request: this.#detector.nextRequest() };
        return this.#send(event.seed, { type: "sync", request: this.#joining.request });
      case "leave":
        return this.#leave();
      case "configured":
        return this.#configure(event.settings);
      default:
        return unreachable(event);
    }
  }

  /** A connection that this node has closed itself, as its list is another now, says nothing. */
  #lost(node: NodeName): void {
    if (this.#associated.includes(node)) this.#detector.lost(node);
    else this.#detector.connected.delete(node);
  }

  #check(): void {
    if (this.#members.forget(this.#nowMs)) {
      this.#isSaved = false;
      this.#isChanged = true;
    }
    this.#detector.check(this.#associated);
    this.#visit();
  }

  /**
   * Knocks at one member that is in no list of this node, also at one that has failed: where the lists of
   * those that are left do not hang together, or a node has forgotten its cluster, this mends it.
   */
  #visit(): void {
    const others = this.#members.list(this.#nowMs).filter(({ node, status }) =>
      node !== this.#node && status !== "left" && !this.#associated.includes(node)
    );
    if (others.length === 0) return;
    const { node } = this.#prng.pick(others);
    this.#visited = { node, request: this.#detector.nextRequest() };
    this.#send(node, { type: "knock", request: this.#visited.request });
  }

  // ---- messages ----

  #receive(from: NodeName, message: Message): void {
    if (from === this.#node) return;
    this.#detector.hear(from, message);
    const isJoining = message.type === "synced" && this.#joining?.seed === from &&
      this.#joining.request === message.request;
    // A node that has left keeps out of it: it only says so.
    if (!this.#hasLeft || isJoining) { for (const claim of message.claims) this.#take(claim); }
    if (isJoining) this.#join();
    switch (message.type) {
      case "ping":
      case "knock":
        return this.#send(from, { type: "ack", request: message.request });
      case "ack":
        return this.#acked(from, message);
      case "ask":
        if (!this.#hasLeft && message.target !== this.#node) this.#detector.asked(from, message);
        return;
      case "heard":
      case "unheard":
        return this.#detector.helped(from, message);
      case "sync":
        return this.#send(from, { type: "synced", request: message.request });
      case "refused":
        return this.#refused(from, message);
      case "news":
      case "synced":
        return;
      default:
        return unreachable(message);
    }
  }

  #acked(from: NodeName, { request, digest }: Extract<Message, { type: "ack" }>): void {
    const isVisit = this.#visited?.node === from && this.#visited.request === request;
    if (isVisit) this.#visited = null;
    else if (!this.#detector.acked(from, request)) return;
    if (digest === this.#members.digest || this.#hasLeft) return;
    this.#send(from, { type: "sync", request: this.#detector.nextRequest() });
  }

  /** With every message goes what is held of this node, and of those whom it is about: they may refute it. */
  #send(to: NodeName, body: Body): void {
    const isWhole = body.type === "sync" || body.type === "synced";
    const about = [this.#node, to, ..."target" in body ? [body.target] : []];
    const claims = isWhole ? this.#members.list(this.#nowMs) : this.#claims(about);
    this.#post(to, { ...body, digest: this.#members.digest, claims });
  }

  #claims(nodes: readonly NodeName[]): Claim[] {
    return nodes.flatMap((node) => this.#members.claim(node, this.#nowMs) ?? []);
  }

  #post(to: NodeName, message: Message): void {
    this.#effects.push({ type: "send", to, message });
  }

  /** Tells every neighbour what is new here, at most once in {@linkcode newsMs}. */
  #tellNews(): void {
    if (this.#news.size === 0 || this.#nowMs < this.#newsAtMs) return;
    const nodes = [...this.#news].slice(0, newsMax);
    for (const node of nodes) this.#news.delete(node);
    this.#newsAtMs = this.#nowMs + newsMs;
    const [claims, digest] = [this.#claims(nodes), this.#members.digest];
    for (const to of this.#detector.connected) this.#post(to, { type: "news", digest, claims });
  }

  // ---- claims ----

  /** Takes what another says about a member, or about this node. */
  #take(claim: Claim): void {
    if (claim.node === this.#node) return this.#refute(claim);
    const before = this.#members.get(claim.node);
    if (before === undefined && this.#members.size >= membersMax) return;
    // Who hears a member does not believe that it has failed: the member itself shall refute it.
    const believed = claim.status === "failed" && this.#detector.hears(claim.node)
      ? { ...claim, status: "suspected" as const, ageMs: 0 }
      : claim;
    if (this.#members.merge(believed, this.#nowMs)) this.#changed(claim.node, before);
  }

  /** Something about this node that is not so: a new incarnation says what is. */
  #refute(claim: Claim): void {
    const { incarnation, status, isOpen } = this.#own;
    if (claim.incarnation < incarnation) return;
    const isSame = claim.status === status && claim.isOpen === isOpen;
    if (claim.incarnation === incarnation && (isSame || claim.status === "alive")) return;
    if (claim.incarnation === incarnation) this.#detector.health.worsen();
    else this.#warn("somebody speaks for this node: another one of its name, or an earlier run");
    this.#begin(claim.incarnation + 1);
  }

  #warn(message: string): void {
    this.#effects.push({ type: "log", level: "warning", message, fields: { node: this.#node } });
  }

  /** Begins an incarnation. */
  #begin(incarnation: number): void {
    this.#members.merge(this.#self(incarnation), this.#nowMs);
    this.#news.add(this.#node);
    this.#isSaved = false;
    this.#isChanged = true;
  }

  /** This node's own judgement of another. */
  #hold(node: NodeName, status: Status): void {
    const before = this.#members.get(node);
    if (before === undefined) return;
    const { incarnation, isOpen } = before;
    const claim = { node, incarnation, isOpen, status, ageMs: 0 };
    if (this.#members.merge(claim, this.#nowMs)) this.#changed(node, before);
  }

  #changed(node: NodeName, before: Held | undefined): void {
    const status = this.#members.get(node)?.status;
    assert(status !== undefined, "what has changed is there");
    this.#news.add(node);
    this.#isSaved = false;
    this.#detector.changed(node, status);
    if (status !== before?.status) this.#tell(node, status, before?.status);
    this.#isChanged = true;
  }

  #tell(node: NodeName, status: Status, before: Status | undefined): void {
    const isDoubted = status !== "alive";
    if (isDoubted !== (before !== undefined && before !== "alive")) {
      this.#effects.push({ type: "doubt", node, isDoubted });
    }
    if (status === "failed" || status === "left") this.#effects.push({ type: "disconnect", node });
    const level = status === "failed" ? "warning" : "info";
    const message = before === undefined && !isDoubted
      ? "member is new"
      : `member ${words[status]}`;
    const fields = { node, health: this.#detector.health.score };
    this.#effects.push({ type: "log", level, message, fields });
  }

  // ---- the list, joining and leaving ----

  #makeList(): NodeName[] {
    const { configured, listMax } = this.#settings;
    const members = this.#members.list(this.#nowMs);
    return associate({ node: this.#node, configured, members, listMax });
  }

  #relist(): void {
    this.#isChanged = false;
    const nodes = this.#makeList();
    if (nodes.join() === this.#associated.join()) return;
    const added = nodes.filter((node) => !this.#associated.includes(node));
    for (const node of this.#associated) {
      if (!nodes.includes(node)) this.#detector.connected.delete(node);
    }
    this.#associated = nodes;
    this.#effects.push({ type: "associate", nodes });
    for (const node of added) {
      const { status = "alive" } = this.#members.get(node) ?? {};
      if (status !== "alive") this.#effects.push({ type: "doubt", node, isDoubted: true });
    }
  }

  /** The node that was asked has told who is in its cluster. */
  #join(): void {
    const seed = this.#joining?.seed;
    this.#joining = null;
    if (!this.#hasJoined || this.#hasLeft) {
      this.#hasJoined = true;
      this.#hasLeft = false;
      this.#begin(this.#own.incarnation + 1);
    }
    if (seed !== undefined) this.#effects.push({ type: "joined", seed });
  }

  #refused(from: NodeName, { request, reason }: Extract<Message, { type: "refused" }>): void {
    if (this.#joining?.seed !== from || this.#joining.request !== request) return;
    this.#joining = null;
    this.#effects.push({ type: "notJoined", seed: from, reason });
  }

  /** Tells the neighbours, then forgets the cluster: another one that is joined later is not this one. */
  #leave(): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    this.#hasJoined = false;
    this.#joining = null;
    this.#visited = null;
    const incarnation = this.#own.incarnation + 1;
    this.#begin(incarnation);
    this.#newsAtMs = this.#nowMs; // there is no later
    this.#news.clear();
    this.#news.add(this.#node);
    this.#tellNews();
    this.#detector.stop();
    this.#members.clear();
    this.#members.merge(this.#self(incarnation), this.#nowMs);
  }

  #configure(settings: MembershipSettings): void {
    this.#settings = settings;
    if (this.#self(0).isOpen === this.#own.isOpen) this.#isChanged = true;
    else this.#begin(this.#own.incarnation + 1);
  }
}
