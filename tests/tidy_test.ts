/** Tests of the repository itself: sizes, words, the public surface. */
import assert from "node:assert/strict";
import $ from "../tools/commands.ts";
import {
  assertNone,
  fileOf,
  isTest,
  read,
  root,
  type SourceFile,
  sources,
  texts,
  typescript,
} from "./repository.ts";
import { visit } from "./syntax.ts";

const GENERATED = new Set(["c/include/lb_wire.h", "lib/wire/layout.ts"]);

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

/** Words that GLOSSARY's last column says are never written, each with the word to write instead. */
function neverWords(glossary: string): { never: string; word: string }[] {
  return glossary.split("\n").flatMap((row) => {
    const [, word = "", , never = ""] = row.split(/(?<!\\)\|/);
    return [...never.matchAll(/`([^`]+)`/g)]
      .map(([, name = ""]) => ({ never: name, word: word.replace(/[*`]/g, "").trim() }));
  });
}

/** Lines of a file in which a word stands that is never written, in a name too. */
function wrongWords(
  { path, lines }: SourceFile,
  words: readonly { never: string; word: string }[],
): string[] {
  const patterns = words.map(({ never, word }) => ({
    pattern: new RegExp(`(?<![a-z])${never}s?(?![a-z])`, "i"),
    word,
  }));
  return lines.flatMap((line, index) =>
    patterns.filter(({ pattern }) => pattern.test(line))
      .map(({ word }) => `${path}:${index + 1} ${line.trim()}\n    say: ${word}`)
  );
}

Deno.test("words have one meaning: nothing is called what GLOSSARY says it never is", () => {
  const words = neverWords(read("docs/GLOSSARY.md").text);
  assert.ok(words.length > 20);
  const files = texts.filter(({ path }) =>
    /^(lib|c|ffi|main|mod|docs|config|README|CONTRIBUTING)\b/.test(path) &&
    path !== "docs/GLOSSARY.md"
  );
  assertNone(files.flatMap((file) => wrongWords(file, words)), "See docs/GLOSSARY.md");
  for (const text of ["the whitelist of nodes", "const masters = 1;", "/* a core dump */"]) {
    assert.equal(wrongWords(fileOf("lib/a.ts", text), words).length, 1, text);
  }
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
  const { nodes } = await $`${Deno.execPath()} doc --json mod.ts`.cwd(root).json() as {
    nodes: { name: string; kind: string; declarationKind: string; jsDoc?: unknown }[];
  };
  const undocumented = nodes.filter(({ kind, declarationKind, jsDoc }) =>
    kind !== "moduleDoc" && declarationKind === "export" && jsDoc === undefined
  ).map(({ name }) => name);
  assertNone([...new Set(undocumented)], "Say what it is in its docstring");
});

/** Tables, which grow by rows and are read like a list. */
const TABLES = new Set(["c/include/lb_syscalls.h"]);

/** Something with a length in lines. */
interface Sized {
  readonly name: string;
  readonly lines: number;
}

/** What a distribution of lengths must keep. */
interface Bounds {
  /** Half of all are at most this long: most are read at one glance. */
  readonly p50: number;
  /** Nine tenths. */
  readonly p90: number;
  /** Longer than this is certainly two. */
  readonly max: number;
  /** Width of a bin in which lengths are counted to see a pile. */
  readonly bin: number;
  /** How many a bin may hold more than both before it; three. A larger number only shrinks. */
  readonly slack?: number;
}

function percentile(all: readonly Sized[], share: number): number {
  const sorted = all.map(({ lines }) => lines).sort((a, b) => a - b);
  return sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
}

/**
 * Bins in the upper tenth of a distribution that hold more than both bins before them, and some more.
 * Lengths thin out upward; where they pile up, a bound was obeyed and the thought was not.
 */
function piles(all: readonly Sized[], { p90, bin, slack = 3 }: Bounds): string[] {
  const inBin = (index: number) =>
    all.filter(({ lines }) => Math.ceil(lines / bin) - 1 === index).map(({ name }) => name);
  const last = Math.ceil(Math.max(0, ...all.map(({ lines }) => lines)) / bin);
  return Array.from({ length: last }, (_, index) => index).flatMap((index) => {
    const here = inBin(index);
    const before = inBin(index - 1).length + inBin(index - 2).length;
    return index * bin < p90 || here.length <= before + slack
      ? []
      : [`${here.length} between ${index * bin + 1} and ${(index + 1) * bin}: ${here.join(", ")}`];
  });
}

/** What a distribution has against its bounds. */
function against(all: readonly Sized[], bounds: Bounds): string[] {
  const p50 = percentile(all, 0.5);
  const p90 = percentile(all, 0.9);
  return [
    ...(p50 > bounds.p50 ? [`half of them have up to ${p50} lines, ${bounds.p50} allowed`] : []),
    ...(p90 > bounds.p90 ? [`nine tenths have up to ${p90} lines, ${bounds.p90} allowed`] : []),
    ...all.filter(({ lines }) => lines > bounds.max)
      .map(({ name, lines }) => `${name}: ${lines} lines, ${bounds.max} allowed`),
    ...piles(all, bounds),
  ];
}

function sizesOf(files: readonly SourceFile[]): Sized[] {
  return files.filter(({ path }) => !GENERATED.has(path) && !TABLES.has(path))
    .map(({ path, lines }) => ({ name: path, lines: lines.length - 1 }));
}

/** Bodies of the functions of a TypeScript file. */
function functionsOf({ path, text }: SourceFile): Sized[] {
  const found: Sized[] = [];
  const add = (
    node:
      | Deno.lint.FunctionDeclaration
      | Deno.lint.FunctionExpression
      | Deno.lint.ArrowFunctionExpression,
  ) => {
    if (node.body?.type !== "BlockStatement") return;
    const lines = text.slice(...node.body.range).split("\n").length - 2;
    const line = text.slice(0, node.range[0]).split("\n").length;
    found.push({ name: `${path}:${line}`, lines: Math.max(1, lines) });
  };
  visit(path, text, {
    FunctionDeclaration: add,
    FunctionExpression: add,
    ArrowFunctionExpression: add,
  });
  return found;
}

/** Bodies of the functions of a C file, by the braces in the first column, where the formatter puts them. */
function functionsOfC({ path, lines }: SourceFile): Sized[] {
  const found: Sized[] = [];
  let start = -1;
  lines.forEach((line, index) => {
    if (line === "{") start = index;
    if (line === "}" && start >= 0) {
      found.push({ name: `${path}:${start}`, lines: index - start - 1 });
      start = -1;
    }
  });
  return found;
}

const c = sources.filter(({ path }) => /^c\/.*\.[chS]$/.test(path));
const product = typescript.filter(({ path }) => !isTest(path));
const tests = typescript.filter(({ path }) => isTest(path));

const distributions: readonly (readonly [name: string, all: readonly Sized[], bounds: Bounds])[] = [
  ["files of TypeScript", sizesOf(product), { p50: 115, p90: 280, max: 600, bin: 40 }],
  ["files of C", sizesOf(c), { p50: 90, p90: 300, max: 600, bin: 50 }],
  ["files of tests", sizesOf(tests), { p50: 120, p90: 260, max: 1000, bin: 50 }],
  ["functions of TypeScript", product.flatMap(functionsOf), { p50: 8, p90: 24, max: 75, bin: 8 }],
  ["functions of C", c.flatMap(functionsOfC), { p50: 10, p90: 26, max: 70, bin: 8 }],
];

for (const [name, all, bounds] of distributions) {
  Deno.test(`${name} are short, as a distribution and without a pile`, () => {
    assertNone(against(all, bounds), "Split by noun what holds two; let be longer what holds one");
  });
}

Deno.test("main.ts has at most 60 lines", () => {
  const [main] = sizesOf(typescript.filter(({ path }) => path === "main.ts"));
  assert.ok(main !== undefined && main.lines <= 60);
});

Deno.test("a long file, a long tail and a pile under a bound are found", () => {
  const bounds = { p50: 100, p90: 200, max: 400, bin: 40 };
  const of = (...lengths: number[]) => lengths.map((lines, name) => ({ name: `${name}`, lines }));
  const many = Array.from({ length: 60 }, (_, index) => 20 + index);
  assert.deepEqual(against(of(...many, 210, 230, 260, 290), bounds), []);
  assert.equal(against(of(...many, 401), bounds).length, 1);
  assert.equal(against(of(...many.map((lines) => lines + 60)), bounds).length, 1);
  assert.equal(against(of(...many.slice(0, 40), ...many.map(() => 150)), bounds).length > 0, true);
  assert.match(
    against(of(...many, 381, 390, 395, 399, 400), bounds).join(),
    /^5 between 361 and 400/,
  );
});

Deno.test("functions are measured in both languages", () => {
  const text =
    "function a() {\n  b;\n  c;\n}\nconst d = () => {\n  e;\n};\nclass F {\n  g() {\n    h;\n  }\n}\n";
  assert.deepEqual(functionsOf(fileOf("lib/a.ts", text)).map(({ lines }) => lines), [2, 1, 1]);
  const textOfC = "int a(void)\n{\n\tif (b) {\n\t}\n\treturn 0;\n}\n";
  assert.deepEqual(functionsOfC(fileOf("c/a.c", textOfC)).map(({ lines }) => lines), [3]);
});
