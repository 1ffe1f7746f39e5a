/**
 * Places kept for processes on their way here.
 *
 * Each one counts in the queue length.
 *
 * @module
 */

import type { NodeName, ProcessId, Ticket } from "../contract/names.ts";

/** One place. */
export interface Reservation {
  readonly ticket: Ticket;
  readonly id: ProcessId;
  readonly from: NodeName;
  /** Its memory has begun to arrive. */
  readonly started: boolean;
  readonly deadlineMs: number;
}

/** Limits of a place, in milliseconds. */
export interface ReservationTimeouts {
  readonly reservationTimeoutMs: number;
  readonly moveTimeoutMs: number;
}

/** All places; every one leaves by arrival, failure, withdrawal or time-out. */
export class Reservations {
  readonly #timeouts: ReservationTimeouts;
  readonly #places = new Map<Ticket, Reservation>();

  constructor(timeouts: ReservationTimeouts) {
    this.#timeouts = timeouts;
  }

  get size(): number {
    return this.#places.size;
  }

  has(ticket: Ticket): boolean {
    return this.#places.has(ticket);
  }

  /** Finds the place of a process, or null. */
  find(id: ProcessId): Reservation | null {
    for (const place of this.#places.values()) if (place.id === id) return place;
    return null;
  }

  /** Keeps a place until the memory starts to arrive. */
  reserve(place: { ticket: Ticket; id: ProcessId; from: NodeName }, nowMs: number): void {
    const deadlineMs = nowMs + this.#timeouts.reservationTimeoutMs;
    this.#places.set(place.ticket, { ...place, started: false, deadlineMs });
  }

  /** Notes that the memory arrives; an unknown ticket is ignored (its place has timed out). */
  start(ticket: Ticket, nowMs: number): void {
    const place = this.#places.get(ticket);
    if (place === undefined) return;
    const deadlineMs = nowMs + this.#timeouts.moveTimeoutMs;
    this.#places.set(ticket, { ...place, started: true, deadlineMs });
  }

  /** Frees a place; returns it, or null if there is none. */
  release(ticket: Ticket): Reservation | null {
    const place = this.#places.get(ticket) ?? null;
    this.#places.delete(ticket);
    return place;
  }

  /** Frees a place whose sender has given up, unless its memory is under way: its keeper knows the end. */
  withdraw(ticket: Ticket): void {
    if (this.#places.get(ticket)?.started === false) this.#places.delete(ticket);
  }

  /** Frees every place of a process, whatever the ticket: it has come some other way. */
  releaseProcess(id: ProcessId): void {
    if (this.#places.size === 0) return;
    for (const place of [...this.#places.values()]) {
      if (place.id === id) this.#places.delete(place.ticket);
    }
  }

  /** Frees the places whose time is over, and returns them. */
  expire(nowMs: number): Reservation[] {
    if (this.#places.size === 0) return [];
    const expired = [...this.#places.values()].filter((place) => place.deadlineMs <= nowMs);
    for (const place of expired) this.#places.delete(place.ticket);
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
}
