/**
 * `lb ps`: lists a node's processes.
 *
 * Where they run, and why one cannot move.
 *
 * @module
 */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { optional, withDefault } from "@optique/core/modifiers";
import { argument, flag, option } from "@optique/core/primitives";
import { string } from "@optique/core/valueparser";
import { exitCodes } from "../base/errors.ts";
import { readSnapshot } from "../host/command_client.ts";
import { loadConfig } from "../host/config.ts";
import { drawProcesses } from "../monitor/processes.ts";
import { defineCommand } from "./command.ts";

/** The subcommand. */
export const command = defineCommand({
  name: "ps",
  brief: "list processes, where they run, and why one cannot move",
  description: [
    "First the processes that run on the node, guests of other nodes among them; then those whose " +
    "home it is and that run elsewhere. SHADOW is the PID of what stands for a process at its home; " +
    "THR tells threads: 4/9 are nine, of which four compute.",
  ],
  examples: [
    ["lb ps", "this node's processes"],
    ["lb ps 192.168.0.3", "another node's"],
    ["lb ps --json", "the node's snapshot, for a script"],
  ],
  parser: object({
    config: optional(
      option("--config", string({ metavar: "FILE" }), { description: message`config file to use` }),
    ),
    json: withDefault(
      flag("--json", { description: message`print the node's snapshot as JSON` }),
      false,
    ),
    node: optional(
      argument(string({ metavar: "HOST[:PORT]" }), { description: message`the node to ask` }),
    ),
  }),
  run: async ({ config, json, node }) => {
    const snapshot = await readSnapshot(loadConfig(config), node);
    console.log(json ? JSON.stringify(snapshot, null, 2) : drawProcesses(snapshot).join("\n"));
    return exitCodes.ok;
  },
});
