/**
 * Why a node sends a process.
 *
 * @module
 */

import type { Capacity } from "../contract/capacity.ts";
import type { NodeName } from "../contract/names.ts";

/** Why a node sends. */
export type SendCause =
  /** Its load index says so. */
  | { readonly kind: "over" }
  /** A node that has clearly fewer processes has asked for one. */
  | {
    readonly kind: "asked";
    readonly node: NodeName;
    readonly load: number;
    readonly capacity?: Capacity | undefined;
  }
  /** A person wants it empty. */
  | { readonly kind: "drained" }
  /** Its owner is at work: guests leave. */
  | { readonly kind: "owner" }
  /** It is short of memory: what helps leaves, whatever it costs. */
  | { readonly kind: "memory"; readonly missingBytes: number; readonly reason: string };
