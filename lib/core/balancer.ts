/**
 * The balancer of one node as a pure state machine.
 *
 * Event and time in, effects out.
 *
 * The rooms beside it are named by the components of a load distributing algorithm (Shivaratri, Krueger
 * and Singhal, "Load Distributing for Locally Distributed Systems", Computer 25(12), 1992). Each uses
 * only what stands below it:
 *
 * ```
 * balancer, explain
 * sending, receiving
 * selection_policy
 * location_policy, transfer_policy, information_policy
 * process_table
 * contract
 * ```
 *
 * `membership` and `topology` stand apart: a driver gives the balancer their preferred lists.
 *
 * @module
 */

import { assert, unreachable } from "../base/assert.ts";
import { assertThresholds, nextLetter, stateOf } from "./transfer_policy/load_state.ts";
import { hashText, Prng } from "../base/prng.ts";
import { admit } from "./receiving/admission.ts";
import { Announcer } from "./information_policy/announcer.ts";
import { Chooser } from "./sending/chooser.ts";
import type { SendCause } from "./transfer_policy/cause.ts";
import { explain } from "./explain.ts";
import { Freezes } from "./selection_policy/freezes.ts";
import { Machine } from "./transfer_policy/machine.ts";
import { assertCapacity, type Capacity, unitCapacity, unitsOf } from "./contract/capacity.ts";
import { LoadIndex } from "./transfer_policy/load_index.ts";
import { MoveCost } from "./selection_policy/move_cost.ts";
import { assertPolicy, policies, type Policy } from "./contract/policy.ts";
import { isClearlyShorter, isWorthAsking } from "./location_policy/probing.ts";
import { Rise } from "./transfer_policy/adaptive.ts";
import { adaptThresholds } from "./transfer_policy/thresholds.ts";
import { PreferredList } from "./location_policy/preferred_list.ts";
import { ProcessTable } from "./process_table.ts";
import { type Reservation, Reservations } from "./receiving/reservations.ts";
import { Seeker } from "./receiving/seeker.ts";
import { timeoutsOf } from "./contract/timeouts.ts";
import { Transfers } from "./sending/transfers.ts";
import type { BalancerConfig, Thresholds } from "./contract/config.ts";
import type { Effect } from "./contract/effect.ts";
import type { Event } from "./contract/event.ts";
import type { Measures } from "./contract/measures.ts";
import type { Announcement, NodeName, ProcessId } from "./contract/names.ts";
import type { Process } from "./contract/process.ts";
import type { BalancerView } from "./contract/view.ts";

type EventOf<T extends Event["type"]> = Extract<Event, { type: T }>;

/**
 * Decides what one node does about its load. There is no clock, no chance and no I/O in it: the same
 * events at the same times give the same effects, in the daemon and in the simulator alike.
 *
 * @example Usage
 * ```ts
 * import { Balancer } from "./balancer.ts";
 * const balancer = new Balancer({
 *   ...{ node: "a:9734", epoch: 1, associated: ["b:9734"] },
 *   ...{ thresholds: { thu: 1, thf: 3, thv: 4 }, select: "most-cpu", nextTicket: () => 1n },
 * });
 * const process = { id: "a:9734/7/1", homeNode: "a:9734", pid: 7, program: "matmul" };
 * const effects = balancer.step({ type: "processArrived", process }, 0);
 * if (effects.length !== 0) throw new Error("one process is nothing to talk about");
 * ```
 */
export class Balancer {
  readonly #config: BalancerConfig;
  readonly #policy: Policy;
  readonly #capacity: Capacity;
  #thresholds: Thresholds;
  readonly #rise: Rise;
  readonly #index: LoadIndex;
  readonly #machine: Machine;
  readonly #chooser: Chooser;
  readonly #table: ProcessTable;
  readonly #preferred: PreferredList;
  readonly #reservations: Reservations;
  readonly #freezes: Freezes;
  readonly #transfers: Transfers;
  readonly #seeker: Seeker;
  readonly #announcer: Announcer;
  #nowMs = -Infinity;
  #effects: Effect[] = [];

  /**
   * Makes the balancer of a node without processes that knows nothing of the others.
   *
   * @throws {ConfigError} If the policy contradicts itself, or the thresholds.
   * @throws {AssertionError} If the node is associated with itself, or the thresholds are none.
   */
  constructor(config: BalancerConfig) {
    assertThresholds(config.thresholds);
    assert(!config.associated.includes(config.node), "a node is not associated with itself");
    const timeouts = timeoutsOf(config);
    this.#config = config;
    this.#policy = config.policy ?? policies.thesis;
    this.#capacity = config.capacity ?? unitCapacity;
    assertPolicy(this.#policy, config.thresholds);
    this.#table = new ProcessTable(this.#policy.counts);
    assertCapacity(this.#capacity);
    this.#thresholds = adaptThresholds(config.thresholds, this.#policy.thresholds, this.#capacity);
    this.#rise = new Rise(this.#thresholds);
    this.#index = new LoadIndex(this.#policy, this.#capacity, this.#thresholds);
    this.#machine = new Machine(config);
    this.#preferred = new PreferredList(config.associated);
    const cost = new MoveCost(this.#policy);
    const prng = new Prng(config.seed ?? hashText(config.node) ^ config.epoch);
    this.#chooser = new Chooser({
      node: config.node,
      policy: this.#policy,
      capacity: this.#capacity,
      thresholds: () => this.#thresholds,
      select: config.select,
      prng,
      preferred: this.#preferred,
      cost,
    });
    this.#reservations = new Reservations(timeouts);
    this.#announcer = new Announcer({
      epoch: config.epoch,
      load: () => this.#chooser.usesLoads ? this.#lengthPerUnit : null,
      capacity: this.#capacity,
      emit: (effect) => this.#effects.push(effect),
    });
    this.#freezes = new Freezes(config, this.#table, this.#preferred, () => this.#nowMs);
    this.#transfers = new Transfers({
      node: config.node,
      countOthers: () => this.#index.others,
      causeToSend: () => this.#causeToSend(),
      movesPerMinute: this.#policy.movesPerMinute,
      probesOf: (weight) => isWorthAsking(weight, this.#thresholds.thu) ? this.#policy.probes : 0,
      tellLoad: (node) => this.#announcer.tell(node, false),
      chooser: this.#chooser,
      cost,
      freezes: this.#freezes,
      nextTicket: config.nextTicket,
      ...timeouts,
      table: this.#table,
      preferred: this.#preferred,
      emit: (effect) => this.#effects.push(effect),
      refuseAsk: (to) => this.#refuseAsk(to),
    });
    this.#seeker = new Seeker({
      asksMax: this.#policy.initiation === "sender" ? 0 : this.#policy.asks,
      preferred: this.#preferred,
      prng,
      isIdle: () => this.#announcer.letter === "U" && this.#index.forLetter <= this.#thresholds.thu,
      ask: (to) =>
        this.#effects.push({ type: "ask", to, announcement: this.#announcer.announcement }),
    });
  }

  /**
   * Takes one event and tells what to do about it.
   *
   * @param nowMs The driver's monotonic clock in milliseconds; it never goes back.
   * @returns Effects to perform in this order; what becomes of them comes back as events.
   * @throws {AssertionError} If the clock goes back, or a preferred list names the node itself.
   */
  step(event: Event, nowMs: number): Effect[] {
    assert(nowMs >= this.#nowMs, "the driver's clock is monotonic");
    this.#nowMs = nowMs;
    this.#expire(nowMs);
    this.#apply(event, nowMs);
    this.#announceChange(nowMs);
    this.#transfers.advance(nowMs);
    this.#seeker.advance();
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  /** When to give `timePassed` at the latest if nothing else happens, or null. */
  nextTimeoutMs(): number | null {
    const earliestMs = Math.min(
      this.#reservations.nextTimeoutMs() ?? Infinity,
      this.#transfers.nextTimeoutMs() ?? Infinity,
      this.#index.nextTimeoutMs([this.#thresholds.thu, this.#thresholds.thv]) ?? Infinity,
    );
    return earliestMs === Infinity ? null : earliestMs;
  }

  /** What a person may want to see. */
  view(): BalancerView {
    const { node } = this.#config;
    return {
      node,
      state: stateOf(this.#index.forLetter, this.#thresholds),
      announcement: this.#announcer.announcement,
      queueLength: this.#queueLength,
      thresholds: this.#thresholds,
      isDraining: this.#transfers.isDraining,
      load: this.#index.forLetter,
      machine: this.#machine.view(this.#index.others),
      owner: this.#machine.owner,
      associated: this.#preferred.view(),
      processes: this.#table.view().map((process) => ({
        ...process,
        noRoom: this.#noRoom(process.weight),
      })),
      reservations: this.#reservations.list().map(({ ticket, id, weight }) => ({
        ticket,
        id,
        weight,
      })),
    };
  }

  /**
   * Why a process stays where it is just now, as reasons for people, the strongest first.
   *
   * @returns null if this node has no such process; none: it is the next to leave.
   */
  explain(id: ProcessId): string[] | null {
    return explain(id, this.#nowMs, {
      table: this.#table,
      preferred: this.#preferred,
      chooser: this.#chooser,
      freezes: this.#freezes,
      cause: this.#transfers.cause,
      load: this.#index.describe(
        this.#table.settledCount,
        this.#table.settledWeight,
        this.#thresholds,
      ),
      others: this.#index.others,
      node: this.#config.node,
      treatment: this.#machine.owner?.treatment ?? null,
      isAsked: this.#policy.initiation === "receiver",
    });
  }

  #causeToSend(): SendCause | null {
    const hasGuest = () => this.#table.hasFree((home) => home !== this.#config.node);
    const cause = this.#machine.causeToSend(this.#table.settledCount, hasGuest);
    if (cause !== null) return cause;
    if (this.#policy.initiation === "receiver") return null;
    const load = this.#index.forSending(this.#table.settledWeight);
    return load >= this.#thresholds.thv ? { kind: "over" } : null;
  }

  /** Why a process of such a weight has room on no node that is U, where this one is over; or null. */
  #noRoom(weight: number): string | null {
    if (weight === 1 || this.#transfers.cause?.kind !== "over") return null;
    const context = { weight: this.#table.settledWeight + this.#index.others };
    const reasons = this.#preferred.receivers(() => true)
      .map((receiver) => this.#chooser.noRoom({ weight }, receiver, context));
    return reasons.includes(null) ? null : reasons[0] ?? null;
  }

  get #queueLength(): number {
    return this.#table.size + this.#reservations.size;
  }

  /** What the processes and the places weigh. */
  get #weight(): number {
    return this.#table.weight + this.#reservations.weight;
  }

  /** That with what else counts, per unit of capacity: what others are told. */
  get #lengthPerUnit(): number {
    return (this.#weight + this.#index.others) / unitsOf(this.#capacity);
  }

  #apply(event: Event, nowMs: number): void {
    switch (event.type) {
      case "processArrived":
        return this.#arrive(event.process);
      case "processEnded":
        if (!this.#table.remove(event.id)) return;
        this.#seeker.wake();
        return this.#transfers.processGone(event.id);
      case "sampled":
        for (const sample of event.samples) this.#table.sample(sample);
        return this.#transfers.sampled(new Set(event.samples.map(({ id }) => id)), nowMs);
      case "measured":
        return this.#measure(event.measures, nowMs);
      case "check":
        if (this.#policy.adaptive) this.#adapt(nowMs);
        this.#seeker.check();
        return this.#transfers.retry(nowMs);
      case "timePassed":
        return;
      case "peerConnected":
        return this.#announcer.tell(event.node, true);
      case "peerGreeted":
        this.#note(event.node, event.announcement);
        return this.#announcer.tell(event.node, false);
      case "peerLetter":
        return this.#note(event.node, event.announcement);
      case "peerLost":
        this.#seeker.refused(event.node);
        return this.#preferred.lose(event.node);
      case "peerDoubted":
        this.#preferred.doubt(event.node, event.isDoubted);
        return this.#transfers.reopen();
      case "associated":
        assert(!event.nodes.includes(this.#config.node), "a node is not associated with itself");
        return this.#preferred.replace(event.nodes);
      case "offerReceived":
        this.#seeker.offered(event.from);
        return this.#answer(event, nowMs);
      case "asked":
        this.#note(event.node, event.announcement);
        return this.#give(event, nowMs);
      case "askRefused":
        this.#note(event.node, event.announcement);
        return this.#seeker.refused(event.node);
      case "offerWithdrawn":
        return this.#reservations.withdraw(event.ticket);
      case "offerAnswered":
        if (event.announcement !== null) this.#note(event.from, event.announcement);
        return this.#transfers.answered(event, nowMs);
      case "moveEnded":
        this.#freezes.ended(event);
        return this.#transfers.ended(event, nowMs);
      case "arrivalStarted":
        return this.#reservations.start(event.ticket, nowMs);
      case "arrivalConfirmed":
        this.#arrive(event.process, this.#reservations.release(event.ticket)?.weight);
        return this.#table.reside(event.process.id, nowMs + this.#policy.residenceMs);
      case "arrivalFailed":
        return this.#didNotArrive("info", this.#reservations.release(event.ticket), event.reason);
      case "cameHome":
        return this.#cameHome(event, nowMs);
      case "pinned":
        this.#table.pin(event.id, event.isPinned);
        return this.#transfers.reopen();
      case "drain":
        return this.#transfers.drain(event);
      case "moveRequested":
        return this.#transfers.request(event);
      default:
        return unreachable(event);
    }
  }

  #adapt(nowMs: number): void {
    const loads = [this.#lengthPerUnit, ...this.#preferred.loads()];
    this.#thresholds = this.#rise.check(loads, unitsOf(this.#capacity));
    this.#announceChange(nowMs);
    this.#announcer.retell(1 / unitsOf(this.#capacity));
  }

  #measure(measures: Measures, nowMs: number): void {
    const settled = this.#table.settledCount;
    this.#index.measure(measures, this.#table.settledWeight);
    this.#effects.push(...this.#machine.measure(measures, settled, nowMs));
    this.#announceChange(nowMs);
    // What could not be sent may be sent for another reason now.
    this.#transfers.reopen();
  }

  /** A place is taken, or a process has come without one. */
  #arrive(process: Process, weight = this.#reservations.find(process.id)?.weight): void {
    this.#reservations.releaseProcess(process.id);
    this.#table.put(process, weight);
    this.#transfers.reopen();
  }

  #cameHome({ process, cantmove }: EventOf<"cameHome">, nowMs: number): void {
    // It can be in the process table still if the report on its move away is late: that move is done.
    const ticket = this.#table.get(process.id)?.transit?.ticket;
    if (ticket !== undefined) {
      this.#transfers.ended({ type: "moveEnded", ticket, outcome: "moved" }, nowMs);
    }
    this.#arrive(process);
    this.#table.reside(process.id, nowMs + this.#policy.residenceMs);
    if (cantmove !== null) this.#table.hold(process.id, cantmove);
  }

  /** Answers an offer; the place is reserved, and the letter changed, before the answer is made. */
  #answer(event: EventOf<"offerReceived">, nowMs: number): void {
    admit(event, {
      table: this.#table,
      reservations: this.#reservations,
      preferred: this.#preferred,
      policy: this.#policy,
      thresholds: this.#thresholds,
      capacity: this.#capacity,
      letter: this.#announcer.letter,
      isDraining: this.#transfers.isDraining,
      shortage: this.#machine.shortage,
      isOwnerActive: this.#machine.isOwnerActive,
      queueLength: this.#queueLength,
      weight: this.#weight,
      lengthPerUnit: this.#lengthPerUnit,
    }, {
      nowMs,
      emit: (effect) => this.#effects.push(effect),
      announceChange: () => this.#announceChange(nowMs),
      announcement: () => this.#announcer.announcement,
    });
  }

  /** Gives a process to a node that asks, if it has clearly fewer. */
  #give(
    { node, announcement: { load = Infinity, capacity } }: EventOf<"asked">,
    nowMs: number,
  ): void {
    const units = unitsOf(this.#capacity);
    const isWilling = this.#policy.initiation !== "sender" &&
      this.#index.forSending(this.#table.settledWeight) > this.#thresholds.thu &&
      isClearlyShorter({ here: load, there: this.#lengthPerUnit, units });
    if (isWilling) this.#transfers.give({ kind: "asked", node, load, capacity }, nowMs);
    else this.#refuseAsk(node);
  }

  #refuseAsk(to: NodeName): void {
    this.#effects.push({ type: "refuseAsk", to, announcement: this.#announcer.announcement });
  }

  #note(node: NodeName, announcement: Announcement): void {
    const noted = this.#preferred.note(node, announcement);
    if (noted !== "news") return;
    if (announcement.letter === "U") this.#transfers.welcome(node);
    else this.#seeker.noticed();
  }

  #announceChange(nowMs: number): void {
    this.#index.note(this.#weight, nowMs);
    const isClosed = this.#transfers.isDraining || this.#machine.shortage !== null ||
      this.#machine.isOwnerActive;
    this.#announcer.update(
      isClosed ? "F" : nextLetter(this.#announcer.letter, this.#index.forLetter, this.#thresholds),
    );
  }

  #expire(nowMs: number): void {
    for (const place of this.#reservations.expire(nowMs)) {
      this.#didNotArrive("warning", place, "its time is over");
    }
    this.#announceChange(nowMs);
    this.#transfers.expire(nowMs);
  }

  #didNotArrive(level: "info" | "warning", place: Reservation | null, reason: string): void {
    if (place === null) return;
    const fields = { process: place.id, from: place.from, reason };
    this.#effects.push({ type: "log", level, message: "a process did not arrive", fields });
  }
}
