/**
 * `lb keygen`: makes the key that the nodes of a cluster share.
 *
 * @module
 */
import { object } from "@optique/core/constructs";
import { optional } from "@optique/core/modifiers";
import { argument, option } from "@optique/core/primitives";
import { message } from "@optique/core/message";
import { string } from "@optique/core/valueparser";
import { exitCodes } from "../base/errors.ts";
import { loadConfig } from "../host/config.ts";
import { writeNewKey } from "../host/key_file.ts";
import { defineCommand } from "./command.ts";

/** The subcommand. */
export const command = defineCommand({
  name: "keygen",
  brief: "make the key that the nodes of a cluster share",
  description: [
    "Writes 32 random bytes as hexadecimal text with mode 0600 to FILE, or to key-file of the config. " +
    "An existing key is never replaced. Copy the file to every node: who has it may run programs there.",
  ],
  examples: [
    ["lb keygen", "writes the key where the config says"],
    ["lb keygen ./cluster.key", "writes it to a file to be copied to the nodes"],
  ],
  parser: object({
    config: optional(
      option("--config", string({ metavar: "FILE" }), { description: message`config file to use` }),
    ),
    file: optional(
      argument(string({ metavar: "FILE" }), { description: message`where to write the key` }),
    ),
  }),
  run: async ({ config, file }) => {
    const path = file ?? loadConfig(config).keyFile;
    await writeNewKey(path);
    console.log(`Wrote ${path}: copy it to every node of the cluster, with mode 0600`);
    return exitCodes.ok;
  },
});
