/**
 * Recovery: takes up what an earlier run of the daemon left.
 *
 * @module
 */
import type { Context } from "./context.ts";
import type { Guests } from "./guests.ts";
import type { PinsAndDrain } from "./pins_and_drain.ts";
import { localAsProcess } from "./records.ts";
import type { Shadows } from "./shadows.ts";
import type { Watches } from "./watches.ts";

/** Those who have something to take up. */
export interface RecoveredParts {
  readonly guests: Guests;
  readonly pinsAndDrain: PinsAndDrain;
  readonly shadows: Shadows;
  readonly watches: Watches;
}

/** Watches what lives, forgets what has ended, and tells the balancer. */
export function recover(context: Context, parts: RecoveredParts): void {
  const { records, dispatch } = context;
  for (const record of [...records.locals.values()]) {
    if (!parts.watches.watch(record.homePid, record.startTicks)) records.locals.delete(record.id);
    else dispatch({ type: "processArrived", process: localAsProcess(record) });
  }
  parts.shadows.recover();
  parts.guests.recover();
  for (const event of parts.pinsAndDrain.events()) dispatch(event);
  records.save();
}
