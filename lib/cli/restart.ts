/**
 * `lb restart`: goes on from an image.
 *
 * @module
 */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { optional } from "@optique/core/modifiers";
import { argument, option } from "@optique/core/primitives";
import { string } from "@optique/core/valueparser";
import { loadConfig } from "../host/config.ts";
import { restart } from "../restart/restart.ts";
import { defineCommand } from "./command.ts";

/** The subcommand. */
export const command = defineCommand({
  name: "restart",
  brief: "go on from an image that lb checkpoint wrote",
  description: [
    "Becomes the process, in place. Its system calls are executed by its shadow, at the node where " +
    "the image was written, so that node's daemon must be reachable. The exit status is the " +
    "process's own.",
  ],
  examples: [
    ["lb restart job.img", "goes on here with what lb checkpoint --output job.img has left"],
  ],
  parser: object({
    config: optional(
      option("--config", string({ metavar: "FILE" }), { description: message`config file to use` }),
    ),
    image: argument(string({ metavar: "IMAGE" }), { description: message`the image file` }),
  }),
  run: async ({ config, image }) => await restart(loadConfig(config), image),
});
