/**
 * The documents for contributors.
 *
 * Short, drawn, and true of the files that they name.
 */
import assert from "node:assert/strict";
import { schema } from "../lib/wire/schema.ts";
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

/** Commands of a document's shell blocks, without their comments. */
function commandsOf({ text }: SourceFile): string[] {
  return [...text.matchAll(/^```sh\n([^]*?)^```$/gm)].flatMap(([, block = ""]) =>
    block.split("\n").map((line) => line.replace(/\s+#.*$/, "").trim()).filter((line) =>
      line !== ""
    )
  );
}

/** What a command names that is not there: a script, a task, a file, a fault point. */
function missingIn(command: string): string[] {
  const { scripts } = JSON.parse(read("package.json").text) as { scripts: Record<string, string> };
  const { tasks } = JSON.parse(read("deno.json").text) as { tasks: Record<string, string> };
  const script = /\bnpm (?:run )?(\w+)/.exec(command)?.[1];
  const task = /\bnpm run task -- (\S+)/.exec(command)?.[1];
  const files = [...command.matchAll(/(?<=\s)(?:lib|tests|tools|c)\/\S+/g)].map(([path]) => path);
  const point = /\bTRIAL=(\w+):/.exec(command)?.[1];
  return [
    ...(script === undefined || script === "ci" || script in scripts ? [] : [`script ${script}`]),
    ...(task === undefined || task in tasks ? [] : [`task ${task}`]),
    ...files.filter((path) => !exists(path)),
    ...(point === undefined || point in schema.faults ? [] : [`fault point ${point}`]),
  ].map((missing) => `${command}: no ${missing}`);
}

Deno.test("the commands of CONTRIBUTING name what is there", () => {
  const commands = commandsOf(read("CONTRIBUTING.md"));
  assert.ok(commands.length >= 9);
  assertNone(commands.flatMap(missingIn), "Correct the command");
  const trips = [
    "npm run nothing",
    "npm run task -- nothing",
    "npm test -- lib/no_test.ts",
    "TRIAL=nowhere:kill npm test",
  ];
  for (const command of trips) assert.equal(missingIn(command).length, 1, command);
});
