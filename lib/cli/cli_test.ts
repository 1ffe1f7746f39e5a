import assert from "node:assert/strict";
import $ from "../../tools/commands.ts";
import { object } from "@optique/core/constructs";
import { argument } from "@optique/core/primitives";
import { integer } from "@optique/core/valueparser";
import { UsageError } from "../base/errors.ts";
import { version } from "../base/version.ts";
import { defineCommand } from "./command.ts";
import { completionScript, shells } from "./completions.ts";
import { parseDaemon } from "./daemon.ts";
import { overview, table } from "./table.ts";

/** Runs with what goes to standard output caught. */
async function catchOutput(run: () => Promise<unknown>): Promise<string> {
  const log = console.log;
  const lines: string[] = [];
  console.log = (...values: unknown[]) => lines.push(values.join(" "));
  try {
    await run();
  } finally {
    console.log = log;
  }
  return lines.join("\n");
}

for (const [name, row] of Object.entries(table)) {
  Deno.test(`lb ${name} --help tells how it is called, with examples`, async () => {
    const { command } = await row.load();
    let code: number | undefined;
    const text = await catchOutput(async () => code = await command.run(["--help"]));
    assert.equal(code, 0);
    assert.match(text, new RegExp(`^lb ${name}: [a-z].*[^.]$`, "m"));
    assert.match(text, new RegExp(`^Usage: lb ${name}\\b`, "m"));
    const examples = text.slice(text.indexOf("Examples:"));
    assert.match(examples, /^Examples:\n +\S/);
    for (const line of text.split("\n")) assert.ok(line.length <= 120, line);
  });

  Deno.test(`lb ${name} --version prints the version`, async () => {
    const { command } = await row.load();
    assert.equal(await catchOutput(() => command.run(["--version"])), version);
  });

  Deno.test(`lb ${name} says what is wrong with an unknown option`, async () => {
    const { command } = await row.load();
    await assert.rejects(
      command.run(["--no-such-option", "1", "2"]),
      (error) =>
        error instanceof Error && /no-such-option/.test(error.message) && "fix" in error &&
        `${error.fix}`.includes(`lb ${name} --help`),
    );
  });
}

Deno.test("parseDaemon() takes what is right and leaves the rest to the options' parser", () => {
  assert.deepEqual(parseDaemon([]), { detach: false });
  assert.deepEqual(parseDaemon(["--log", "l", "-d", "--config", "c"]), {
    config: "c",
    log: "l",
    detach: true,
  });
  const others = [["--help"], ["--config"], ["--config=c"], ["-d", "-d"], ["x"], [
    "--log",
    "a",
    "--log",
    "b",
  ]];
  for (const args of others) assert.equal(parseDaemon(args), null);
});

Deno.test("overview() has a row for every subcommand", () => {
  const text = overview();
  for (const name of Object.keys(table)) assert.match(text, new RegExp(`^  lb ${name}\\b`, "m"));
  for (const line of text.split("\n")) assert.ok(line.length <= 100, line);
});

Deno.test("table has every subcommand that has a file", async () => {
  const helpers = new Set(["command", "daemon_options", "table"]);
  const files = [];
  for await (const { name } of Deno.readDir(new URL(".", import.meta.url))) {
    const stem = name.replace(/\.ts$/, "");
    if (!name.endsWith("_test.ts") && !stem.startsWith("_") && !helpers.has(stem)) files.push(stem);
  }
  assert.deepEqual(files.sort(), Object.keys(table).sort());
});

Deno.test("defineCommand() passes what it has parsed and returns the exit code", async () => {
  const seen: number[] = [];
  const command = defineCommand({
    name: "test",
    brief: "test",
    examples: [["lb test 1", "tests"]],
    parser: object({ pid: argument(integer({ metavar: "PID", min: 1 })) }),
    run: ({ pid }) => {
      seen.push(pid);
      return 7;
    },
  });
  assert.equal(await command.run(["42"]), 7);
  assert.deepEqual(seen, [42]);
  for (const args of [[], ["0"], ["x"], ["1", "2"]]) {
    await assert.rejects(command.run(args), UsageError);
  }
  assert.deepEqual(seen, [42]);
});

Deno.test("completionScript() is a script of that shell that names subcommands and options", async () => {
  const entries = [
    { name: "launch", summary: "run a program", options: ["--config", "--no-daemon"] },
    { name: "ps", summary: "list what's there", options: ["--json", "-j"] },
  ];
  for (const shell of shells) {
    const script = completionScript(shell, entries);
    for (const word of ["launch", "ps", "no-daemon", "json"]) assert.ok(script.includes(word));
  }
  // bash is the one that every machine has: there it runs.
  const script = completionScript("bash", entries);
  const complete = async (...words: string[]) => {
    const body =
      `${script}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _lb; echo "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = await $`bash -c ${body} bash ${words}`.stdout("piped").stderr(
      "piped",
    );
    assert.equal(stderr, "");
    return stdout.trim();
  };
  assert.equal(await complete("lb", "la"), "launch");
  assert.equal(await complete("lb", "ps", "--"), "--json");
  assert.equal(await complete("lb", "launch", "--n"), "--no-daemon");
});
