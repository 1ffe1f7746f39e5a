/**
 * `lb pin`: keeps a process on the node where it runs.
 *
 * @module
 */
import { definePidCommand } from "./_pid_command.ts";

/** The subcommand. */
export const command = definePidCommand({
  name: "pin",
  brief: "keep a process on the node where it runs",
  description: [
    "The balancer never chooses it, nor does `lb drain`. `lb migrate` and `lb home` still move it, " +
    "and end the pin.",
    "At home PID is the process's own PID, wherever it runs; on another node, the guest's PID there.",
  ],
  examples: [["lb pin 4242", "process 4242 stays where it is"]],
});
