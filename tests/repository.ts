/** The repository's own files, for the tests that read them. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

/** The repository, with a slash at the end. */
export const root = fileURLToPath(new URL("../", import.meta.url));

/** Folders of the project's own files; what a build makes is not among them. */
const FOLDERS = ["bench", "c", "config", "docs", "ffi", "lib", "tests", "tools"];
/** Folders that need not be there. */
const MORE_FOLDERS = ["examples"];
/** Files at the top that are ours. */
const TOP_FILES = [
  ...["main.ts", "mod.ts", "deno.json", "package.json", ".ci/run"],
  ...["README.md", "CONTRIBUTING.md", "CHANGELOG.md", ".clang-format"],
];

/** A file as text. */
export interface SourceFile {
  /** From the repository's root. */
  readonly path: string;
  readonly text: string;
  readonly lines: readonly string[];
}

/** Whether there is such a file or folder. */
export function exists(path: string): boolean {
  try {
    Deno.statSync(root + path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function listFiles(folder: string): string[] {
  return [...Deno.readDirSync(root + folder)].flatMap((entry) =>
    entry.isDirectory ? listFiles(`${folder}/${entry.name}`) : [`${folder}/${entry.name}`]
  );
}

/** Makes a file of a text, for rules that are to be tripped. */
export function fileOf(path: string, text: string): SourceFile {
  return { path, text, lines: text.split("\n") };
}

/** Reads one file. */
export function read(path: string): SourceFile {
  return fileOf(path, Deno.readTextFileSync(root + path));
}

/** All files of ours. */
export const paths: readonly string[] = [
  ...[...FOLDERS, ...MORE_FOLDERS.filter(exists)].flatMap(listFiles),
  ...TOP_FILES.filter(exists),
].sort();
/** Those that are programs. */
export const sources: readonly SourceFile[] = paths
  .filter((path) => /\.(ts|c|h|S|ld)$/.test(path)).map(read);
export const typescript: readonly SourceFile[] = sources.filter(({ path }) => path.endsWith(".ts"));
/** Those that people read. */
export const texts: readonly SourceFile[] = paths
  .filter((path) => /\.(ts|c|h|S|ld|md|toml|json|service)$|\/run$/.test(path)).map(read);

export const isTest = (path: string): boolean =>
  /_test\.ts$|_bench\.ts$|^tests\/|^bench\//.test(path);

/** Fails with all findings at once. */
export function assertNone(findings: readonly string[], rule: string): void {
  assert.equal(findings.length, 0, `${rule}:\n${findings.join("\n")}`);
}
