/**
 * The entry of `lb`.
 *
 * Arguments to a row of the command table to an exit code.
 *
 * @module
 */
import { exitCodeOf, exitCodes, formatError, UsageError } from "./lib/base/errors.ts";
import { version } from "./lib/base/version.ts";
import { overview, table } from "./lib/cli/table.ts";

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === "--version" || name === "-V") {
    console.log(version);
    return exitCodes.ok;
  }
  if (name === "--help" || name === "-h" || name === "help") {
    const row = rest[0] === undefined ? undefined : table[rest[0]];
    if (row !== undefined) return await (await row.load()).command.run(["--help"]);
    console.log(overview());
    return exitCodes.ok;
  }
  const row = name !== undefined && Object.hasOwn(table, name) ? table[name] : undefined;
  if (row === undefined) {
    throw new UsageError(
      name === undefined
        ? "Cannot run lb without a subcommand: none is given"
        : `Cannot run lb with the subcommand '${name}': there is none of that name`,
      { fix: `Choose one of ${Object.keys(table).join(", ")}; \`lb --help\` explains them` },
    );
  }
  return await (await row.load()).command.run(rest);
}

let code: number;
try {
  code = await main(Deno.args);
} catch (error) {
  code = exitCodeOf(error);
  console.error(formatError(error));
}
Deno.exit(code);
