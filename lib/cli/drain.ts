/**
 * `lb drain`: empties a node, and lets it take processes again.
 *
 * @module
 */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { optional, withDefault } from "@optique/core/modifiers";
import { argument, flag, option } from "@optique/core/primitives";
import { string } from "@optique/core/valueparser";
import { exitCodes } from "../base/errors.ts";
import { askCommand, askSnapshot, connectNode } from "../host/command_client.ts";
import { loadConfig } from "../host/config.ts";
import type { FrameConnection } from "../host/connection.ts";
import type { SnapshotProcess } from "../wire/snapshot.ts";
import { LOOK_MS, obstacle } from "./_leaving.ts";
import { defineCommand } from "./command.ts";

/** Waits until all that can move has left; returns what stays. */
async function waitUntilEmpty(connection: FrameConnection): Promise<readonly SnapshotProcess[]> {
  for (;;) {
    const { processes, draining } = await askSnapshot(connection);
    // Somebody has ended it meanwhile: waiting would have no end.
    if (draining !== true || processes.every((one) => obstacle(one) !== null)) return processes;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** The subcommand. */
export const command = defineCommand({
  name: "drain",
  brief: "move every process away from a node, and take none",
  description: [
    "The node announces F, refuses every process and sends away what runs on it, its own processes " +
    "and guests, to nodes that are U; a guest that none of them takes goes home. It lasts until " +
    "--undo, also over a restart of the daemon, but not over one of the machine.",
    "What cannot move, or is pinned, stays and is named. The shadows of processes that run " +
    "elsewhere stay, too: their home must not be switched off.",
  ],
  examples: [
    ["lb drain", "this node empties while its daemon goes on"],
    ["lb drain --wait", "ends when nothing is left that can move; exit code 1: something stays"],
    ["lb drain 192.168.0.3", "another node"],
    ["lb drain --undo", "this node takes processes again"],
  ],
  parser: object({
    config: optional(
      option("--config", string({ metavar: "FILE" }), { description: message`config file to use` }),
    ),
    undo: withDefault(
      flag("--undo", { description: message`take processes again` }),
      false,
    ),
    wait: withDefault(
      flag("--wait", { description: message`wait until all that can move has left` }),
      false,
    ),
    node: optional(
      argument(string({ metavar: "HOST[:PORT]" }), { description: message`the node to drain` }),
    ),
  }),
  run: async ({ config, undo, wait, node }) => {
    const connection = await connectNode(loadConfig(config), node);
    try {
      const asked = undo ? "undrain" : "drain";
      console.log(await askCommand(connection, { command: asked, pid: 0 }));
      if (!wait || undo) return exitCodes.ok;
      const staying = await waitUntilEmpty(connection);
      if (staying.length === 0) {
        console.log("No process is left");
        return exitCodes.ok;
      }
      for (const process of staying) {
        const reason = obstacle(process) ?? "the drain was undone";
        console.log(`${process.pid} ${process.program} stays: ${reason}`);
      }
      return exitCodes.failed;
    } finally {
      connection.close();
    }
  },
});
