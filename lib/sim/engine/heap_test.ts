/** Tests of the order of events. */

import assert from "node:assert/strict";
import { Prng } from "../../base/prng.ts";
import { Alarms, EventQueue } from "./heap.ts";

Deno.test("EventQueue gives events by time, those of one time in order of insertion", () => {
  const prng = new Prng(1);
  const queue = new EventQueue<[number, number]>();
  const wanted: [number, number][] = [];
  for (let i = 0; i < 5000; i++) {
    const event: [number, number] = [prng.nextInt(50), i];
    wanted.push(event);
    queue.push(event[0], event);
  }
  wanted.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  assert.equal(queue.nextMs, wanted[0]?.[0]);
  assert.deepEqual(wanted.map(() => queue.pop()), wanted);
  assert.deepEqual([queue.size, queue.nextMs], [0, Infinity]);
});

Deno.test("EventQueue keeps its order while events come and go", () => {
  const prng = new Prng(2);
  const queue = new EventQueue<number>();
  let nowMs = 0;
  for (let i = 0; i < 3000; i++) {
    const atMs = nowMs + prng.nextInt(100);
    queue.push(atMs, atMs);
    if (prng.nextInt(3) === 0) continue;
    const next = queue.pop();
    assert.ok(next >= nowMs);
    nowMs = next;
  }
});

Deno.test("Alarms rings the earliest slot, whatever was set and set anew before", () => {
  const prng = new Prng(3);
  const alarms = new Alarms(40);
  const times = new Array<number>(40).fill(Infinity);
  for (let i = 0; i < 5000; i++) {
    const slot = prng.nextInt(40);
    const atMs = prng.nextInt(4) === 0 ? Infinity : prng.nextInt(30);
    alarms.set(slot, atMs);
    times[slot] = atMs;
    const least = Math.min(...times);
    assert.equal(alarms.nextMs, least);
    if (least < Infinity) assert.equal(alarms.nextSlot, times.indexOf(least));
  }
});
