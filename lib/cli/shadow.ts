/**
 * `lb shadow`: at home, serves an image's system calls.
 *
 * @module
 */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { optional } from "@optique/core/modifiers";
import { argument, option } from "@optique/core/primitives";
import { string } from "@optique/core/valueparser";
import { loadConfig } from "../host/config.ts";
import { shadow } from "../shadow/shadow.ts";
import { defineCommand } from "./command.ts";

/** The subcommand. */
export const command = defineCommand({
  name: "shadow",
  brief: "serve an image's system calls, for lb restart to run it elsewhere",
  description: [
    "For an image whose own shadow is gone, or that was written with --leave-running. This process " +
    "becomes the shadow, and the image is changed to name it: its PID, this node, a new ticket. " +
    "Copy the image to another node after that, not before.",
  ],
  examples: [
    ["lb shadow job.img", "waits; the process will have this terminal and this directory"],
    ["lb restart job.img", "then, on another node: goes on there"],
  ],
  parser: object({
    config: optional(
      option("--config", string({ metavar: "FILE" }), { description: message`config file to use` }),
    ),
    image: argument(string({ metavar: "IMAGE" }), { description: message`the image file` }),
  }),
  run: async ({ config, image }) => await shadow(loadConfig(config), image),
});
