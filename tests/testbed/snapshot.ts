/**
 * The snapshot as `lb monitor --json` prints it.
 *
 * The published shape, written down here on its own so that a change of the program's types cannot
 * pass unseen.
 *
 * @module
 */

/** One process that runs on the node. */
export interface SnapshotProcess {
  readonly id: string;
  readonly pid: number;
  readonly program: string;
  readonly cpuSeconds: number;
  readonly rssBytes: number;
  readonly threads?: { readonly all: number; readonly computing: number };
  readonly weight?: number;
  readonly noRoom?: string;
  readonly home: string;
  readonly shadowPid: number | null;
  readonly cantmove: string | null;
  readonly movingTo: string | null;
  readonly pinned?: boolean;
  readonly stopped?: boolean;
}

/** One node. */
export interface Snapshot {
  readonly node: string;
  readonly state: string;
  readonly queueLength: number;
  readonly thresholds: { readonly thu: number; readonly thf: number; readonly thv: number };
  readonly frequencySeconds: number;
  readonly draining?: boolean;
  readonly load?: number;
  readonly owner?: { readonly activeForMs: number | null; readonly treatment: string } | null;
  readonly machine?: {
    readonly others: number;
    readonly cpuStall: number | null;
    readonly memoryStall: number | null;
    readonly availableBytes: number;
    readonly memoryShortage: string | null;
  } | null;
  readonly associated: readonly {
    readonly node: string;
    readonly state: string;
    readonly suspected?: boolean;
  }[];
  readonly members?: readonly {
    readonly node: string;
    readonly status: string;
    readonly incarnation: number;
    readonly open: boolean;
  }[];
  readonly health?: number;
  readonly processes: readonly SnapshotProcess[];
  readonly shadows: readonly {
    readonly pid: number;
    readonly program: string;
    readonly runsOn: string;
  }[];
}
