/**
 * `lb why`: prints what keeps a process where it is.
 *
 * And what was decided about it.
 *
 * @module
 */
import { definePidCommand } from "./_pid_command.ts";

/** The subcommand. */
export const command = definePidCommand({
  name: "why",
  brief: "tell what keeps a process where it is, and what was decided about it",
  description: [
    "First what stands in the way of its next move: in the process, on its node, among the nodes " +
    "that could take it. Then the last decisions about it, each with its reason; those before are " +
    "in the daemon's log. Of a process that runs away both nodes' are told.",
    "At home PID is the process's own PID, wherever it runs; on another node, the guest's PID there.",
  ],
  examples: [["lb why 4242", "why process 4242 is where it is"]],
});
