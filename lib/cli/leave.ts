/**
 * `lb leave`: takes this node out of its cluster.
 *
 * @module
 */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { optional, withDefault } from "@optique/core/modifiers";
import { flag, option } from "@optique/core/primitives";
import { string } from "@optique/core/valueparser";
import { exitCodes, HostError } from "../base/errors.ts";
import { askCommand, askSnapshot, connectLocal } from "../host/command_client.ts";
import { type Config, loadConfig } from "../host/config.ts";
import type { FrameConnection } from "../host/connection.ts";
import type { Snapshot } from "../wire/snapshot.ts";
import { LOOK_MS, obstacle } from "./_leaving.ts";
import { defineCommand } from "./command.ts";

/** What ties the node to others: guests that are here, and its own processes that are elsewhere. */
interface Ties {
  readonly guests: Snapshot["processes"];
  readonly shadows: Snapshot["shadows"];
}

function tiesOf({ node, processes, shadows }: Snapshot): Ties {
  return { guests: processes.filter(({ home }) => home !== node), shadows };
}

/** Calls each process home that runs elsewhere; returns why one cannot come, by PID. */
async function callHome(config: Config, { shadows }: Ties): Promise<Map<number, string>> {
  const failures = new Map<number, string>();
  for (const { pid, program } of shadows) {
    console.log(`${pid} ${program} is called home`);
    const connection = await connectLocal(config);
    try {
      await askCommand(connection, { command: "home", pid });
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
      failures.set(pid, error.message);
    } finally {
      connection.close();
    }
  }
  return failures;
}

/** Waits until nothing is left that can go; tells each change. Returns what stays, in words. */
async function waitUntilFree(
  connection: FrameConnection,
  failures: ReadonlyMap<number, string>,
): Promise<string[]> {
  let told = "";
  for (;;) {
    const snapshot = await askSnapshot(connection);
    const { guests, shadows } = tiesOf(snapshot);
    const staying = [
      ...guests.flatMap((guest) => {
        const reason = obstacle(guest);
        return reason === null ? [] : [`guest ${guest.pid} ${guest.program} stays: ${reason}`];
      }),
      ...shadows.map(({ pid, program, runsOn }) =>
        `${pid} ${program} runs on ${
          runsOn ?? "no node, it waits for lb restart"
        } and needs this ` +
        `node up${failures.has(pid) ? `: ${failures.get(pid)}` : ""}`
      ),
    ];
    const isOver = guests.every((guest) => obstacle(guest) !== null);
    // Somebody has undone the drain meanwhile: waiting would have no end.
    if (isOver || snapshot.draining !== true) return staying;
    const line = `waiting for guests to leave: ${guests.length}`;
    if (line !== told) console.log(line);
    told = line;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** The subcommand. */
export const command = defineCommand({
  name: "leave",
  brief: "take this node out of its cluster",
  description: [
    "Guests are sent to other nodes, or home, and this node's own processes that run elsewhere are " +
    "called home; then the others are told, and drop this node from their lists. The daemon goes on: " +
    "programs that are launched here just stay here. It lasts until `lb join`, over restarts too.",
    "While it waits, Ctrl-C gives up, and `lb drain --undo` lets the node take processes again. " +
    "If a guest cannot move, or a process cannot come home, nothing is left and the exit code is 1. " +
    "With --now the node leaves at once: what still runs across goes on, and needs this machine and its " +
    "daemon until it has ended.",
  ],
  examples: [
    ["lb leave", "waits until nothing ties this node to others"],
    ["lb leave --now", "leaves at once"],
    ["lb join 192.168.0.3", "comes back"],
  ],
  parser: object({
    config: optional(
      option("--config", string({ metavar: "FILE" }), { description: message`config file to use` }),
    ),
    now: withDefault(flag("--now", { description: message`do not wait for any process` }), false),
  }),
  run: async ({ config: path, now }) => {
    const config = loadConfig(path);
    const connection = await connectLocal(config);
    try {
      if (!now) {
        await askCommand(connection, { command: "drainGuests", pid: 0 });
        const failures = await callHome(config, tiesOf(await askSnapshot(connection)));
        const staying = await waitUntilFree(connection, failures);
        if (staying.length > 0) {
          for (const line of staying) console.log(line);
          await askCommand(connection, { command: "undrain", pid: 0 });
          console.log("This node stays a member. To leave all the same: lb leave --now");
          return exitCodes.failed;
        }
      }
      console.log(await askCommand(connection, { command: "leave", pid: 0 }));
      return exitCodes.ok;
    } finally {
      connection.close();
    }
  },
});
