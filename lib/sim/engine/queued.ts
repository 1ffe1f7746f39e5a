/**
 * What waits in a simulation's queue.
 *
 * @module
 */

import type { Event } from "../../core/contract/event.ts";

/** A message on its way. */
export interface Delivery {
  readonly from: number;
  readonly to: number;
  readonly incarnation: number;
  readonly event: Event;
}

/** What can be queued: a message, a letter to a whole list, anything else. */
export type Queued =
  | { readonly kind: "deliver"; readonly delivery: Delivery }
  | { readonly kind: "broadcast"; readonly list: readonly number[]; readonly event: Event }
  | { readonly kind: "call"; readonly call: () => void };
