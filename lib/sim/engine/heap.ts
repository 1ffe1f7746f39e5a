/**
 * The simulator's queue of events.
 *
 * And one alarm clock for each of many slots.
 *
 * Both are binary heaps in typed arrays; equal times come in a fixed order, so that a run depends on
 * its seed alone.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";

/** One-shot events in order of time, those of the same time in order of their insertion. */
export class EventQueue<Payload> {
  #times = new Float64Array(1024);
  #orders = new Float64Array(1024);
  /** Index of an event's payload, by its place in the heap. */
  #places = new Int32Array(1024);
  readonly #payloads: (Payload | undefined)[] = [];
  readonly #free: number[] = [];
  #size = 0;
  #order = 0;

  /** Number of events to come. */
  get size(): number {
    return this.#size;
  }

  /** Time of the next event, or Infinity. */
  get nextMs(): number {
    return this.#size === 0 ? Infinity : this.#times[0] as number;
  }

  /** Adds an event. */
  push(atMs: number, payload: Payload): void {
    if (this.#size === this.#times.length) this.#grow();
    const place = this.#free.pop() ?? this.#payloads.length;
    this.#payloads[place] = payload;
    this.#rise(this.#size++, atMs, this.#order++, place);
  }

  /** Takes the next event; there must be one. */
  pop(): Payload {
    assert(this.#size > 0, "there is an event");
    const place = this.#places[0] as number;
    const payload = this.#payloads[place] as Payload;
    this.#payloads[place] = undefined;
    this.#free.push(place);
    const last = --this.#size;
    if (last > 0) this.#sink(last);
    return payload;
  }

  #rise(from: number, atMs: number, order: number, place: number): void {
    const times = this.#times, orders = this.#orders, places = this.#places;
    let index = from;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      // A new event has the greatest order: it passes only what is later.
      if ((times[parent] as number) <= atMs) break;
      times[index] = times[parent] as number;
      orders[index] = orders[parent] as number;
      places[index] = places[parent] as number;
      index = parent;
    }
    times[index] = atMs;
    orders[index] = order;
    places[index] = place;
  }

  /** Puts the event at the end of the heap in the place of the first. */
  #sink(last: number): void {
    const times = this.#times, orders = this.#orders, places = this.#places;
    const atMs = times[last] as number, order = orders[last] as number;
    const place = places[last] as number;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= last) break;
      if (child + 1 < last && this.#isBefore(child + 1, child)) child++;
      const childMs = times[child] as number;
      if (childMs > atMs || (childMs === atMs && (orders[child] as number) > order)) break;
      times[index] = childMs;
      orders[index] = orders[child] as number;
      places[index] = places[child] as number;
      index = child;
    }
    times[index] = atMs;
    orders[index] = order;
    places[index] = place;
  }

  #isBefore(a: number, b: number): boolean {
    const aMs = this.#times[a] as number, bMs = this.#times[b] as number;
    return aMs === bMs ? (this.#orders[a] as number) < (this.#orders[b] as number) : aMs < bMs;
  }

  #grow(): void {
    const size = 2 * this.#times.length;
    const [times, orders, places] = [this.#times, this.#orders, this.#places];
    this.#times = new Float64Array(size);
    this.#orders = new Float64Array(size);
    this.#places = new Int32Array(size);
    this.#times.set(times);
    this.#orders.set(orders);
    this.#places.set(places);
  }
}

/** One alarm for each slot, which can be set anew at any time; ties go to the smallest slot. */
export class Alarms {
  readonly #times: Float64Array;
  readonly #heap: Int32Array;
  /** Where in the heap a slot is; -1: its alarm is not set. */
  readonly #places: Int32Array;
  #size = 0;

  /** @param count Number of slots; no alarm is set. */
  constructor(count: number) {
    this.#times = new Float64Array(count).fill(Infinity);
    this.#heap = new Int32Array(count);
    this.#places = new Int32Array(count).fill(-1);
  }

  /** Time of the next alarm, or Infinity. */
  get nextMs(): number {
    return this.#size === 0 ? Infinity : this.#times[this.#heap[0] as number] as number;
  }

  /** The slot of the next alarm; there must be one. */
  get nextSlot(): number {
    assert(this.#size > 0, "there is an alarm");
    return this.#heap[0] as number;
  }

  /** Sets a slot's alarm, in place of an earlier one; Infinity: none. */
  set(slot: number, atMs: number): void {
    const place = this.#places[slot] as number;
    if (this.#times[slot] === atMs) return;
    this.#times[slot] = atMs;
    if (atMs === Infinity) this.#remove(slot, place);
    else if (place < 0) this.#rise(slot, this.#size++);
    else if (!this.#rise(slot, place)) this.#sink(slot, place);
  }

  #remove(slot: number, place: number): void {
    this.#places[slot] = -1;
    const last = this.#heap[--this.#size] as number;
    if (last === slot) return;
    if (!this.#rise(last, place)) this.#sink(last, place);
  }

  #isBefore(a: number, b: number): boolean {
    const aMs = this.#times[a] as number, bMs = this.#times[b] as number;
    return aMs === bMs ? a < b : aMs < bMs;
  }

  /** Moves a slot up from this place; false if it stays there. */
  #rise(slot: number, from: number): boolean {
    let index = from;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const other = this.#heap[parent] as number;
      if (!this.#isBefore(slot, other)) break;
      this.#put(other, index);
      index = parent;
    }
    this.#put(slot, index);
    return index !== from;
  }

  #sink(slot: number, from: number): void {
    let index = from;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= this.#size) break;
      if (
        child + 1 < this.#size &&
        this.#isBefore(this.#heap[child + 1] as number, this.#heap[child] as number)
      ) child++;
      const other = this.#heap[child] as number;
      if (this.#isBefore(slot, other)) break;
      this.#put(other, index);
      index = child;
    }
    this.#put(slot, index);
  }

  #put(slot: number, index: number): void {
    this.#heap[index] = slot;
    this.#places[slot] = index;
  }
}
