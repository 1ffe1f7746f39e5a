/**
 * Checks what a balancer owes others at each step.
 *
 * Whatever has happened: letters, answers, places.
 *
 * @module
 */

import { type Capacity, unitsOf } from "../../core/contract/capacity.ts";
import type { Policy } from "../../core/contract/policy.ts";
import type { Event } from "../../core/contract/event.ts";
import type { BalancerView } from "../../core/contract/view.ts";
import type { Announcement, NodeName, ProcessId, Ticket } from "../../core/contract/names.ts";
import { timeouts } from "./scenario.ts";
import { Sending } from "./sending.ts";
import { effectsOf, hold, newsOf, SLACK_MS, stateOf, type Step, weigh } from "./steps.ts";

/** Of weights and speeds. */
const ROUNDING = 1e-6;

/** A place as it has been seen. */
interface Place {
  readonly id: ProcessId;
  readonly sinceMs: number;
  startedMs: number | null;
}

/** The conduct of one run of a node's daemon. */
export class Conduct {
  readonly #policy: Policy;
  readonly #capacity: Capacity;
  readonly #places = new Map<Ticket, Place>();
  readonly #stamps = new Map<NodeName, Announcement>();
  readonly #sending: Sending;

  /** @param capacity Of the node. */
  constructor(policy: Policy, capacity: Capacity) {
    this.#policy = policy;
    this.#capacity = capacity;
    this.#sending = new Sending(policy);
  }

  /** Looks at one step. */
  look(step: Step): void {
    this.#letter(step);
    this.#answers(step);
    this.#known(step);
    this.#reserved(step);
    this.#asked(step);
    this.#offered(step);
    this.#sending.look(step);
  }

  /** Whether a process is offered just now, as it may be again and again where nobody has room. */
  isOffered(id: ProcessId): boolean {
    return this.#sending.isOffered(id);
  }

  /** The letter follows the queue, and each change of it is numbered and told, once. */
  #letter({ effects, before, after, event }: Step): void {
    const told = effectsOf(effects, "announce");
    const changes = after.announcement.seq - before.announcement.seq;
    hold(told.length === changes, `${after.node} tells each change of its letter, and no other`);
    const isSame = after.announcement.letter === before.announcement.letter;
    hold(isSame === (changes % 2 === 0), `${after.node} numbers each change of its letter`);
    if (after.isDraining) {
      hold(after.announcement.letter === "F", `${after.node} is F while it is drained`);
      return;
    }
    const count = after.processes.length + after.reservations.length;
    hold(count === after.queueLength, `${after.node} counts processes and places`);
    const length = this.#weigh(after);
    const { thu, thf } = after.thresholds;
    const { letter } = after.announcement;
    hold(length < thf || letter === "F", `${after.node} is F with ${length} processes`);
    if (this.#policy.smoothingMs > 0 || before.isDraining || event.type === "drain") return;
    hold(length > thu || letter === "U", `${after.node} is U with ${length} processes`);
    // A step may pass through an end of the band; then it changes twice.
    if (changes === 1) {
      hold(length <= thu || length >= thf, `${after.node} keeps its letter within the band`);
    }
  }

  /** What the processes and the places of a node weigh: each one, or as many as its threads. */
  #weigh({ node, processes, reservations }: BalancerView): number {
    const weights = [...processes, ...reservations].map(({ weight }) => weight);
    const isRight = (weight: number) =>
      this.#policy.counts === "threads" ? Number.isInteger(weight) && weight >= 1 : weight === 1;
    hold(weights.every(isRight), `${node} weighs what it counts: ${weights.join(" ")}`);
    return weigh([...processes, ...reservations]);
  }

  /** An offer is taken by who may, and only by those. */
  #answers({ event, effects, before, after }: Step): void {
    if (event.type !== "offerReceived") return;
    const [answer] = effectsOf(effects, "answerOffer");
    if (answer === undefined) return;
    const { ticket, id, manual, refusal } = event;
    const weight = this.#policy.counts === "threads" ? event.weight ?? 1 : 1;
    const { node, isDraining } = before;
    const place = this.#placeOf(id);
    const isKnown = this.#places.has(ticket);
    const isHere = before.processes.some((process) => process.id === id);
    if (answer.accepted) {
      hold(!isHere, `${node} does not take ${id}, which it has`);
      hold(after.reservations.some((one) => one.ticket === ticket), `${node} keeps a place`);
      if (isKnown) return;
      hold((place?.startedMs ?? null) === null, `${node} does not take ${id}, which is arriving`);
      hold(!isDraining, `${node} takes nothing while it is drained`);
      hold(refusal === null, `${node} does not take what its driver refuses`);
      const isFull = this.#weigh(after) >= after.thresholds.thf;
      hold(
        answer.announcement.letter === "F" || !isFull,
        `${node} says that it is full when it is`,
      );
      const mayProbe = this.#policy.probes > 0 || this.#policy.initiation !== "sender";
      const isU = before.announcement.letter === "U" ||
        effectsOf(effects, "announce").some(({ announcement }) => announcement.letter === "U");
      hold(
        manual || isU || place !== null || mayProbe,
        `${node} takes nothing by itself while it is F`,
      );
      const { from, load = null } = event;
      if (manual || place !== null || load === null) return;
      // What it told counts the places that it keeps for others too.
      const told = this.#stamps.get(from);
      const room = {
        weight,
        load: Math.max(load, told?.load ?? 0),
        here: told?.capacity ?? this.#capacity,
        there: this.#weigh(before),
        capacity: this.#capacity,
      };
      hold(hasRoom(room), `${node} takes ${id} only if its ${weight} threads run no slower there`);
      return;
    }
    const isRoomy = weight === 1 || this.#capacity.cores - this.#weigh(before) >= weight;
    const isFree = isRoomy && before.announcement.letter === "U" &&
      after.announcement.letter === "U" &&
      !isDraining && refusal === null && !isHere && (place?.startedMs ?? null) === null;
    hold(!isFree, `${node} takes what it is offered while it is U`);
  }

  /** Who greets is greeted; a letter counts by its stamp; a lost node is unknown. */
  #known({ event, effects, before, after }: Step): void {
    const letters = effectsOf(effects, "tellLetter");
    if (event.type === "peerConnected") {
      const isGreeted = letters.some(({ node, greeting }) => node === event.node && greeting);
      hold(isGreeted, `${after.node} greets ${event.node}`);
    }
    if (event.type === "peerGreeted") {
      const isAnswered = letters.some(({ node, greeting }) => node === event.node && !greeting);
      hold(isAnswered, `${after.node} answers the greeting of ${event.node}`);
    }
    if (event.type === "peerLost") {
      this.#stamps.delete(event.node);
      hold(stateOf(after, event.node) === " ", `${after.node} knows nothing of ${event.node}`);
    }
    const [from, announcement] = newsOf(event);
    if (from === null || stateOf(after, from) === null) return;
    const last = this.#stamps.get(from);
    const isLate = last !== undefined && isBefore(announcement, last);
    const wanted = isLate ? stateOf(before, from) : announcement.letter;
    hold(
      stateOf(after, from) === wanted,
      `${after.node} knows the ${isLate ? "later" : "last"} letter of ${from}`,
    );
    if (!isLate) this.#stamps.set(from, announcement);
  }

  /** A place is freed by what frees it, and by nothing else. */
  #reserved({ event, after, nowMs }: Step): void {
    const now = new Map(after.reservations.map(({ ticket, id }) => [ticket, id]));
    for (const [ticket, id] of now) {
      if (!this.#places.has(ticket)) {
        this.#places.set(ticket, { id, sinceMs: nowMs, startedMs: null });
      }
    }
    if (event.type === "arrivalStarted") {
      const place = this.#places.get(event.ticket);
      if (place !== undefined && now.has(event.ticket)) place.startedMs = nowMs;
    }
    for (const [ticket, place] of [...this.#places]) {
      const { id, sinceMs, startedMs } = place;
      const limitMs = startedMs === null
        ? sinceMs + timeouts.reservationTimeoutMs
        : startedMs + timeouts.moveTimeoutMs;
      const frees = isFreedBy(event, ticket, place);
      if (now.has(ticket)) {
        // An offer for the process may be refused; then its older place stands.
        const isOwed = frees && event.type !== "offerReceived";
        hold(!isOwed, `${after.node} frees the place of ${id} as ${event.type} says`);
        hold(nowMs <= limitMs + SLACK_MS, `${after.node} frees the place of ${id} in time`);
      } else {
        this.#places.delete(ticket);
        hold(frees || nowMs >= limitMs - SLACK_MS, `${after.node} keeps the place of ${id}`);
      }
    }
  }

  /** Who asks for a process is answered. */
  #asked({ event, effects, after }: Step): void {
    if (event.type !== "asked") return;
    const isRefused = effectsOf(effects, "refuseAsk").some(({ to }) => to === event.node);
    const isLookedAt = effectsOf(effects, "inspect").length > 0;
    hold(isRefused || isLookedAt, `${after.node} answers ${event.node}, which asks`);
  }

  /** No process with threads is offered to a node where they are slower, as far as it has told. */
  #offered({ effects, after }: Step): void {
    for (const { to, id, weight, load, manual } of effectsOf(effects, "offer")) {
      const known = this.#stamps.get(to);
      if (manual || load === null || known?.letter !== "U") continue;
      if (known.load === undefined || known.capacity === undefined) continue;
      const { capacity, load: loadThere } = known;
      const there = loadThere * unitsOf(capacity);
      const room = { weight, load, here: this.#capacity, there, capacity };
      hold(
        hasRoom(room),
        `${after.node} offers ${id} only where its ${weight} threads run no slower`,
      );
    }
  }

  #placeOf(id: ProcessId): Place | null {
    for (const place of this.#places.values()) if (place.id === id) return place;
    return null;
  }
}

/** Speed that each of so many threads has. */
function threadSpeed(threads: number, { cores, speed }: Capacity): number {
  return speed * Math.min(1, cores / threads);
}

/** Whether threads have a core each on another node, or none is slower there than here. */
function hasRoom(
  { weight, load, here, there, capacity }: {
    readonly weight: number;
    /** What is here, for each unit of capacity, itself among it. */
    readonly load: number;
    readonly here: Capacity;
    /** What is there. */
    readonly there: number;
    readonly capacity: Capacity;
  },
): boolean {
  if (weight === 1 || there + weight <= capacity.cores + ROUNDING) return true;
  return threadSpeed(there + weight, capacity) + ROUNDING >=
    threadSpeed(load * unitsOf(here), here);
}

function isBefore(a: Announcement, b: Announcement): boolean {
  return a.epoch < b.epoch || a.epoch === b.epoch && a.seq < b.seq;
}

/** Whether an event means that a place is not needed any more. */
function isFreedBy(event: Event, ticket: Ticket, { id, startedMs }: Place): boolean {
  switch (event.type) {
    case "arrivalFailed":
      return event.ticket === ticket;
    case "offerWithdrawn":
      return event.ticket === ticket && startedMs === null;
    case "arrivalConfirmed":
      return event.ticket === ticket || event.process.id === id;
    case "processArrived":
    case "cameHome":
      return event.process.id === id;
    case "offerReceived":
      return event.id === id && event.ticket !== ticket && startedMs === null;
    default:
      return false;
  }
}
