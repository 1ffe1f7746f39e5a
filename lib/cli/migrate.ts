/**
 * `lb migrate`: moves one process now.
 *
 * @module
 */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { optional } from "@optique/core/modifiers";
import { argument, option } from "@optique/core/primitives";
import { integer, string } from "@optique/core/valueparser";
import { exitCodes } from "../base/errors.ts";
import { askCommand, connectLocal, nodeName } from "../host/command_client.ts";
import { loadConfig } from "../host/config.ts";
import { defineCommand } from "./command.ts";

/** The subcommand. */
export const command = defineCommand({
  name: "migrate",
  brief: "move one process now",
  description: [
    "Ends once the process runs on the other node; if it cannot move it goes on where it was, and " +
    "the reason is told. A given node takes it however full it is; without one it goes to the " +
    "first node of the preferred list that is U.",
    "At home PID is the process's own PID, wherever it runs; on another node, the guest's PID there.",
  ],
  examples: [
    ["lb migrate 4242", "to the preferred node"],
    ["lb migrate 4242 192.168.0.3", "to this node"],
  ],
  parser: object({
    config: optional(
      option("--config", string({ metavar: "FILE" }), { description: message`config file to use` }),
    ),
    pid: argument(integer({ metavar: "PID", min: 1 }), {
      description: message`the process, as this node knows it`,
    }),
    node: optional(
      argument(string({ metavar: "HOST[:PORT]" }), { description: message`where to move it` }),
    ),
  }),
  run: async ({ config, pid, node }) => {
    const destination = node === undefined ? "" : nodeName(node);
    const connection = await connectLocal(loadConfig(config));
    try {
      const detail = await askCommand(connection, { command: "migrate", pid, destination });
      console.log(detail === "" ? `Process ${pid} has moved` : detail);
    } finally {
      connection.close();
    }
    return exitCodes.ok;
  },
});
