/**
 * A testbed of several hosts on one machine, for tests and benches.
 *
 * @example Usage
 * ```ts ignore
 * await using bed = await Testbed.create({ hosts: 2 });
 * await bed.startDaemons();
 * const job = await bed.host(0).launchKnown(["matmul", "500"]);
 * await bed.host(0).migrate(job.pid, bed.host(1));
 * ```
 *
 * @module
 */
export type { CpuLimit, CpuUse } from "./cpu_limit.ts";
export { Daemon, type DaemonOptions } from "./daemon.ts";
export { Host, ORDINARY_UID, type RunOptions } from "./host.ts";
export { type Ending, Job } from "./job.ts";
export { capture, must, type Result, sleep, waitFor } from "./shell.ts";
export type { Snapshot, SnapshotProcess } from "./snapshot.ts";
export {
  allowedCpus,
  haveNamespaces,
  noNamespacesReason,
  Testbed,
  type TestbedOptions,
} from "./testbed.ts";
