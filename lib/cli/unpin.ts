/**
 * `lb unpin`: lets the balancer move a pinned process again.
 *
 * @module
 */
import { definePidCommand } from "./_pid_command.ts";

/** The subcommand. */
export const command = definePidCommand({
  name: "unpin",
  brief: "let the balancer move a pinned process again",
  description: [
    "At home PID is the process's own PID, wherever it runs; on another node, the guest's PID there.",
  ],
  examples: [["lb unpin 4242", "process 4242 is like any other again"]],
});
