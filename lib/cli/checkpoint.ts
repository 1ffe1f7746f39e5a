/**
 * `lb checkpoint`: writes a process to an image file.
 *
 * @module
 */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { optional, withDefault } from "@optique/core/modifiers";
import { argument, flag, option } from "@optique/core/primitives";
import { integer, string } from "@optique/core/valueparser";
import { exitCodes } from "../base/errors.ts";
import { askCommand, connectLocal } from "../host/command_client.ts";
import { loadConfig } from "../host/config.ts";
import { defineCommand } from "./command.ts";

/** The subcommand. */
export const command = defineCommand({
  name: "checkpoint",
  brief: "write a process to an image file",
  description: [
    "The image holds the process's memory and registers. Its files, its terminal and its PID stay " +
    "here, with a shadow that waits until `lb restart IMAGE` goes on somewhere; with " +
    "--leave-running the process goes on here instead.",
  ],
  examples: [
    ["lb checkpoint 4242 --output job.img", "writes it and leaves a waiting shadow"],
    ["lb checkpoint 4242 --output job.img --leave-running", "writes it; the process goes on"],
  ],
  parser: object({
    config: optional(
      option("--config", string({ metavar: "FILE" }), { description: message`config file to use` }),
    ),
    output: option("--output", "-o", string({ metavar: "IMAGE" }), {
      description: message`where to write the image`,
    }),
    leaveRunning: withDefault(
      flag("--leave-running", { description: message`let the process go on here` }),
      false,
    ),
    pid: argument(integer({ metavar: "PID", min: 1 }), {
      description: message`the process, as this node knows it`,
    }),
  }),
  run: async ({ config, output, leaveRunning, pid }) => {
    const path = output.startsWith("/") ? output : `${Deno.cwd()}/${output}`;
    const connection = await connectLocal(loadConfig(config));
    try {
      const detail = await askCommand(connection, {
        command: leaveRunning ? "snapshot" : "checkpoint",
        pid,
        path,
      });
      console.log(detail === "" ? `Wrote ${path}` : detail);
    } finally {
      connection.close();
    }
    return exitCodes.ok;
  },
});
