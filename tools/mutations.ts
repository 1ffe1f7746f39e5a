/**
 * Breaks lib/core on purpose, one way after the other.
 *
 * `npm run task -- mutations [WORD...]` tells whether `lb simulate --check` finds each break,
 * and by which seed. Not part of the tests: it takes minutes.
 *
 * Each break is a text of a file and what it becomes. A text that is not there exactly once is an error:
 * the list must follow the code.
 *
 * @module
 */
import $ from "./commands.ts";
import { assert } from "../lib/base/assert.ts";
import { memberMutations } from "./_member_mutations.ts";
import { type Mutation, mutations } from "./_mutation_list.ts";

const root = new URL("../", import.meta.url);
/** What the checks are made of. */
const FOLDERS = ["lib/base", "lib/core", "lib/sim"];
/** Seeds tried of each break. */
const SEEDS = Number(Deno.env.get("SEEDS") ?? 600);

const RUNNER = `import { checkSeed } from "./lib/sim/invariants/check.ts";
import { checkMembership } from "./lib/sim/membership/check.ts";
const check = Deno.args[0] === "members" ? checkMembership : checkSeed;
for (let seed = 1; seed <= ${SEEDS}; seed++) {
  let violation: string | null;
  try {
    violation = check(seed).violation;
  } catch (error) {
    violation = String(error);
  }
  if (violation === null) continue;
  console.log(seed + " " + violation.split("\\n")[0]);
  Deno.exit(0);
}
`;
/** A break may make the simulation run for ever; that is found, too. */
const LIMIT_MS = 240_000;

async function copyFolder(from: URL, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyFolder(new URL(`${name}/`, `${from}/`), `${to}/${name}`);
    else if (name.endsWith(".ts")) await Deno.copyFile(new URL(name, `${from}/`), `${to}/${name}`);
  }
}

async function run(
  dir: string,
  { file, find, replace, isOfMembers = false }: Mutation,
): Promise<string | null> {
  const path = `${dir}/${file}`;
  const text = await Deno.readTextFile(path);
  assert(
    text.split(find).length === 2,
    `${file} must have exactly once what a mutation changes: ${find}`,
  );
  await Deno.writeTextFile(path, text.replace(find, () => replace));
  try {
    const kind = isOfMembers ? "members" : "jobs";
    const deno = [Deno.execPath(), "run", "-A", "--no-check", "--quiet", "--no-config"];
    const { stdout, code } = await $`${deno} ${dir}/run.ts ${kind}`.stdout("piped").stderr("null")
      .timeout(LIMIT_MS).noThrow();
    const found = stdout.trim();
    if (found !== "") return found;
    return code === 0 ? null : `0 it did not end in ${LIMIT_MS / 1000} s, or failed altogether`;
  } finally {
    await Deno.writeTextFile(path, text);
  }
}

const dir = await Deno.makeTempDir({ prefix: "lb-mutations-" });
let caught = 0;
const missed: string[] = [];
try {
  for (const folder of FOLDERS) await copyFolder(new URL(`${folder}/`, root), `${dir}/${folder}`);
  await Deno.writeTextFile(`${dir}/run.ts`, RUNNER);
  const chosen = [...mutations, ...memberMutations].filter(({ title }) =>
    Deno.args.length === 0 || Deno.args.some((word) => title.includes(word))
  );
  for (const mutation of chosen) {
    const found = await run(dir, mutation);
    if (found === null) missed.push(mutation.title);
    else caught++;
    console.log(`${found === null ? "NOT CAUGHT" : "caught"}  ${mutation.title}`);
    if (found !== null) console.log(`            seed ${found}`);
  }
  console.log(`\n${caught} of ${chosen.length} caught, with ${SEEDS} seeds each`);
} finally {
  await Deno.remove(dir, { recursive: true });
}
Deno.exit(missed.length === 0 ? 0 : 1);
