/**
 * Prints `docs/SYSCALLS.md` and `lib/wire/system_calls.ts` from `c/include/lb_syscalls.h`.
 *
 * So that what is said of a call is what is done.
 *
 * `syscalls.ts` writes both, `syscalls.ts --check` fails if a committed one is stale.
 *
 * @module
 */
import { HostError, LbError } from "../lib/base/errors.ts";

const TABLE = new URL("../c/include/lb_syscalls.h", import.meta.url);
const OPERANDS = new URL("../c/include/lb_operands.h", import.meta.url);
const PAGE = new URL("../docs/SYSCALLS.md", import.meta.url);
const NAMES = new URL("../lib/wire/system_calls.ts", import.meta.url);

const PLACES = ["HOME", "HERE", "OWN", "COME", "REFUSED"] as const;

/** One row of the table. */
export interface Row {
  readonly number: number;
  readonly name: string;
  readonly where: typeof PLACES[number];
  readonly flags: readonly string[];
  readonly operands: readonly string[];
  readonly note: string;
}

/** Splits at commas that are in no parentheses. */
function splitArguments(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  [...text].forEach((char, index) => {
    if (char === "(") depth++;
    if (char === ")") depth--;
    if (char !== "," || depth > 0) return;
    parts.push(text.slice(from, index).trim());
    from = index + 1;
  });
  return [...parts, text.slice(from).trim()];
}

/**
 * Reads the rows of `LB_SYSCALL_MAP`, with the comment behind each.
 *
 * @throws {HostError} If something in the table is no row.
 */
export function parseTable(header: string): Row[] {
  const [, table = ""] = /#define LB_SYSCALL_MAP\(X\) \\\n([^]*?[^\\])\n\n/.exec(header) ?? [];
  const text = table.replaceAll(/\s*\\\n\s*(?:\* )?/g, " ");
  const pattern = /\s*X\(((?:[^()]|\([^()]*\))*)\)\s*(?:\/\*\s*(.*?)\s*\*\/)?/y;
  const rows: Row[] = [];
  while (pattern.lastIndex < text.trimEnd().length) {
    const at = pattern.lastIndex;
    const [, inner, note = ""] = pattern.exec(text) ?? [];
    const [number, name, place, flags, ...operands] = splitArguments(inner ?? "");
    const where = PLACES.find((known) => known === place);
    if (name === undefined || flags === undefined || where === undefined) {
      throw new HostError(
        `Cannot read the table of system calls as this is no row: "${text.slice(at, at + 60)}"`,
        { fix: "Write X(number, name, where, flags, arguments...) and at most one comment" },
      );
    }
    rows.push({
      number: Number(number),
      name,
      where,
      flags: flags === "0" ? [] : flags.split("|").map((flag) => flag.trim()),
      operands,
      note,
    });
  }
  return rows;
}

/** The sizes that the operands name: `LB_STAT_SIZE` and its like. */
function parseSizes(header: string): Map<string, string> {
  return new Map(
    [...header.matchAll(/#define (LB_\w+_SIZE) (\d+)/g)].map(([, name = "", size = ""]) => [
      name,
      size,
    ]),
  );
}

/** How one argument travels, in the words that the page explains. */
function operandText(operand: string, sizes: ReadonlyMap<string, string>): string {
  const [, kind = operand, inner = ""] = /^(\w+)\((.*)\)$/.exec(operand) ?? [];
  const [first = "", second = ""] = splitArguments(inner);
  const direction = kind.startsWith("INOUT") || kind.startsWith("IOV_INOUT")
    ? "in out"
    : kind.includes("OUT")
    ? "out"
    : "in";
  if (kind === "V") return "value";
  if (kind === "FD") return "fd";
  if (kind === "PATH") return "path";
  if (kind === "STR") return "text";
  if (kind.endsWith("_STRUCT")) return `${direction} ${sizes.get(first) ?? first}`;
  if (kind.endsWith("_ARRAY")) return `${direction} a${first}·${second}`;
  if (kind.endsWith("_BITS")) return `${direction} a${first} bits`;
  if (kind.endsWith("_BEHIND")) return `${direction} \\*a${first}`;
  if (kind.endsWith("_GIVEN")) return `${direction} by kind`;
  if (kind.startsWith("IOV_")) return `${direction} pieces`;
  return `${direction} a${first}`;
}

function whereText({ where, flags, note }: Row): string {
  const waits = flags.includes("LB_BLOCKS") ? ", waits" : "";
  switch (where) {
    case "HOME":
      return `home${waits}`;
    case "HERE":
      return "node";
    case "OWN":
      return `${/^(home or node|home|node|both|by option)/.exec(note)?.[1] ?? "own"}${waits}`;
    case "COME":
      return "**comes home**";
    case "REFUSED":
      return "ENOSYS";
  }
}

function rowText(row: Row, sizes: ReadonlyMap<string, string>): string {
  const travels = row.operands.map((operand) => operandText(operand, sizes)).join(", ");
  const note = row.where === "OWN"
    ? row.note.replace(/^(home or node|home|node|both|by option)[,;:]?\s*/, "")
    : row.note;
  return `| ${row.number} | ${row.name} | ${whereText(row)} | ${travels} | ${note} |`;
}

/** The whole page as one text. */
export function page(table: string, operands: string): string {
  const rows = parseTable(table);
  const sizes = parseSizes(operands);
  const count = (where: Row["where"]) => rows.filter((row) => row.where === where).length;
  return `<!-- GENERATED by tools/syscalls.ts from c/include/lb_syscalls.h. Do not edit. -->

# System calls of a moved process

What each x86-64 system call of Linux does when a process runs away from home: ${rows.length} rows, of which ${
    count("HOME")
  } go home,
${count("HERE")} run on the node, ${count("OWN")} are decided by their arguments, ${
    count("COME")
  } bring the process home, and ${count("REFUSED")} are in no kernel any more. Terms are in
[GLOSSARY.md](GLOSSARY.md), what else a moved program may notice in [LIMITS.md](LIMITS.md).

| where | means |
|---|---|
| home | the shadow executes it, in the process's own PID |
| node | it is executed where the process runs |
| both | part there and part here |
| comes home | the process moves back and makes it there; it stays until it executes another program |
| ENOSYS | as on every kernel in use |
| waits | a signal, or an order to move, ends or interrupts the wait as it does at home |

What travels, argument by argument: \`value\` as it is; \`fd\` a descriptor; \`path\` and \`text\` a string; \`in\`, \`out\` and \`in out\` memory
to home, from home, or both, of so many bytes, or of as many as argument \`aN\` says (from 0), times the bytes an element, or as the
number says that \`*aN\` points to; \`pieces\` the memory of an iovec array; \`by kind\` as the call's kind or version says.

| number | name | where | what travels | notes |
|---|---|---|---|---|
${rows.map((row) => rowText(row, sizes)).join("\n")}
`;
}

/** The names of all calls as a module. */
export function names(table: string): string {
  const rows = parseTable(table).map(({ number, name }) => `  ${number}: "${name}",`);
  return `/**
 * GENERATED by tools/syscalls.ts from c/include/lb_syscalls.h. Do not edit.
 *
 * @module
 */

/** Names of the system calls of Linux, by their numbers on x86-64. */
export const systemCallNames: Readonly<Record<number, string>> = {
${rows.join("\n")}
};
`;
}

/** What is generated: where, and the text. */
async function generated(): Promise<(readonly [file: URL, text: string])[]> {
  const table = await Deno.readTextFile(TABLE);
  return [
    [PAGE, page(table, await Deno.readTextFile(OPERANDS))],
    [NAMES, names(table)],
  ];
}

/**
 * Checks that the committed page and names are what the table says.
 *
 * @throws {HostError} If one is stale.
 */
export async function checkGenerated(): Promise<void> {
  for (const [file, text] of await generated()) {
    if (await Deno.readTextFile(file).catch(() => "") === text) continue;
    const name = file.pathname.slice(new URL("..", import.meta.url).pathname.length);
    throw new HostError(
      `Cannot accept ${name} as it must be what c/include/lb_syscalls.h says: it is stale`,
      { fix: "Run `npm run task -- gen` and commit the file" },
    );
  }
}

if (import.meta.main) {
  try {
    if (Deno.args.includes("--check")) await checkGenerated();
    else for (const [file, text] of await generated()) await Deno.writeTextFile(file, text);
  } catch (error) {
    if (!(error instanceof LbError)) throw error;
    console.error(`syscalls: ${error.message}\n    fix: ${error.fix}`);
    Deno.exit(1);
  }
}
