/**
 * Random numbers from a seed.
 *
 * The same seed gives the same numbers on every machine.
 *
 * @module
 */
import { assert } from "./assert.ts";

/** A number from 0 to 2^32 - 1 made of a text: FNV-1a, by Fowler, Noll and Vo. For seeds. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/**
 * A generator of 32-bit numbers: xoshiro128**, Blackman and Vigna, "Scrambled Linear Pseudorandom
 * Number Generators", 2021. Its four words come from the seed by splitmix32, as they advise, so
 * that seeds close to each other give unrelated numbers. Not for keys.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * assert.equal(new Prng(7).nextU32(), new Prng(7).nextU32());
 * assert.ok(new Prng(7).nextInt(6) < 6);
 * ```
 */
export class Prng {
  readonly #state: Uint32Array;

  /**
   * Makes a generator.
   *
   * @param seed Any number; its low 32 bits count.
   */
  constructor(seed: number) {
    this.#state = new Uint32Array(4);
    let x = seed >>> 0;
    for (let index = 0; index < 4; index++) {
      x = (x + 0x9e3779b9) >>> 0;
      let z = x;
      z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
      this.#state[index] = (z ^ (z >>> 16)) >>> 0;
    }
  }

  /** The next number, from 0 to 2^32 - 1. */
  nextU32(): number {
    const state = this.#state;
    const [a = 0, b = 0, c = 0, d = 0] = state;
    const product = Math.imul(b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = b << 9;
    const c1 = c ^ a;
    const d1 = d ^ b;
    state[1] = b ^ c1;
    state[0] = a ^ d1;
    state[2] = c1 ^ shifted;
    state[3] = (d1 << 11) | (d1 >>> 21);
    return result;
  }

  /** The next number, at least 0 and below 1, with 32 random bits. */
  nextFloat(): number {
    return this.nextU32() / 2 ** 32;
  }

  /**
   * The next whole number from 0 to `count - 1`, each as likely as the others.
   *
   * @param count From 1 to 2^32.
   */
  nextInt(count: number): number {
    assert(Number.isInteger(count));
    assert(count >= 1);
    assert(count <= 2 ** 32);
    // Numbers above the largest multiple of count would make small results likelier.
    const limit = 2 ** 32 - (2 ** 32 % count);
    for (;;) {
      const value = this.nextU32();
      if (value < limit) return value % count;
    }
  }

  /** The next 64-bit number. */
  nextU64(): bigint {
    return (BigInt(this.nextU32()) << 32n) | BigInt(this.nextU32());
  }

  /**
   * A time span drawn from the exponential distribution, as between independent arrivals.
   *
   * @param mean Its mean, in whatever unit the result is to have.
   */
  nextExponential(mean: number): number {
    return -mean * Math.log(1 - this.nextFloat());
  }

  /** One element of a list that is not empty. */
  pick<T>(list: readonly T[]): T {
    return list[this.nextInt(list.length)] as T;
  }
}
