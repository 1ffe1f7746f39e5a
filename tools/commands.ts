/**
 * Runs commands of tools and tests, by dax.
 *
 * dax looks for a command in each folder of PATH and fails at one that this user may not search, such as
 * root's own after su(1); execvp(3) goes on with the next, and so does this.
 *
 * @module
 */
import { build$, CommandBuilder } from "dax";

/** Whether a folder can be searched, as far as stat(2) can tell; one that is not there can. */
function isSearchable(folder: string): boolean {
  try {
    Deno.statSync(`${folder}/.`);
    return true;
  } catch (error) {
    return error instanceof Deno.errors.NotFound;
  }
}

/** PATH without the folders that this user may not search. */
export function searchablePath(path: string): string {
  return path.split(":").filter((folder) => folder !== "" && isSearchable(folder)).join(":");
}

/** As dax's own `$`. */
const $ = build$({
  commandBuilder: new CommandBuilder().env("PATH", searchablePath(Deno.env.get("PATH") ?? "")),
});

export default $;
