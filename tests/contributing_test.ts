/**
 * The documents for contributors.
 *
 * Short, drawn, and true of the files that they name.
 */
import assert from "node:assert/strict";
import { schema } from "../lib/wire/schema.ts";
import { ladders } from "../tools/callgraph.ts";
import {
  assertNone,
  exists,
  fileOf,
  isTest,
  paths,
  read,
  type SourceFile,
  texts,
} from "./repository.ts";

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

/** A recipe of CONTRIBUTING: how to add one of something, on the example of one that exists. */
interface Recipe {
  readonly title: string;
  /** The example's word. */
  readonly word: string;
  readonly paths: readonly string[];
  /** Whether a command that tests it follows. */
  readonly hasTest: boolean;
}

function recipesOf({ text }: SourceFile): Recipe[] {
  return text.split(/^##+ /m).slice(1).flatMap((section) => {
    const [, title = "", word = ""] = /^(.+), like `([^`]+)`\n/.exec(section) ?? [];
    if (word === "") return [];
    const cells = [...section.matchAll(/^\| (`[^|]+) \|/gm)].map(([, cell = ""]) => cell);
    return [{
      title,
      word,
      paths: cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, path = ""]) => path)),
      hasTest: /^```sh\n(?:.*\n)*?.*npm test -- /m.test(section),
    }];
  });
}

/** Whether a file, or its name, has a word, also as C writes it: `guestParked` is `GUEST_PARKED`. */
function holds({ path, text }: SourceFile, word: string): boolean {
  const inC = word.replace(/([a-z])([A-Z])/g, "$1_$2").toUpperCase();
  const pattern = new RegExp(
    word === inC ? `(?<![A-Z])${inC}(?![A-Z_])` : `(?<![A-Za-z])${word}|(?<![A-Z])${inC}(?![A-Z_])`,
  );
  return pattern.test(text) || path.includes(word);
}

/** What a recipe has against it: files that are not there or not of it, and files that it forgets. */
function wrongIn(recipe: Recipe, files: readonly SourceFile[]): string[] {
  const { title, word, paths, hasTest } = recipe;
  const of = files.filter((file) => holds(file, word)).map(({ path }) => path);
  return [
    ...(hasTest ? [] : [`${title}: no test`]),
    ...paths.filter((path) => !of.includes(path)).map((path) => `${title}: no ${word} in ${path}`),
    ...of.filter((path) => !paths.includes(path)).map((path) => `${title}: forgets ${path}`),
  ];
}

Deno.test("each recipe of CONTRIBUTING names the files of its example, all of them, and a test", () => {
  const recipes = recipesOf(read("CONTRIBUTING.md"));
  assert.ok(recipes.length >= 7);
  // Tests are found by their names.
  const files = texts.filter(({ path }) =>
    /^(lib|c|ffi|config|docs|tests\/vectors)\b|^(main|mod)\.ts$/.test(path) && !isTest(path)
  );
  const vectors = paths.filter((path) => path.startsWith("tests/vectors/frame_")).map(read);
  assertNone(recipes.flatMap((recipe) => wrongIn(recipe, [...files, ...vectors])), "Correct it");
  const recipe = { title: "x", word: "pinned", paths: ["a.ts", "b.ts"], hasTest: false };
  const world = [fileOf("b.ts", "pinned"), fileOf("c.ts", "is pinned")];
  assert.deepEqual(wrongIn(recipe, world), [
    "x: no test",
    "x: no pinned in a.ts",
    "x: forgets c.ts",
  ]);
});

/** Rows of "Where is ...?": what is asked for, the path, and what to look for there. */
function placesOf({ text }: SourceFile): { question: string; path: string; word: string }[] {
  const [, section = ""] = text.split(/^## Where is .*$/m);
  return [...section.matchAll(/^\| ((?:[^|`]|`[^`]+`)+) \| `([^`]+)` \| `([^`]+)` \|$/gm)]
    .map(([, question = "", path = "", word = ""]) => ({ question, path, word }));
}

/** Places that are not there, or where nothing is found. */
function lostPlaces(document: SourceFile): string[] {
  return placesOf(document).flatMap(({ question, path, word }) =>
    exists(path) && read(path).text.includes(word) ? [] : [`${question}: ${path} has no ${word}`]
  );
}

Deno.test("what a newcomer asks for is where CONTRIBUTING says", () => {
  const document = read("CONTRIBUTING.md");
  assert.ok(placesOf(document).length >= 20);
  assertNone(lostPlaces(document), "Correct the table");
  const trip =
    "## Where is ...?\n\n| a `b` c | `no/such.ts` | `x` |\n| d | `mod.ts` | `no such` |\n";
  assert.equal(lostPlaces(fileOf("CONTRIBUTING.md", trip)).length, 2);
});

Deno.test("CONTRIBUTING draws the rooms of the C library's ladder", () => {
  const { text } = read("CONTRIBUTING.md");
  const rooms = ladders.library.flat().map((room) => room.replace(/^library\//, ""));
  assertNone(rooms.filter((room) => !new RegExp(`\\b${room}\\b`).test(text)), "Draw it");
});

/** Paths of the repository that a document names and that are not there; `*` stands for a name. */
function lostPaths({ path, text }: SourceFile): string[] {
  return [...text.matchAll(/`((?:lib|c|ffi|tools|tests|bench|config|docs|examples)\/[^`\s]*)`/g)]
    .map(([, named = ""]) => named).filter((named) => !/[A-Z]{4}|[*{]/.test(named))
    .filter((named) => !exists(named)).map((named) => `${path} names ${named}`);
}

Deno.test("paths that documents name are there", () => {
  const current = documents.filter(({ path }) => path !== "CHANGELOG.md");
  assertNone(current.flatMap(lostPaths), "Correct the path");
  const trip = fileOf("docs/a.md", "See `c/no/such.c`, `lib/core/` and `tests/programs/NAME.c`.");
  assert.deepEqual(lostPaths(trip), ["docs/a.md names c/no/such.c"]);
});
