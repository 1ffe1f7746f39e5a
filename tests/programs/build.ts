/**
 * Compiles the test programs to `dist/tests/NAME`.
 *
 * Each `tests/programs/NAME.c`, and each folder `tests/programs/NAME/` as one program.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import $ from "../../tools/commands.ts";

const sourceDir = fileURLToPath(new URL("./", import.meta.url));

/** Where the compiled test programs are, with a final slash. */
export const programsDir: string = fileURLToPath(new URL("../../dist/tests/", import.meta.url));

const flags = [
  "-std=gnu11",
  "-O2",
  "-Wall",
  "-Wextra",
  "-Werror",
  "-Wshadow",
  "-pthread",
  "-D_GNU_SOURCE",
];

/** Programs with `#pragma omp`: of the others GCC says that they have an unknown one. */
const withOpenMp: ReadonlySet<string> = new Set(["threads"]);

interface Target {
  readonly name: string;
  readonly sources: readonly string[];
  readonly inputs: readonly string[];
}

function listTargets(): Target[] {
  const targets: Target[] = [];
  const entries = [...Deno.readDirSync(sourceDir)];
  const headers = entries.filter(({ name }) => name.endsWith(".h"))
    .map(({ name }) => sourceDir + name);
  for (const entry of entries) {
    if (entry.isFile && entry.name.endsWith(".c")) {
      const source = sourceDir + entry.name;
      const inputs = [source, ...headers];
      targets.push({ name: entry.name.slice(0, -2), sources: [source], inputs });
    } else if (entry.isDirectory) {
      const inside = [...Deno.readDirSync(sourceDir + entry.name)]
        .map((file) => `${sourceDir}${entry.name}/${file.name}`).sort();
      const sources = inside.filter((path) => path.endsWith(".c"));
      if (sources.length > 0) targets.push({ name: entry.name, sources, inputs: inside });
    }
  }
  return targets;
}

function modifiedMs(path: string): number | undefined {
  try {
    return Deno.statSync(path).mtime?.getTime();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function compile(target: Target): Promise<void> {
  const product = programsDir + target.name;
  const productMs = modifiedMs(product) ?? -1;
  if (target.inputs.every((path) => (modifiedMs(path) ?? 0) <= productMs)) return;
  // Written aside and renamed, as another test process may be running the old one.
  const fresh = `${product}.${crypto.randomUUID()}`;
  const openMp = withOpenMp.has(target.name) ? ["-fopenmp"] : [];
  const { code, combined } = await $`cc ${flags} ${openMp} -o ${fresh} ${target.sources} -lm`
    .captureCombined().noThrow();
  if (code !== 0) {
    throw new Error(`Cannot compile test program "${target.name}": cc says\n${combined}`);
  }
  await Deno.rename(fresh, product);
}

let built: Promise<void> | undefined;

/** Compiles what is missing or older than its source; does it once a process. */
export function buildPrograms(): Promise<void> {
  built ??= (async () => {
    await Deno.mkdir(programsDir, { recursive: true });
    for (const target of listTargets()) await compile(target);
  })();
  return built;
}

if (import.meta.main) await buildPrograms();
