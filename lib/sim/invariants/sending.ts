/**
 * Checks what a balancer owes its own transfers.
 *
 * At each step: whom it may send, when, and that each offer comes to an end that both sides learn
 * of.
 *
 * @module
 */

import type { Policy } from "../../core/contract/policy.ts";
import type { Event } from "../../core/contract/event.ts";
import type { NodeName, ProcessId, Ticket } from "../../core/contract/names.ts";
import { timeouts } from "./scenario.ts";
import {
  type EffectOf,
  effectsOf,
  hold,
  isPinned,
  newsOf,
  SLACK_MS,
  stateOf,
  type Step,
  weigh,
} from "./steps.ts";

type EventOf<T extends Event["type"]> = Extract<Event, { type: T }>;

/** Doublings of a rest after aborted moves (lib/core/process_table.ts). */
const DOUBLINGS_MAX = 6;
/** It is at least so many times as long as the move has taken. */
const RESTS_PER_TRY = 10;

/** An offer that has no answer. */
interface Offering {
  readonly ticket: Ticket;
  readonly id: ProcessId;
  readonly isRequested: boolean;
  readonly sinceMs: number;
}

/** The transfers of one run of a node's daemon. */
export class Sending {
  readonly #policy: Policy;
  /** The offers that wait for their answers, and the moves that were ordered and have not ended. */
  readonly #offerings = new Map<Ticket, Offering>();
  readonly #moving = new Map<Ticket, ProcessId>();
  readonly #beganMs = new Map<Ticket, number>();
  /** Looks that were asked for and have not been answered: the balancer's own, and those for people. */
  #isLooking = false;
  readonly #looks = new Set<ProcessId>();
  readonly #failures = new Map<ProcessId, number>();
  readonly #staysUntilMs = new Map<ProcessId, number>();
  readonly #restsUntilMs = new Map<ProcessId, number>();
  /** Moves that people have asked for and that have no answer yet. */
  readonly #requests = new Map<number, ProcessId>();
  /** A node has not answered, or a move was aborted, since the last check. */
  #hasFailed = false;
  /** What was refused since the last check, by node. */
  readonly #refused = new Map<NodeName, Set<ProcessId>>();

  constructor(policy: Policy) {
    this.#policy = policy;
  }

  /** Looks at one step. */
  look(step: Step): void {
    const [from, announcement] = newsOf(step.event);
    if (from !== null && announcement.letter === "U") this.#refused.delete(from);
    this.#transfer(step);
    this.#readiness(step);
  }

  /** Whether a process may be chosen, as far as one can see from here. */
  #isFree(id: ProcessId, nowMs: number): boolean {
    const untilMs = Math.max(
      this.#staysUntilMs.get(id) ?? -Infinity,
      this.#restsUntilMs.get(id) ?? -Infinity,
    );
    return nowMs >= untilMs + SLACK_MS;
  }

  /** Whether a process is offered just now, as it may be again and again where nobody has room. */
  isOffered(id: ProcessId): boolean {
    return [...this.#offerings.values()].some((offering) => offering.id === id);
  }

  get #isBusy(): boolean {
    return this.#isLooking || this.#offerings.size + this.#looks.size + this.#moving.size > 0;
  }

  /** Transfers are of what may be sent, and each offer comes to an end that both hear of. */
  #transfer(step: Step): void {
    const { event, effects, after, nowMs } = step;
    if (event.type === "moveRequested") this.#requests.set(event.requestId, event.id);
    this.#noteEvent(step);
    for (const effect of effects) {
      if (effect.type === "inspect") {
        const [id = ""] = effect.ids;
        if (effect.ids.length === 1 && this.#isRequested(id)) this.#looks.add(id);
        else this.#isLooking = true;
      }
      if (effect.type === "withdrawOffer" && this.#offerings.delete(effect.ticket)) {
        this.#hasFailed = true;
      }
      if (effect.type === "orderMove") this.#moving.set(effect.ticket, effect.id);
      if (effect.type === "offer") this.#offer(effect, step);
      if (effect.type === "requestDone" || effect.type === "requestFailed") {
        const id = this.#requests.get(effect.requestId);
        this.#requests.delete(effect.requestId);
        if (id !== undefined && !this.#isRequested(id)) this.#looks.delete(id);
      }
    }
    const limitMs = timeouts.offerTimeoutMs + SLACK_MS;
    for (const { sinceMs } of this.#offerings.values()) {
      const waitsMs = nowMs - sinceMs;
      hold(waitsMs <= limitMs, `${after.node} waits ${limitMs} ms for an answer at most`);
    }
  }

  /** What the event alone means for the transfers. */
  #noteEvent(step: Step): void {
    const { event, before, nowMs } = step;
    switch (event.type) {
      case "sampled":
        this.#isLooking = false;
        for (const { id } of event.samples) this.#looks.delete(id);
        return;
      case "check": {
        const again = effectsOf(step.effects, "inspect");
        const repeats = [...this.#looks].every((id) => again.some(({ ids }) => ids.includes(id))) &&
          (!this.#isLooking || again.length > 0);
        hold(repeats, `${before.node} looks again as it has not heard what it saw`);
        this.#refused.clear();
        this.#hasFailed = false;
        return;
      }
      case "drain":
        this.#refused.clear();
        this.#hasFailed = false;
        return;
      case "offerAnswered":
        return this.#answered(event, step);
      case "moveEnded":
        return this.#ended(event, step);
      case "processEnded":
        // If a person has asked for a move of it nothing is looked for any more.
        this.#looks.delete(event.id);
        for (const { ticket, id } of [...this.#offerings.values()]) {
          if (id !== event.id) continue;
          const isWithdrawn = effectsOf(step.effects, "withdrawOffer")
            .some((effect) => effect.ticket === ticket);
          hold(isWithdrawn, `${before.node} withdraws the offer of ${id}, which is gone`);
          this.#offerings.delete(ticket);
        }
        return this.#forget(event.id);
      case "arrivalConfirmed":
      case "cameHome": {
        const { id } = event.process;
        this.#forget(id);
        this.#staysUntilMs.set(id, nowMs + this.#policy.residenceMs);
        return;
      }
    }
  }

  #answered(event: EventOf<"offerAnswered">, { effects, after }: Step): void {
    const { ticket, from, accepted } = event;
    const { id, isRequested } = this.#offerings.get(ticket) ?? { id: "", isRequested: false };
    const isThis = this.#offerings.delete(ticket);
    const orders = effectsOf(effects, "orderMove").map((order) => order.ticket);
    if (!accepted) {
      if (isThis && event.announcement === null) this.#hasFailed = true;
      if (isThis && !isRequested && event.announcement !== null) {
        const ids = this.#refused.get(from) ?? new Set();
        this.#refused.set(from, ids.add(id));
      }
      const process = after.processes.find((one) => one.id === id);
      const isOffered = effectsOf(effects, "offer").some((offer) => offer.id === id);
      hold(
        !isThis || process === undefined || process.movingTo === null || isOffered,
        `${after.node} lists ${id}, which was refused, as one that stays`,
      );
      return;
    }
    if (isThis) return hold(orders.includes(ticket), `${after.node} moves ${id}, which was taken`);
    hold(orders.length === 0, `${after.node} takes no answer for that to another offer`);
    const isWithdrawn = effectsOf(effects, "withdrawOffer").some((one) => one.ticket === ticket);
    hold(isWithdrawn, `${after.node} gives the place back that it was too late for`);
  }

  #ended({ ticket, outcome }: EventOf<"moveEnded">, { after, nowMs }: Step): void {
    const id = this.#moving.get(ticket);
    if (id === undefined) return;
    this.#moving.delete(ticket);
    const triedMs = nowMs - (this.#beganMs.get(ticket) ?? nowMs);
    this.#beganMs.delete(ticket);
    const process = after.processes.find((one) => one.id === id);
    if (outcome === "moved") {
      this.#forget(id);
      hold(process === undefined, `${after.node} does not list ${id}, which has moved`);
      return;
    }
    hold(process !== undefined, `${after.node} lists ${id}, whose move was aborted`);
    const isMoving = process?.movingTo !== null;
    hold(!isMoving, `${after.node} does not list ${id}, whose move was aborted, as moving`);
    const failures = (this.#failures.get(id) ?? 0) + 1;
    this.#failures.set(id, failures);
    const delayMs = timeouts.retryDelayMs * 2 ** Math.min(failures - 1, DOUBLINGS_MAX);
    this.#restsUntilMs.set(id, nowMs + Math.max(delayMs, RESTS_PER_TRY * triedMs));
    this.#hasFailed = true;
  }

  #isRequested(id: ProcessId): boolean {
    return [...this.#requests.values()].includes(id);
  }

  /** A process is not this node's any more, or is it anew. */
  #forget(id: ProcessId): void {
    this.#failures.delete(id);
    this.#staysUntilMs.delete(id);
    this.#restsUntilMs.delete(id);
    for (const [ticket, other] of [...this.#moving]) if (other === id) this.#moving.delete(ticket);
  }

  #offer({ ticket, id, to, manual }: EffectOf<"offer">, step: Step): void {
    const { effects, before, after, nowMs } = step;
    const { node, isDraining, thresholds } = after;
    const isRequested = manual && this.#isRequested(id);
    const rivals = [...this.#offerings.values()]
      .filter((one) => one.id === id || !isRequested && !one.isRequested);
    hold(rivals.length === 0, `${node} withdraws an offer before it makes another`);
    this.#offerings.set(ticket, { ticket, id, isRequested, sinceMs: nowMs });
    this.#beganMs.set(ticket, nowMs);
    hold(![...this.#moving.values()].includes(id), `${node} does not offer ${id}, which is moving`);
    if (isRequested) return;
    hold(!manual || isDraining, `${node} offers by hand what a person has asked for`);
    hold(!isPinned(before, id), `${node} does not choose ${id}, which is pinned`);
    const staysMs = isDraining ? -Infinity : this.#staysUntilMs.get(id) ?? -Infinity;
    const untilMs = Math.max(staysMs, this.#restsUntilMs.get(id) ?? -Infinity);
    hold(nowMs >= untilMs - SLACK_MS, `${node} lets ${id} stay for as long as it may`);
    hold(this.#refused.get(to)?.has(id) !== true, `${node} offers ${id} to ${to} once a round`);
    if (isDraining || this.#policy.smoothingMs > 0) return;
    const settled = weigh(after.processes.filter(({ movingTo }) => movingTo === null));
    const offers = effectsOf(effects, "offer");
    const leaving = weigh(offers.slice(offers.findIndex((offer) => offer.ticket === ticket)));
    // Who is asked has looked whether it has more, and one may have ended since.
    const least = this.#policy.initiation === "sender" ? thresholds.thv : 1;
    const count = settled + leaving;
    hold(count >= least, `${node} sends only when it is over: ${count} of ${least}`);
  }

  /** News that may help an over node make it look at once. */
  #readiness({ event, effects, before, after, nowMs }: Step): void {
    const { ageCost, smoothingMs, initiation, movesPerMinute } = this.#policy;
    if (ageCost || smoothingMs > 0 || initiation === "receiver" || movesPerMinute !== null) return;
    if (this.#isBusy || after.processes.some(({ movingTo }) => movingTo !== null)) return;
    const settled = weigh(after.processes);
    if (settled < after.thresholds.thv && !after.isDraining) return;
    const [from, announcement] = newsOf(event);
    const isNews = from !== null && announcement.letter === "U" &&
      stateOf(before, from) !== "U" && stateOf(after, from) === "U";
    const isNew = event.type === "processArrived" && !this.#hasFailed &&
      !before.processes.some(({ id }) => id === event.process.id) &&
      after.associated.some(({ state }) => state === "U");
    const isCheck = event.type === "check" && after.associated.some(({ state }) => state === "U");
    if (!isNews && !isNew && !isCheck) return;
    const movable = after.processes.filter(({ id }) =>
      !isPinned(after, id) && this.#isFree(id, nowMs)
    );
    const acts = effectsOf(effects, "inspect").length > 0;
    hold(
      acts || movable.length === 0,
      `${after.node} looks for one to send as ${event.type} comes`,
    );
  }
}
