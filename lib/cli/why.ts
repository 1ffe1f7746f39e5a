/**
 * `lb why`: tells what keeps a process where it is, and what was decided about it.
 *
 * @module
 */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { optional } from "@optique/core/modifiers";
import { argument, option } from "@optique/core/primitives";
import { integer, string } from "@optique/core/valueparser";
import { exitCodes } from "../base/errors.ts";
import { askCommand, connectLocal } from "../host/command_client.ts";
import { loadConfig } from "../host/config.ts";
import { defineCommand } from "./command.ts";

/** The subcommand. */
export const command = defineCommand({
  name: "why",
  brief: "tell what keeps a process where it is, and what was decided about it",
  description: [
    "First what stands in the way of its next move: in the process, on its node, among the nodes " +
    "that could take it. Then the last decisions about it, each with its reason; those before are " +
    "in the daemon's log. Of a process that runs away both nodes' are told.",
    "At home PID is the process's own PID, wherever it runs; on another node, the guest's PID there.",
  ],
  examples: [["lb why 4242", "why process 4242 is where it is"]],
  parser: object({
    config: optional(
      option("--config", string({ metavar: "FILE" }), { description: message`config file to use` }),
    ),
    pid: argument(integer({ metavar: "PID", min: 1 }), {
      description: message`the process, as this node knows it`,
    }),
  }),
  run: async ({ config, pid }) => {
    const connection = await connectLocal(loadConfig(config));
    try {
      console.log(await askCommand(connection, { command: "why", pid }));
    } finally {
      connection.close();
    }
    return exitCodes.ok;
  },
});
