/**
 * Waits for a node's processes to go.
 *
 * Shared by `lb drain` and `lb leave`.
 *
 * @module
 */
import type { SnapshotProcess } from "../wire/snapshot.ts";
import { obstacle as words } from "../host/obstacles.ts";

/** Between two looks at the node: a move takes longer than that. */
export const LOOK_MS = 500;

/** Why a process will not be moved away, or null. */
export function obstacle({ cantmove, pinned }: SnapshotProcess): string | null {
  return cantmove ?? (pinned === true ? words("PINNED") : null);
}
