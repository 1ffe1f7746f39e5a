/**
 * The driver around the membership.
 *
 * Who is in this node's cluster: kept on disk, announced and learned.
 *
 * @module
 */
import { describe, HostError } from "../base/errors.ts";
import { hashText } from "../base/prng.ts";
import { Membership } from "../core/membership/membership.ts";
import type {
  MembershipEffect,
  MembershipEvent,
  MembershipSettings,
  MembershipView,
  Message,
} from "../core/membership/types.ts";
import type { Event } from "../core/contract/event.ts";
import type { NodeName } from "../core/contract/names.ts";
import { isLoopback, parseAddress } from "../host/address.ts";
import { monotonicMs, wallMs } from "../host/clock.ts";
import type { Config } from "../host/config.ts";
import { logger } from "../host/log.ts";
import type { FrameValues } from "../wire/frame.ts";
import { limits } from "../wire/schema.ts";
import type { Context } from "./context.ts";
import { decodeGossip, encodeGossip } from "./gossip.ts";
import { loadMembers, saveMembers } from "./member_file.ts";
import type { Peers } from "./peers.ts";
import { runtimePath } from "../host/runtime_dir.ts";

const log = logger("members");

/** A join that waits for its answer. */
interface Joining {
  readonly seed: NodeName;
  readonly settle: (failure: Error | null) => void;
}

/** The keys of the config that a membership depends on. */
export function membershipSettings(config: Config): MembershipSettings {
  return {
    configured: config.associated,
    listMax: config.associatedMax,
    checkMs: config.frequencySeconds * 1000,
  };
}

/** Runs one membership on the node's clock. */
export class Cluster {
  readonly #context: Context;
  readonly #peers: Peers;
  readonly #file: string;
  readonly #membership: Membership;
  readonly #queue: MembershipEvent[] = [];
  #isBusy = false;
  #timer: number | null = null;
  #joining: Joining | null = null;
  /** Nodes that want to join and are being called back. */
  readonly #calling = new Set<NodeName>();

  constructor(context: Context, peers: Peers) {
    this.#context = context;
    this.#peers = peers;
    const { node, config } = context;
    this.#file = runtimePath(config.runtimeDir, "members");
    const { incarnation: last, ...state } = loadMembers(this.#file, node, wallMs());
    const incarnation = Math.max(wallMs(), last + 1);
    const seed = hashText(node) ^ incarnation;
    const settings = membershipSettings(config);
    this.#membership = new Membership(
      { ...state, node, incarnation, seed, settings },
      monotonicMs(),
    );
    context.associated = this.#membership.view().associated;
    this.#save();
  }

  get view(): MembershipView {
    return this.#membership.view();
  }

  /** What a new balancer must be told. */
  events(): Event[] {
    return this.view.members.filter(({ status }) => status === "suspected" || status === "failed")
      .map(({ node }): Event => ({ type: "peerDoubted", node, isDoubted: true }));
  }

  /** Gives the membership an event, after those that came before. */
  step(event: MembershipEvent): void {
    if (this.#context.stopped.aborted) return;
    this.#queue.push(event);
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        for (const effect of this.#membership.step(next, monotonicMs())) this.#perform(effect);
      }
    } finally {
      this.#isBusy = false;
    }
    this.#arm();
  }

  /** One timer, for the next deadline; none while the membership waits for nothing. */
  #arm(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const timeoutMs = this.#membership.nextTimeoutMs();
    if (timeoutMs === null) return;
    this.#timer = setTimeout(
      () => this.step({ type: "timePassed" }),
      Math.max(1, timeoutMs - monotonicMs() + 1),
    );
  }

  #perform(effect: MembershipEffect): void {
    const { dispatch } = this.#context;
    switch (effect.type) {
      case "send":
        return this.#send(effect.to, effect.message);
      case "associate":
        this.#context.associated = effect.nodes;
        dispatch({ type: "associated", nodes: effect.nodes });
        // What was said to those that are no longer in the list goes first.
        return void this.#peers.flushed().then(() => this.#peers.connectAll());
      case "doubt":
        return dispatch({ type: "peerDoubted", node: effect.node, isDoubted: effect.isDoubted });
      case "disconnect":
        return this.#peers.disconnect(effect.node);
      case "joined":
        return this.#joining?.settle(null);
      case "notJoined":
        return this.#joining?.settle(cannotJoin(effect.seed, effect.reason));
      case "save":
        return this.#save();
      case "log":
        return log[effect.level](effect.message, effect.fields);
    }
  }

  #save(): void {
    saveMembers(this.#file, this.#context.node, this.#membership.view(), wallMs());
  }

  #send(to: NodeName, message: Message): void {
    const { announcement } = this.#context.balance.view;
    this.#peers.gossip(to, encodeGossip(message, announcement)).catch((error) => {
      if (this.#joining?.seed === to && message.type === "sync") this.#joining.settle(error);
      this.step({ type: "unreachable", node: to });
    });
  }

  /** A frame `gossip` from another daemon. */
  receive(from: NodeName, values: FrameValues<"gossip">): void {
    const { message, announcement } = decodeGossip(values);
    // Of a node that is out of reach from here the letter does not count.
    if (announcement !== null && this.#peers.connected.includes(from)) {
      this.#context.dispatch({ type: "peerLetter", node: from, announcement });
    }
    if (message.type === "sync" && this.#isStranger(from)) void this.#admit(from, message);
    else this.step({ type: "received", from, message });
  }

  #isStranger(node: NodeName): boolean {
    const status = this.view.members.find((member) => member.node === node)?.status;
    return status === undefined || status === "left" || status === "failed";
  }

  /** A node that wants to join must be one that others can call. */
  async #admit(from: NodeName, message: Extract<Message, { type: "sync" }>): Promise<void> {
    if (this.#calling.has(from)) return;
    this.#calling.add(from);
    try {
      if (!this.#peers.connected.includes(from)) await this.#peers.call(from);
      this.step({ type: "received", from, message });
    } catch (error) {
      const reason = `${this.#context.node} cannot reach it as ${from}: ${describe(error)}`;
      log.warning("a node may not join", { node: from, reason });
      const { request } = message;
      const refusal = { type: "refused", request, reason, digest: 0n, claims: [] } as const;
      const values = encodeGossip(refusal, this.#context.balance.view.announcement);
      await this.#peers.gossip(from, values).catch(() => {});
    } finally {
      this.#calling.delete(from);
    }
  }

  /**
   * Joins the cluster that another node is in.
   *
   * @returns What to tell a person.
   * @throws {HostError} If that node cannot be reached, has another key or version, or cannot call back.
   */
  async join(seed: NodeName): Promise<string> {
    const { node } = this.#context;
    if (seed === node) throw cannotJoin(seed, "that is this node itself", "Name another node");
    const [own, other] = [parseAddress(node), parseAddress(seed)];
    if (own !== null && other !== null && isLoopback(own) && !isLoopback(other)) {
      throw cannotJoin(
        seed,
        `this node's name is ${node}, which other machines cannot call`,
        "Set listen, or node, in the config to an address of this machine that they reach",
      );
    }
    if (this.#joining !== null) throw cannotJoin(seed, "another join is under way", "Wait for it");
    const wasMember = this.view.members.some((one) => one.node === seed && one.status !== "left");
    try {
      await this.#asked(seed);
    } finally {
      this.#joining = null;
    }
    const { members, associated } = this.view;
    const count = members.filter(({ status }) => status !== "left").length;
    const already = wasMember ? "already " : "";
    const list = associated.length === 0 ? "none" : associated.join(", ");
    return `${node} is ${already}a member of a cluster of ${count} nodes\nassociated: ${list}`;
  }

  #asked(seed: NodeName): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => settle(cannotJoin(seed, "it did not answer", "See its log")),
        limits.helloTimeoutMs + limits.answerTimeoutMs,
      );
      const settle = (failure: Error | null) => {
        clearTimeout(timer);
        if (failure === null) resolve();
        else reject(failure);
      };
      this.#joining = { seed, settle };
      this.step({ type: "join", seed });
    });
  }

  /** Leaves the cluster; returns what to tell a person. */
  async leave(): Promise<string> {
    const { node, records } = this.#context;
    if (this.view.hasLeft) return `${node} is no member already`;
    const others = this.view.members.filter(({ status }) => status !== "left").length - 1;
    this.step({ type: "leave" });
    await this.#peers.flushed();
    const guests = [...records.guests.values()].filter(({ running }) => running).length;
    const away = [...records.shadows.values()].filter(({ runsOn }) => runsOn !== null).length;
    const needed = guests + away === 0 ? [] : [
      `guests that still run here: ${guests}; processes of this node that run elsewhere: ${away}: ` +
      "keep this machine and its daemon up until they have ended",
    ];
    return [`${node} has left its cluster of ${others + 1} nodes`, ...needed].join("\n");
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }
}

function cannotJoin(seed: NodeName, reason: string, fix = "See the log of both nodes"): HostError {
  return new HostError(`Cannot join the cluster of ${seed}: ${reason}`, { fix });
}
