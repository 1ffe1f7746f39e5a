/**
 * `lb home`: brings a process home.
 *
 * @module
 */
import { definePidCommand } from "./_pid_command.ts";

/** The subcommand. */
export const command = definePidCommand({
  name: "home",
  brief: "bring a process home",
  description: [
    "Ends once the process runs at its home again, with the same PID; if it cannot, it goes on " +
    "where it is, and the reason is told. PID is the process's own at home, the guest's elsewhere.",
  ],
  examples: [["lb home 4242", "brings process 4242 back to this node"]],
  done: (pid) => `Process ${pid} is home`,
});
