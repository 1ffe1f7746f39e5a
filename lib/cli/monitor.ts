/**
 * `lb monitor`: shows a node's state, its associated nodes and its processes.
 *
 * @module
 */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { optional, withDefault } from "@optique/core/modifiers";
import { argument, flag, option } from "@optique/core/primitives";
import { string } from "@optique/core/valueparser";
import { exitCodes, LbError } from "../base/errors.ts";
import { askSnapshot, connectNode } from "../host/command_client.ts";
import { type Config, loadConfig } from "../host/config.ts";
import { showLive } from "../monitor/live.ts";
import { Painter } from "../monitor/painter.ts";
import { render } from "../monitor/render.ts";
import type { Snapshot } from "../wire/snapshot.ts";
import { defineCommand } from "./command.ts";

/** How often the live view looks: often enough to see a move, seldom enough to cost nothing. */
const REFRESH_MS = 1_000;

/** The subcommand. */
export const command = defineCommand({
  name: "monitor",
  brief: "show a node's state, its associated nodes and its processes",
  description: [
    "Without a node: this one. Another node must have the same cluster key. Where the output is no " +
    "terminal the picture is printed once.",
  ],
  examples: [
    ["lb monitor", "watches this node until Ctrl-C"],
    ["lb monitor 192.168.0.3", "watches another one"],
    ["lb monitor --once", "prints the picture once"],
    ["lb monitor 192.168.0.3 --json", "prints one snapshot for a script"],
  ],
  parser: object({
    config: optional(
      option("--config", string({ metavar: "FILE" }), { description: message`config file to use` }),
    ),
    json: withDefault(
      flag("--json", { description: message`print one snapshot as JSON and end` }),
      false,
    ),
    once: withDefault(
      flag("--once", { description: message`print the picture once and end` }),
      false,
    ),
    node: optional(
      argument(string({ metavar: "HOST[:PORT]" }), { description: message`the node to show` }),
    ),
  }),
  run: async ({ config: path, json, once, node }) => {
    const asker = new Asker(loadConfig(path), node);
    try {
      if (json) console.log(JSON.stringify(await asker.ask(), null, 2));
      else if (once || !Deno.stdout.isTerminal()) {
        const everything = { columns: Infinity, rows: Infinity };
        console.log(render(await asker.ask(), everything).join("\n"));
      } else await watch(asker);
    } finally {
      asker.close();
    }
    return exitCodes.ok;
  },
});

/** Asks one node over a connection that is made again after it was lost. */
class Asker {
  #connection: Awaited<ReturnType<typeof connectNode>> | null = null;

  constructor(readonly config: Config, readonly node: string | undefined) {}

  async ask(): Promise<Snapshot> {
    try {
      this.#connection ??= await connectNode(this.config, this.node);
      return await askSnapshot(this.#connection);
    } catch (error) {
      if (error instanceof LbError) this.close();
      throw error;
    }
  }

  close(): void {
    this.#connection?.close();
    this.#connection = null;
  }
}

/** Shows the live view until Ctrl-C or SIGTERM; then the terminal is as it was. */
async function watch(asker: Asker): Promise<void> {
  const end = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let wake = () => {};
  const look = () => wake();
  const stop = () => {
    end.abort();
    wake();
  };
  Deno.addSignalListener("SIGWINCH", look);
  Deno.addSignalListener("SIGINT", stop);
  Deno.addSignalListener("SIGTERM", stop);
  try {
    using painter = new Painter(Deno.stdout);
    await showLive({
      ask: () => asker.ask(),
      painter,
      size: () => Deno.consoleSize(),
      pause: () =>
        new Promise((resolve) => {
          wake = resolve;
          timer = setTimeout(resolve, REFRESH_MS);
        }),
      signal: end.signal,
    });
  } finally {
    clearTimeout(timer);
    Deno.removeSignalListener("SIGWINCH", look);
    Deno.removeSignalListener("SIGINT", stop);
    Deno.removeSignalListener("SIGTERM", stop);
  }
}
