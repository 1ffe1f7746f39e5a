/**
 * The node's state and letter by its queue length.
 *
 * By three thresholds (Shin and Chang, IEEE Transactions on Computers 38(8), 1989).
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import type { Thresholds } from "../contract/config.ts";
import type { Letter, State } from "../contract/names.ts";

/**
 * Asserts what the config file's parser has promised: integers, `0 <= thu < thf < thv`.
 *
 * @throws {AssertionError} If they are not.
 */
export function assertThresholds({ thu, thf, thv }: Thresholds): void {
  assert([thu, thf, thv].every(Number.isSafeInteger), "thresholds are integers");
  assert(0 <= thu, "thu is not negative");
  assert(thu < thf, "thu is below thf");
  assert(thf < thv, "thf is below thv");
}

/**
 * Tells a node's own state from its queue length.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * const thresholds = { thu: 1, thf: 3, thv: 4 };
 * assert.deepEqual([1, 2, 3, 4].map((n) => stateOf(n, thresholds)), ["U", "M", "F", "V"]);
 * ```
 */
export function stateOf(queueLength: number, { thu, thf, thv }: Thresholds): State {
  if (queueLength <= thu) return "U";
  if (queueLength < thf) return "M";
  return queueLength < thv ? "F" : "V";
}

/**
 * Tells the letter to announce: F once the queue length has reached `thf`, U once it has fallen to
 * `thu`, and whatever it was in the band between. With a single limit a node that takes and ends
 * processes in turn would broadcast at every step; the band is why there are two.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * const thresholds = { thu: 1, thf: 3, thv: 4 };
 * assert.equal(nextLetter("U", 2, thresholds), "U");
 * assert.equal(nextLetter("F", 2, thresholds), "F");
 * ```
 */
export function nextLetter(letter: Letter, queueLength: number, thresholds: Thresholds): Letter {
  if (queueLength >= thresholds.thf) return "F";
  if (queueLength <= thresholds.thu) return "U";
  return letter;
}
