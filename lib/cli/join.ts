/**
 * `lb join`: makes this node a member of a cluster.
 *
 * @module
 */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { optional } from "@optique/core/modifiers";
import { argument, option } from "@optique/core/primitives";
import { string } from "@optique/core/valueparser";
import { exitCodes } from "../base/errors.ts";
import { askCommand, connectLocal, nodeName } from "../host/command_client.ts";
import { loadConfig } from "../host/config.ts";
import { defineCommand } from "./command.ts";

/** The subcommand. */
export const command = defineCommand({
  name: "join",
  brief: "make this node a member of the cluster that another node is in",
  description: [
    "The daemon of this node must run, with the cluster's key. It learns from the other node who is in " +
    "the cluster, and every member learns of it; the other node calls it back first. Each then extends " +
    "its preferred list by members, up to associated-max: what its config names stays first.",
    "It lasts until `lb leave`, over restarts of the daemon too.",
  ],
  examples: [
    ["lb join 192.168.0.3", "this node joins the cluster of 192.168.0.3"],
    ["lb monitor --once", "shows who is a member"],
  ],
  parser: object({
    config: optional(
      option("--config", string({ metavar: "FILE" }), { description: message`config file to use` }),
    ),
    node: argument(string({ metavar: "HOST[:PORT]" }), {
      description: message`any member of the cluster`,
    }),
  }),
  run: async ({ config, node }) => {
    const destination = nodeName(node);
    const connection = await connectLocal(loadConfig(config));
    try {
      console.log(await askCommand(connection, { command: "join", pid: 0, destination }));
    } finally {
      connection.close();
    }
    return exitCodes.ok;
  },
});
