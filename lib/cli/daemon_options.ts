/**
 * The options of `lb daemon`: help, and what is wrong with arguments.
 *
 * @module
 */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { optional, withDefault } from "@optique/core/modifiers";
import { flag, option } from "@optique/core/primitives";
import { string } from "@optique/core/valueparser";
import { defineCommand } from "./command.ts";
import { runWith } from "./daemon.ts";

/** The subcommand. */
export const command = defineCommand({
  name: "daemon",
  brief: "run a node",
  description: [
    "Prints READY and the address once it accepts. It serves the user who starts it. With --detach " +
    "it goes to the background, in a session of its own, and logs to daemon.log in " +
    "runtime-dir unless --log says where.",
  ],
  examples: [
    ["lb daemon --detach", "makes this machine a node"],
    ["kill $(cat $XDG_RUNTIME_DIR/lb/lock)", "ends it; programs go on"],
    ["lb daemon --config ./lb.toml", "in the foreground, as under systemd (config/lb.service)"],
  ],
  parser: object({
    config: optional(
      option("--config", string({ metavar: "FILE" }), { description: message`config file to use` }),
    ),
    detach: withDefault(
      flag("--detach", "-d", { description: message`go to the background once it accepts` }),
      false,
    ),
    log: optional(
      option("--log", string({ metavar: "FILE" }), {
        description: message`file to append the log to, instead of standard error`,
      }),
    ),
  }),
  run: runWith,
});
