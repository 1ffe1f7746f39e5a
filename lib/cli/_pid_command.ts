/**
 * Subcommands that ask this node's daemon about one process.
 *
 * `lb home`, `lb pin`, `lb unpin`, `lb why`.
 *
 * @module
 */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { optional } from "@optique/core/modifiers";
import { argument, option } from "@optique/core/primitives";
import { integer, string } from "@optique/core/valueparser";
import { exitCodes } from "../base/errors.ts";
import { askCommand, connectLocal } from "../host/command_client.ts";
import { loadConfig } from "../host/config.ts";
import { type Command, defineCommand } from "./command.ts";

/** What such a subcommand has of its own; its name is what the daemon is asked. */
export interface PidCommandSpec {
  readonly name: "home" | "pin" | "unpin" | "why";
  readonly brief: string;
  readonly description: readonly string[];
  readonly examples: readonly (readonly [string, string])[];
  /** What to print where the daemon's answer has no words. */
  readonly done?: (pid: number) => string;
}

/** Makes the subcommand. */
export function definePidCommand({ done, ...spec }: PidCommandSpec): Command {
  return defineCommand({
    ...spec,
    parser: object({
      config: optional(
        option("--config", string({ metavar: "FILE" }), {
          description: message`config file to use`,
        }),
      ),
      pid: argument(integer({ metavar: "PID", min: 1 }), {
        description: message`the process, as this node knows it`,
      }),
    }),
    run: async ({ config, pid }) => {
      const connection = await connectLocal(loadConfig(config));
      try {
        const detail = await askCommand(connection, { command: spec.name, pid });
        console.log(detail === "" && done !== undefined ? done(pid) : detail);
      } finally {
        connection.close();
      }
      return exitCodes.ok;
    },
  });
}
