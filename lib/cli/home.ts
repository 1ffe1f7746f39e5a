/**
 * `lb home`: brings a process home.
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
  name: "home",
  brief: "bring a process home",
  description: [
    "Ends once the process runs at its home again, with the same PID; if it cannot, it goes on " +
    "where it is, and the reason is told. PID is the process's own at home, the guest's elsewhere.",
  ],
  examples: [["lb home 4242", "brings process 4242 back to this node"]],
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
      const detail = await askCommand(connection, { command: "home", pid });
      console.log(detail === "" ? `Process ${pid} is home` : detail);
    } finally {
      connection.close();
    }
    return exitCodes.ok;
  },
});
