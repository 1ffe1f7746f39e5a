/** Tests of the repository itself: sizes, words, the public surface. */
import assert from "node:assert/strict";
import { assertNone, isTest, read, root, type SourceFile, sources, texts } from "./repository.ts";

const GENERATED = new Set(["c/include/lb_wire.h"]);
/** Tables, which grow by rows and are read like a list. */
const TABLES = new Set(["lib/wire/schema.ts", "c/include/lb_syscalls.h"]);

Deno.test("the restorer includes nothing of libc", () => {
  const allowed =
    /^<(stdint|stddef|stdbool|stdarg)\.h>$|^<(linux|asm)\/[a-z0-9_/-]+\.h>$|^"[^"]+"$/;
  const findings = sources.filter(({ path }) => /^c\/(restorer|library|base)\//.test(path))
    .flatMap(({ path, lines }) =>
      lines.flatMap((line, index) => {
        const target = /^\s*#\s*include\s+(\S+)/.exec(line)?.[1];
        return target === undefined || allowed.test(target)
          ? []
          : [`${path}:${index + 1} ${target}`];
      })
    );
  assertNone(findings, "Freestanding parts include the kernel's headers and ours");
});

Deno.test("files are short: 400 lines of TypeScript, 520 of C, 1000 of tests, 60 of main.ts", () => {
  const short = sources.filter(({ path }) => !GENERATED.has(path) && !TABLES.has(path));
  const findings = short.flatMap(({ path, lines }) => {
    const max = path === "main.ts" ? 60 : isTest(path) ? 1000 : path.endsWith(".ts") ? 400 : 520;
    const count = lines.length - 1;
    return count > max ? [`${path}: ${count} lines, ${max} allowed`] : [];
  });
  assertNone(findings, "Split by noun");
});

/** Functions of C that are longer than R20 allows, by the braces in the first column. */
function longFunctions({ path, lines }: SourceFile): string[] {
  const findings: string[] = [];
  let start = -1;
  lines.forEach((line, index) => {
    if (line === "{") start = index;
    if (line === "}" && start >= 0) {
      if (index - start - 1 > 70) findings.push(`${path}:${start} has ${index - start - 1} lines`);
      start = -1;
    }
  });
  return findings;
}

Deno.test("functions of C have at most 70 lines", () => {
  assertNone(
    sources.filter(({ path }) => path.endsWith(".c") && !path.startsWith("tests/"))
      .flatMap(longFunctions),
    "Split what is longer",
  );
});

/** Width of a line with tabs of 8, as the kernel's style has them. */
function width(line: string): number {
  let column = 0;
  for (const char of line) column = char === "\t" ? (Math.floor(column / 8) + 1) * 8 : column + 1;
  return column;
}

Deno.test("lines of C have at most 120 columns", () => {
  const findings = sources.filter(({ path }) => /\.[chS]$/.test(path) && !GENERATED.has(path))
    .flatMap(({ path, lines }) =>
      lines.flatMap((line, index) =>
        // A C test names its units in its first line, whatever their number.
        width(line) > 120 && !line.includes("Units:") ? [`${path}:${index + 1}`] : []
      )
    );
  assertNone(findings, "Break the line");
});

Deno.test("no file ends without a newline, has blanks at a line's end, or says fix me", () => {
  // Written in two parts so that this file does not find itself.
  const banned = new RegExp(
    `\\b(${["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"].join("|")})\\b`,
  );
  const findings = texts.flatMap(({ path, text, lines }) => [
    ...(text.endsWith("\n") ? [] : [`${path}: no newline at its end`]),
    ...lines.flatMap((line, index) => [
      ...(/[ \t]$/.test(line) ? [`${path}:${index + 1} ends with a blank`] : []),
      ...(banned.test(line) ? [`${path}:${index + 1} ${banned.exec(line)?.[1]}`] : []),
    ]),
  ]);
  assertNone(findings, "Finish it, or say in docs/LIMITS.md what is missing");
});

Deno.test("words have one meaning: a machine in the cluster is a node", () => {
  const findings = texts.filter(({ path }) => /^(lib|c|ffi|main|mod)\b/.test(path))
    .flatMap(({ path, lines }) =>
      lines.flatMap((line, index) =>
        /\b(master|slave|whitelist|blacklist)\b/i.test(line) ? [`${path}:${index + 1} ${line}`] : []
      )
    );
  assertNone(findings, "See docs/GLOSSARY.md");
});

Deno.test("each file says in its first line what it is for", () => {
  const findings = sources.filter(({ path, lines }) =>
    !/^\/\*|^\/\/|^"use|^#!/.test(lines[0] ?? "") && !path.endsWith("_test.ts")
  ).map(({ path }) => path);
  assertNone(findings, "Begin with a comment of one sentence");
});

Deno.test("mod.ts names its exports, and each of them is documented", async () => {
  const { text } = read("mod.ts");
  assert.doesNotMatch(text, /export \*/);
  const output = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--json", "mod.ts"],
    cwd: root,
  }).output();
  assert.ok(output.success, new TextDecoder().decode(output.stderr));
  const { nodes } = JSON.parse(new TextDecoder().decode(output.stdout)) as {
    nodes: { name: string; kind: string; declarationKind: string; jsDoc?: unknown }[];
  };
  const undocumented = nodes.filter(({ kind, declarationKind, jsDoc }) =>
    kind !== "moduleDoc" && declarationKind === "export" && jsDoc === undefined
  ).map(({ name }) => name);
  assertNone([...new Set(undocumented)], "Say what it is in its docstring");
});
