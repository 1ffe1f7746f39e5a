/**
 * Places kept for processes on their way here.
 *
 * Each one counts in the queue length.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import type { NodeName, ProcessId, Ticket } from "../contract/names.ts";
import type { Timeouts } from "../contract/timeouts.ts";
import {
  nextPhase,
  type PlaceInput,
  type PlacePhase,
  placeTransitions,
} from "../contract/transitions.ts";

/** One place. */
export interface Reservation {
  readonly ticket: Ticket;
  readonly id: ProcessId;
  readonly from: NodeName;
  /** What the process weighed where it was offered. */
  readonly weight: number;
  readonly phase: PlacePhase;
  readonly deadlineMs: number;
}

/** Limits of a place, in milliseconds: until its memory begins to arrive, and from then on. */
export type ReservationTimeouts = Pick<Timeouts, "reservationTimeoutMs" | "moveTimeoutMs">;

/** All places that are not free; none changes but by {@linkcode placeTransitions}. */
export class Reservations {
  readonly #timeouts: ReservationTimeouts;
  readonly #places = new Map<Ticket, Reservation>();

  constructor(timeouts: ReservationTimeouts) {
    this.#timeouts = timeouts;
  }

  get size(): number {
    return this.#places.size;
  }

  /** What is on its way here weighs. */
  get weight(): number {
    let sum = 0;
    for (const place of this.#places.values()) sum += place.weight;
    return sum;
  }

  has(ticket: Ticket): boolean {
    return this.#places.has(ticket);
  }

  /** Finds the place of a process, or null. */
  find(id: ProcessId): Reservation | null {
    for (const place of this.#places.values()) if (place.id === id) return place;
    return null;
  }

  /**
   * Keeps a place until the memory starts to arrive.
   *
   * @throws {AssertionError} If there is one under this ticket.
   */
  reserve(
    { weight = 1, ...place }: { ticket: Ticket; id: ProcessId; from: NodeName; weight?: number },
    nowMs: number,
  ): void {
    assert(!this.#places.has(place.ticket), "a ticket has one place");
    const deadlineMs = nowMs + this.#timeouts.reservationTimeoutMs;
    this.#take({ ...place, weight, phase: "free", deadlineMs }, "reserved");
  }

  /** Notes that the memory arrives; an unknown ticket is ignored (its place has timed out). */
  start(ticket: Ticket, nowMs: number): void {
    const place = this.#places.get(ticket);
    if (place === undefined) return;
    const deadlineMs = nowMs + this.#timeouts.moveTimeoutMs;
    this.#take({ ...place, deadlineMs }, "started");
  }

  /** Frees a place; returns it, or null if there is none. */
  release(ticket: Ticket): Reservation | null {
    const place = this.#places.get(ticket) ?? null;
    if (place !== null) this.#take(place, "released");
    return place;
  }

  /** Frees a place whose sender has given up, unless its memory is under way. */
  withdraw(ticket: Ticket): void {
    const place = this.#places.get(ticket);
    if (place !== undefined) this.#take(place, "withdrawn");
  }

  /** Frees every place of a process, whatever the ticket: it has come some other way. */
  releaseProcess(id: ProcessId): void {
    if (this.#places.size === 0) return;
    for (const place of [...this.#places.values()]) {
      if (place.id === id) this.#take(place, "superseded");
    }
  }

  /** Frees the places whose time is over, and returns them. */
  expire(nowMs: number): Reservation[] {
    if (this.#places.size === 0) return [];
    const expired = [...this.#places.values()].filter((place) => place.deadlineMs <= nowMs);
    for (const place of expired) this.#take(place, "timedOut");
    return expired;
  }

  /** The earliest deadline, or null. */
  nextTimeoutMs(): number | null {
    let next: number | null = null;
    for (const { deadlineMs } of this.#places.values()) {
      if (next === null || deadlineMs < next) next = deadlineMs;
    }
    return next;
  }

  /** Lists the places in order of reservation. */
  list(): Reservation[] {
    return [...this.#places.values()];
  }

  /** Gives a place an input; one that is not legal in its phase comes too late and changes nothing. */
  #take(place: Reservation, input: PlaceInput): void {
    const phase = nextPhase(placeTransitions, place.phase, input);
    if (phase === null) return;
    if (phase === "free") this.#places.delete(place.ticket);
    else this.#places.set(place.ticket, { ...place, phase });
  }
}
