/**
 * Formats the C sources by `.clang-format`.
 *
 * `format_c.ts` all of them, or the files named; with `--check` it only names those that it would
 * change, and exits with 1.
 *
 * The formatter is LLVM's own, compiled to WebAssembly, so that every machine has the same version.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { format } from "@wasm-fmt/clang-format";

const root = fileURLToPath(new URL("../", import.meta.url));
/** Folders with C of ours. */
const FOLDERS = ["c", "tests"];
/** What a generator prints. */
const GENERATED = new Set(["c/include/lb_wire.h"]);

/** All `.c` and `.h` files below a folder, as paths from the root. */
function listSources(folder: string): string[] {
  return [...Deno.readDirSync(root + folder)].flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) return listSources(path);
    return /\.[ch]$/.test(entry.name) && !GENERATED.has(path) ? [path] : [];
  }).sort();
}

/** Formats files, or with `check` only tells which are not formatted. Returns those. */
export function formatC(
  paths: readonly string[],
  { check }: { readonly check: boolean },
): string[] {
  const style = Deno.readTextFileSync(`${root}.clang-format`);
  return paths.filter((path) => {
    const text = Deno.readTextFileSync(root + path);
    const formatted = format(text, path, style);
    if (formatted !== text && !check) Deno.writeTextFileSync(root + path, formatted);
    return formatted !== text;
  });
}

if (import.meta.main) {
  const check = Deno.args.includes("--check");
  const named = Deno.args.filter((arg) => arg !== "--check");
  const changed = formatC(named.length > 0 ? named : FOLDERS.flatMap(listSources), { check });
  for (const path of changed) console.log(`${check ? "not formatted" : "formatted"}: ${path}`);
  if (check && changed.length > 0) {
    console.log("format_c: run `npm run task -- fmt-c`");
    Deno.exit(1);
  }
}
