/**
 * `lb pin`: keeps a process on the node where it runs.
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
  name: "pin",
  brief: "keep a process on the node where it runs",
  description: [
    "The balancer never chooses it, nor does `lb drain`. `lb migrate` and `lb home` still move it, " +
    "and end the pin.",
    "At home PID is the process's own PID, wherever it runs; on another node, the guest's PID there.",
  ],
  examples: [["lb pin 4242", "process 4242 stays where it is"]],
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
      console.log(await askCommand(connection, { command: "pin", pid }));
    } finally {
      connection.close();
    }
    return exitCodes.ok;
  },
});
