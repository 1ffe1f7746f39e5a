/**
 * What a balancer owes at each step of its own transfers: whom it may send, when, and that each offer
 * comes to an end that both sides hear of.
 *
 * @module
 */

import type { Policy } from "../core/policy/policy.ts";
import type { Event, NodeName, ProcessId, Ticket } from "../core/types.ts";
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
} from "./steps.ts";

type EventOf<T extends Event["type"]> = Extract<Event, { type: T }>;

/** Doublings of a rest after aborted moves (lib/core/process_table.ts). */
const DOUBLINGS_MAX = 6;

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
  /** The offer that waits for its answer, and the moves that were ordered and have not ended. */
  #offering: Offering | null = null;
  readonly #moving = new Map<Ticket, ProcessId>();
  /** A look was asked for and has not been answered; and whom it is owed to be repeated for. */
  #isLooking = false;
  #lookedAt: readonly ProcessId[] | null = null;
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
    return this.#offering?.id === id;
  }

  get #isBusy(): boolean {
    return this.#offering !== null || this.#isLooking || this.#moving.size > 0;
  }

  /** One transfer at a time, of what may be sent, and each offer comes to an end that both hear of. */
  #transfer(step: Step): void {
    const { event, effects, after, nowMs } = step;
    if (event.type === "moveRequested") this.#requests.set(event.requestId, event.id);
    this.#noteEvent(step);
    for (const effect of effects) {
      if (effect.type === "inspect") {
        this.#isLooking = true;
        this.#lookedAt = effect.ids;
      }
      if (effect.type === "withdrawOffer" && effect.ticket === this.#offering?.ticket) {
        this.#offering = null;
        this.#hasFailed = true;
      }
      if (effect.type === "orderMove") this.#moving.set(effect.ticket, effect.id);
      if (effect.type === "offer") this.#offer(effect, step);
      if (effect.type === "requestDone" || effect.type === "requestFailed") {
        this.#requests.delete(effect.requestId);
      }
    }
    const limitMs = timeouts.offerTimeoutMs + SLACK_MS;
    const waitsMs = this.#offering === null ? 0 : nowMs - this.#offering.sinceMs;
    hold(waitsMs <= limitMs, `${after.node} waits ${limitMs} ms for an answer at most`);
  }

  /** What the event alone means for the transfers. */
  #noteEvent(step: Step): void {
    const { event, before, nowMs } = step;
    switch (event.type) {
      case "sampled":
        this.#isLooking = false;
        this.#lookedAt = null;
        return;
      case "check": {
        const repeats = effectsOf(step.effects, "inspect").length > 0;
        hold(
          this.#lookedAt === null || repeats,
          `${before.node} looks again as it has not heard what it saw`,
        );
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
        if (this.#lookedAt?.length === 1 && this.#lookedAt[0] === event.id) this.#lookedAt = null;
        if (this.#offering?.id === event.id) {
          const { ticket } = this.#offering;
          const isWithdrawn = effectsOf(step.effects, "withdrawOffer")
            .some((effect) => effect.ticket === ticket);
          hold(isWithdrawn, `${before.node} withdraws the offer of ${event.id}, which is gone`);
          this.#offering = null;
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
    const isThis = this.#offering?.ticket === ticket;
    const { id, isRequested } = this.#offering ?? { id: "", isRequested: false };
    if (isThis) this.#offering = null;
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
    const restMs = timeouts.retryDelayMs * 2 ** Math.min(failures - 1, DOUBLINGS_MAX);
    this.#restsUntilMs.set(id, nowMs + restMs);
    this.#hasFailed = true;
  }

  /** A process is not this node's any more, or is it anew. */
  #forget(id: ProcessId): void {
    this.#failures.delete(id);
    this.#staysUntilMs.delete(id);
    this.#restsUntilMs.delete(id);
    for (const [ticket, other] of [...this.#moving]) if (other === id) this.#moving.delete(ticket);
  }

  #offer({ ticket, id, to, manual }: EffectOf<"offer">, { before, after, nowMs }: Step): void {
    const { node, isDraining, thresholds } = after;
    hold(this.#offering === null, `${node} withdraws an offer before it makes another`);
    const isRequested = manual && [...this.#requests.values()].includes(id);
    this.#offering = { ticket, id, isRequested, sinceMs: nowMs };
    hold(![...this.#moving.values()].includes(id), `${node} does not offer ${id}, which is moving`);
    if (isRequested) return;
    hold(!manual || isDraining, `${node} offers by hand what a person has asked for`);
    hold(!isPinned(before, id), `${node} does not choose ${id}, which is pinned`);
    const staysMs = isDraining ? -Infinity : this.#staysUntilMs.get(id) ?? -Infinity;
    const untilMs = Math.max(staysMs, this.#restsUntilMs.get(id) ?? -Infinity);
    hold(nowMs >= untilMs - SLACK_MS, `${node} lets ${id} stay for as long as it may`);
    hold(this.#refused.get(to)?.has(id) !== true, `${node} offers ${id} to ${to} once a round`);
    if (isDraining || this.#policy.smoothingMs > 0) return;
    const settled = after.processes.filter(({ movingTo }) => movingTo === null).length + 1;
    // Who is asked has looked whether it has more, and one may have ended since.
    const least = this.#policy.initiation === "sender" ? thresholds.thv : 1;
    hold(settled >= least, `${node} sends only when it is over: ${settled} of ${least}`);
  }

  /** News that may help an over node make it look at once. */
  #readiness({ event, effects, before, after, nowMs }: Step): void {
    const { ageCost, smoothingMs, initiation, movesPerMinute } = this.#policy;
    if (ageCost || smoothingMs > 0 || initiation === "receiver" || movesPerMinute !== null) return;
    if (this.#isBusy || after.processes.some(({ movingTo }) => movingTo !== null)) return;
    const settled = after.processes.length;
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
