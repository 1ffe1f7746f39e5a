/**
 * The driver of the simulated daemons.
 *
 * It performs what balancers ask for, except the moves themselves.
 *
 * @module
 */

import type { Stations } from "../engine/stations.ts";
import type { Job } from "../engine/stations.ts";
import type { Network } from "../engine/network.ts";
import type { Lists } from "./lists.ts";
import type { Moves } from "./moves.ts";
import type { Recorder } from "../report/recorder.ts";
import type { Owners } from "./owners.ts";
import type { Room } from "./room.ts";
import type { Balancer } from "../../core/balancer.ts";
import { unreachable } from "../../base/assert.ts";
import type { Prng } from "../../base/prng.ts";
import type { Effect } from "../../core/contract/effect.ts";
import type { Event } from "../../core/contract/event.ts";
import type { ProcessId, Ticket } from "../../core/contract/names.ts";
import { randomStream } from "./workload.ts";

type EffectOf<T extends Effect["type"]> = Extract<Effect, { type: T }>;

/** Reading /proc takes no longer, nor does the kernel to say that a node cannot be reached. */
const LOCAL_MS = 1;

/** An offer on its way. */
interface Offer {
  readonly from: number;
  readonly to: number;
  /** The receiver is U as far as its sender knows: else it is a probe. */
  readonly toU: boolean;
}

/** What it needs of the simulation that it is a part of. */
export interface DriverWorld {
  readonly options: {
    readonly seed: number;
    readonly lists: Lists;
    readonly decideMs?: number;
    readonly lostLooks?: number;
  };
  readonly nowMs: number;
  readonly jobs: ReadonlyMap<ProcessId, Job>;
  readonly places: readonly number[];
  readonly bytes: readonly number[];
  readonly balancers: readonly (Balancer | null)[];
  readonly stations: Stations;
  readonly network: Network;
  readonly recorder: Recorder;
  readonly room: Room;
  readonly moves: Moves;
  readonly owners: Owners;
  name(node: number): string;
  number(name: string): number;
  runs(node: number): number;
  step(node: number, event: Event): void;
  send(from: number, to: number, event: Event): void;
  broadcast(from: number, list: readonly number[], event: Event): void;
  after(ms: number, call: () => void): void;
}

/** Letters, offers and answers between the nodes of a simulation. */
export class Driver {
  readonly #simulation: DriverWorld;
  /** Which looks are lost. */
  readonly #looks: Prng;
  /** The nodes' offers that have no answer yet. */
  readonly #offers = new Map<Ticket, Offer>();

  constructor(simulation: DriverWorld) {
    this.#simulation = simulation;
    this.#looks = randomStream(simulation.options.seed, 12);
  }

  /** A connection to an associated node is up. */
  connect(node: number, peer: number): void {
    const simulation = this.#simulation;
    simulation.step(node, { type: "peerConnected", node: simulation.name(peer) });
  }

  /** A node's connection to another is gone: its balancer hears of it, and of a lost answer. */
  loseLink(node: number, peer: number): void {
    const simulation = this.#simulation;
    simulation.step(node, { type: "peerLost", node: simulation.name(peer) });
    for (const [ticket, { from, to }] of [...this.#offers]) {
      if (from === node && to === peer) this.#refuseUnsent(node, ticket, peer);
    }
  }

  /** A daemon has started: it knows of no offer. */
  started(node: number): void {
    for (const [ticket, { from }] of this.#offers) if (from === node) this.#offers.delete(ticket);
  }

  /** A message has arrived. */
  deliver(to: number, event: Event): void {
    if (event.type === "offerAnswered") this.#offers.delete(event.ticket);
    if (event.type === "offerReceived") {
      const refusal = this.#simulation.room.refusal(to, event.id);
      return this.#simulation.step(to, { ...event, refusal });
    }
    this.#simulation.step(to, event);
  }

  /** Performs an effect of a node's balancer. */
  perform(node: number, effect: Effect): void {
    const simulation = this.#simulation;
    switch (effect.type) {
      case "announce":
        return this.#announce(node, effect);
      case "tellLetter":
        return this.#tellLetter(node, effect);
      case "inspect": {
        const run = simulation.runs(node);
        return simulation.after(simulation.options.decideMs ?? LOCAL_MS, () => {
          if (simulation.runs(node) === run) this.#look(node, effect.ids);
        });
      }
      case "offer":
        return this.#offer(node, effect);
      case "withdrawOffer":
        this.#offers.delete(effect.ticket);
        return this.#send(node, effect.to, { type: "offerWithdrawn", ticket: effect.ticket });
      case "ask":
      case "refuseAsk": {
        const type = effect.type === "ask" ? "asked" : "askRefused";
        const { announcement, to } = effect;
        return this.#send(node, to, { type, node: simulation.name(node), announcement });
      }
      case "answerOffer":
        return this.#answer(node, effect);
      case "orderMove":
        return simulation.moves.begin(node, effect);
      case "treatGuests":
        return simulation.owners.treat(node, effect.treatment);
      case "requestDone":
      case "requestFailed":
      case "log":
        return;
      default:
        return unreachable(effect);
    }
  }

  /** Looks at all processes of a node before a check, for how many of their threads compute. */
  count(node: number): void {
    const { stations, balancers } = this.#simulation;
    if (!stations.haveThreads) return;
    const ids = balancers[node]?.view().processes.map(({ id }) => id) ?? [];
    if (ids.length > 0) this.#look(node, ids);
  }

  #look(node: number, ids: readonly ProcessId[]): void {
    const { lostLooks = 0 } = this.#simulation.options;
    if (lostLooks === 0 || this.#looks.nextFloat() >= lostLooks) this.#sample(node, ids);
  }

  #send(from: number, to: string, event: Event): void {
    const simulation = this.#simulation;
    simulation.recorder.sent(1, false, simulation.nowMs);
    simulation.send(from, simulation.number(to), event);
  }

  #announce(node: number, { announcement }: EffectOf<"announce">): void {
    const simulation = this.#simulation;
    const list = simulation.options.lists[node] ?? [];
    simulation.recorder.sent(list.length, true, simulation.nowMs);
    const event: Event = { type: "peerLetter", node: simulation.name(node), announcement };
    simulation.broadcast(node, list, event);
  }

  #tellLetter(node: number, { node: to, greeting, announcement }: EffectOf<"tellLetter">): void {
    const simulation = this.#simulation;
    const type = greeting ? "peerGreeted" : "peerLetter";
    simulation.recorder.sent(1, true, simulation.nowMs);
    const event: Event = { type, node: simulation.name(node), announcement };
    simulation.send(node, simulation.number(to), event);
  }

  #sample(node: number, ids: readonly ProcessId[]): void {
    const { jobs, places, bytes, stations, owners, nowMs } = this.#simulation;
    const samples = ids.flatMap((id) => {
      const job = jobs.get(id);
      if (job === undefined || places[job] !== node) return [];
      const runs = stations.running(node).includes(job);
      const left = runs ? stations.left(node, job, nowMs) : stations.leftStopped(job);
      // What the threads have left together may be more than the job by a rounding.
      const cpuSeconds = Math.max(0, (stations.demands[job] as number) - left) / 1000;
      const cantmove = runs || owners.isStopped(job) ? null : "it is moving";
      const computing = stations.threadsOf(job);
      const threads = { all: Math.ceil(computing), computing };
      return [{ id, cpuSeconds, rssBytes: bytes[job] as number, threads, cantmove }];
    });
    this.#simulation.step(node, { type: "sampled", samples });
  }

  #offer(node: number, { ticket, to, id, manual, weight, load }: EffectOf<"offer">): void {
    const simulation = this.#simulation;
    const peer = simulation.number(to);
    simulation.recorder.count("offers", simulation.nowMs);
    const known = simulation.balancers[node]?.view().associated ?? [];
    const toU = known.some((other) => other.node === to && other.state === "U");
    this.#offers.set(ticket, { from: node, to: peer, toU });
    const from = simulation.name(node);
    if (simulation.network.reaches(node, peer)) {
      const offer = { type: "offerReceived", from, ticket, id, manual, weight, load } as const;
      this.#send(node, to, { ...offer, refusal: null });
    } else {
      simulation.after(LOCAL_MS, () => this.#refuseUnsent(node, ticket, peer));
    }
  }

  #refuseUnsent(node: number, ticket: Ticket, peer: number): void {
    if (!this.#offers.delete(ticket)) return;
    const reason = "it cannot be reached";
    const from = this.#simulation.name(peer);
    const event = { type: "offerAnswered", from, ticket, accepted: false } as const;
    this.#simulation.step(node, { ...event, announcement: null, reason });
  }

  #answer(node: number, effect: EffectOf<"answerOffer">): void {
    const { to, ticket, accepted, announcement, reason } = effect;
    const simulation = this.#simulation;
    const collides = !accepted && this.#offers.get(ticket)?.toU === true;
    if (collides) simulation.recorder.count("collisions", simulation.nowMs);
    const from = simulation.name(node);
    this.#send(node, to, {
      type: "offerAnswered",
      from,
      ticket,
      accepted,
      announcement,
      reason,
    });
  }
}
