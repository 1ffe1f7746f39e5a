/**
 * `lb env`: prints exports for programs that are not launched.
 *
 * They do by hand what `lb launch` does.
 *
 * @module
 */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { optional } from "@optique/core/modifiers";
import { option } from "@optique/core/primitives";
import { string } from "@optique/core/valueparser";
import { exitCodes } from "../base/errors.ts";
import { loadConfig } from "../host/config.ts";
import { nodeLibrary } from "../host/library.ts";
import { shellQuote, withLibrary } from "../launch/environment.ts";
import { defineCommand } from "./command.ts";

/** The subcommand. */
export const command = defineCommand({
  name: "env",
  brief: "print the exports that do the same as lb launch",
  description: [
    "For a shell all of whose programs are to register with this node's daemon.",
  ],
  examples: [
    ['eval "$(lb env)"', "every program started from this shell may move"],
    ["lb env --config ./lb.toml", "the same for the node of another config file"],
  ],
  parser: object({
    config: optional(
      option("--config", string({ metavar: "FILE" }), { description: message`config file to use` }),
    ),
  }),
  run: ({ config }) => {
    const library = nodeLibrary(loadConfig(config));
    const preload = withLibrary(library, Deno.env.get("LD_PRELOAD"));
    console.log(`export LD_PRELOAD=${shellQuote(preload)}`);
    return exitCodes.ok;
  },
});
