/**
 * The snapshot: what a node tells about itself in answer to `I`, as JSON. Fields are only ever added.
 *
 * @module
 */

/** A process in the node's list: one that runs there. */
export interface SnapshotProcess {
  /** Its identity everywhere: `HOME/PID/START`. */
  readonly id: string;
  /** Its PID on this node. */
  readonly pid: number;
  readonly program: string;
  readonly cpuSeconds: number;
  readonly rssBytes: number;
  /** Its home; this node's own name unless it is a guest. */
  readonly home: string;
  /** PID of its shadow at home, which is its home PID; null for a local process. */
  readonly shadowPid: number | null;
  /** Why it cannot move, or null. */
  readonly cantmove: string | null;
  /** Where it is moving to just now, or null. */
  readonly movingTo: string | null;
}

/** A shadow: what stands at home for a process that runs away. */
export interface SnapshotShadow {
  /** The home PID. */
  readonly pid: number;
  readonly program: string;
  /** The node its process runs on; null while a checkpoint waits to be restarted. */
  readonly runsOn: string | null;
}

/** What a node tells about itself. */
export interface Snapshot {
  readonly node: string;
  readonly state: "U" | "M" | "F" | "V";
  readonly queueLength: number;
  readonly thresholds: { readonly thu: number; readonly thf: number; readonly thv: number };
  readonly frequencySeconds: number;
  /** In order of preference; `" "`: could not be reached. */
  readonly associated: readonly { readonly node: string; readonly state: "U" | "F" | " " }[];
  readonly processes: readonly SnapshotProcess[];
  readonly shadows: readonly SnapshotShadow[];
}
