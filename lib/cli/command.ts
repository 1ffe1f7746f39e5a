/**
 * What a subcommand's file exports.
 *
 * Its options by Optique, its help with examples, its body.
 *
 * ```ts ignore
 * export const command = defineCommand({
 *   name: "home",
 *   brief: "bring a process home",
 *   examples: [["lb home 4242", "brings process 4242 back to this node"]],
 *   parser: object({ pid: argument(integer({ metavar: "PID", min: 1 })) }),
 *   run: async ({ pid }) => { ...; return exitCodes.ok; },
 * });
 * ```
 *
 * @module
 */
import { runParserSync } from "@optique/core/facade";
import { formatMessage, lineBreak, type Message, message, text } from "@optique/core/message";
import type { InferValue, Parser } from "@optique/core/parser";
import type { Usage } from "@optique/core/usage";
import { exitCodes, UsageError } from "../base/errors.ts";
import { version } from "../base/version.ts";

/** A subcommand, ready to run. */
export interface Command {
  /** Word after `lb`. */
  readonly name: string;
  /** Its options and arguments, for the completion scripts. */
  readonly usage: Usage;
  /**
   * Parses the arguments after the subcommand's name and runs it.
   *
   * @returns The exit code.
   * @throws {UsageError} If the arguments are wrong.
   */
  run(args: readonly string[]): Promise<number>;
}

/** What {@linkcode defineCommand} is told. */
export interface CommandSpec<P extends Parser<"sync", unknown, unknown>> {
  /** Word after `lb`. */
  readonly name: string;
  /** What it does, in a few words that start with a verb. */
  readonly brief: string;
  /** More about it, one paragraph each. */
  readonly description?: readonly string[];
  /** Command lines that work, each with what it does. */
  readonly examples: readonly (readonly [commandLine: string, does: string])[];
  /** The options; `object({})` if there are none. */
  readonly parser: P;
  /** The body; returns the exit code. Failures are thrown. */
  readonly run: (options: InferValue<P>) => Promise<number> | number;
}

/** Thrown out of the parser once help or the version has been shown. */
class Shown extends Error {}

function paragraphs(lines: readonly string[]): Message {
  return lines.flatMap((line, index) =>
    index === 0 ? [text(line)] : [lineBreak(), lineBreak(), text(line)]
  );
}

function exampleLines(examples: readonly (readonly [string, string])[]): Message {
  const width = Math.max(...examples.map(([line]) => line.length));
  return examples.flatMap(([line, does], index) => [
    ...(index === 0 ? [] : [lineBreak()]),
    text(`${line.padEnd(width)}  ${does}`),
  ]);
}

/** Makes a subcommand of its parts. */
export function defineCommand<P extends Parser<"sync", unknown, unknown>>(
  spec: CommandSpec<P>,
): Command {
  const shown = (): never => {
    throw new Shown();
  };
  const parse = (args: readonly string[]): InferValue<P> =>
    runParserSync(spec.parser, `lb ${spec.name}`, args, {
      brief: message`${text(`lb ${spec.name}: ${spec.brief}`)}`,
      description: paragraphs(spec.description ?? []),
      examples: exampleLines(spec.examples),
      help: { option: { names: ["--help", "-h"] }, onShow: shown },
      version: { option: true, value: version, onShow: shown },
      colors: false,
      maxWidth: 100,
      showDefault: true,
      showChoices: true,
      aboveError: "none",
      stdout: (line) => console.log(line),
      stderr: () => {},
      onError: (_code, error): never => {
        const reason = formatMessage(error, { colors: false, quotes: true }).replace(/\.$/, "");
        throw new UsageError(`Cannot run lb ${spec.name} with these arguments: ${reason}`, {
          fix: `See \`lb ${spec.name} --help\``,
        });
      },
    });
  return {
    name: spec.name,
    usage: spec.parser.usage,
    async run(args) {
      let options: InferValue<P>;
      try {
        options = parse(args);
      } catch (error) {
        if (error instanceof Shown) return exitCodes.ok;
        throw error;
      }
      return await spec.run(options);
    },
  };
}
