/**
 * The documents for contributors.
 *
 * Short, drawn, and true of the files that they name.
 */
import assert from "node:assert/strict";
import { assertNone, exists, fileOf, read, type SourceFile, texts } from "./repository.ts";

const documents = texts.filter(({ path }) => path.endsWith(".md"));
/** Those that are read on a terminal, beside the code. */
const narrow = documents.filter(({ path }) =>
  path.startsWith("docs/internals/") || /^(docs\/ARCHITECTURE|CONTRIBUTING)\.md$/.test(path)
);
const COLUMNS_MAX = 100;
/** A page: what a person reads in ten minutes. */
const TOUR_LINES_MAX = 100;

/** Lines that are wider than a terminal; a row of a table cannot be broken. */
function wideLines({ path, lines }: SourceFile): string[] {
  return lines.flatMap((line, index) =>
    [...line].length > COLUMNS_MAX && !line.startsWith("|") ? [`${path}:${index + 1}`] : []
  );
}

/** Whether a document has a drawing: a block of characters with an arrow. */
function hasDrawing({ text }: SourceFile): boolean {
  return [...text.matchAll(/^```\n([^]*?)^```$/gm)]
    .some(([, block = ""]) => /[►◄▼▲]/.test(block));
}

/** Links to files that are not there. */
function deadLinks({ path, text }: SourceFile): string[] {
  return [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, target = ""]) => target)
    .map((target) => new URL(target, `file:///${path}`).pathname.slice(1))
    .filter((target) => !exists(target)).map((target) => `${path} links to ${target}`);
}

Deno.test("internals and tour are at most 100 columns wide, each with a drawing", () => {
  assert.ok(narrow.length > 10);
  assertNone(narrow.flatMap(wideLines), "Break the line");
  const drawn = narrow.filter(({ path }) => path.startsWith("docs/"));
  assertNone(
    drawn.filter((file) => !hasDrawing(file)).map(({ path }) => path),
    "Draw its data's way",
  );
  assert.deepEqual(wideLines(fileOf("docs/a.md", "x".repeat(101))), ["docs/a.md:1"]);
  assert.ok(!hasDrawing(fileOf("docs/a.md", "```sh\na ► b\n```\n")));
});

Deno.test("ARCHITECTURE is one page, which leads to each page of internals", () => {
  const { lines, text } = read("docs/ARCHITECTURE.md");
  assert.ok(lines.length <= TOUR_LINES_MAX, `${lines.length} lines`);
  const pages = texts.filter(({ path }) => path.startsWith("docs/internals/"));
  assertNone(
    pages.map(({ path }) => path.slice("docs/".length)).filter((page) => !text.includes(page)),
    "Name it in the tour",
  );
});

Deno.test("links lead to files that are there", () => {
  assertNone(documents.flatMap(deadLinks), "Correct the link");
  assert.equal(deadLinks(fileOf("docs/a.md", "[a](no/such.md#b) [b](https://x)")).length, 1);
});
