/**
 * Builds `dist/lb`, or with `--faults` `dist/faults/lb`.
 *
 * Checks the generated header, builds the C parts, bundles, compiles.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import $ from "./commands.ts";
import { HostError, LbError } from "../lib/base/errors.ts";
import { buildC, release, type Variant, withFaults } from "./build_c.ts";
import { putInFront } from "./front.ts";
import { checkHeader } from "./gen.ts";
import { checkGenerated } from "./syscalls.ts";

const root = fileURLToPath(new URL("../", import.meta.url));

/** What the binary carries besides its JavaScript; ffi/artifacts.ts extracts them. */
const EMBEDDED = ["lb-preload.so", "lb-keeper", "lb-shadow", "lb-ffi.so"];

/**
 * The runtime that `deno compile` puts in front of the program, cut out of a program that was
 * compiled with it: Deno's own download site may be out of reach. The package is not Deno's, so
 * nothing of it is used but bytes with this hash. 2.6.10 is the closest to the compiler (2.6.8)
 * that a registry has.
 */
const DENORT = {
  file: "node_modules/@mcp-stress/linux-x64/bin/mcp-stress",
  sizeBytes: 92_183_912, // end of the ELF file's section headers; the package's own program follows
  sha256: "1b136202dc147212ad0b129de0c10eb5f17060917c9754c7921cd68f764ad2e2",
};

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

async function run(program: string, args: readonly string[], env: Record<string, string> = {}) {
  const { code, combined } = await $`${program} ${args}`.cwd(root).env(env).stdin("null")
    .captureCombined().noThrow();
  if (code === 0) return;
  throw new HostError(
    `Cannot build lb as this must succeed: ${program} ${args.join(" ")}\n${combined}`,
    { fix: "Correct what it reports" },
  );
}

/** Path of the runtime to compile with: `$DENORT_BIN`, or the pinned one. */
async function findRuntime(): Promise<string> {
  const given = Deno.env.get("DENORT_BIN");
  if (given !== undefined && given !== "") return given;
  const target = `${root}dist/denort`;
  try {
    if (sha256(await Deno.readFile(target)) === DENORT.sha256) return target;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const bytes = (await Deno.readFile(root + DENORT.file)).subarray(0, DENORT.sizeBytes);
  const found = sha256(bytes);
  if (found !== DENORT.sha256) {
    throw new HostError(
      `Cannot use ${DENORT.file} as its SHA-256 must be ${DENORT.sha256}: it is ${found}`,
      { fix: "Run `npm ci` again, or set DENORT_BIN to a denort 2.6 of your own" },
    );
  }
  const temporary = `${target}.${Deno.pid}.new`;
  await Deno.writeFile(temporary, bytes, { mode: 0o755 });
  await Deno.rename(temporary, target);
  return target;
}

/** Size and SHA-256 of what is embedded. */
type Parts = Readonly<Record<string, { readonly size: number; readonly hash: string }>>;

async function readParts({ dir }: Variant): Promise<Parts> {
  const parts: Record<string, { size: number; hash: string }> = {};
  for (const name of EMBEDDED) {
    const bytes = await Deno.readFile(`${root}${dir}/${name}`);
    parts[name] = { size: bytes.length, hash: sha256(bytes) };
  }
  return parts;
}

/** Writes the runtime with the launcher in front of it; returns its path. */
async function frontedRuntime(
  dir: string,
  runtime: string,
  launcher: Uint8Array,
  parts: Parts,
): Promise<string> {
  const { hash = "", size = 0 } = parts["lb-preload.so"] ?? {};
  const facts = { hash, librarySize: size };
  const path = `${root}${dir}/denort`;
  await Deno.writeFile(path, putInFront(await Deno.readFile(runtime), launcher, facts), {
    mode: 0o755,
  });
  return path;
}

/** Bundles main.ts and everything it can load into `dir`, one chunk a group of subcommands. */
async function bundle(dir: string, parts: Parts): Promise<void> {
  await run("node_modules/@esbuild/linux-x64/bin/esbuild", [
    "main.ts",
    ...["--bundle", "--splitting", `--outdir=${dir}`, "--platform=node", "--format=esm"],
    ...["--target=esnext", "--minify-syntax", "--minify-whitespace", "--log-level=warning"],
    `--define:LB_ARTIFACTS=${JSON.stringify(parts)}`,
    // Names of classes and functions stay: they are in messages.
    ...["--legal-comments=none", "--chunk-names=chunk-[hash]"],
  ]);
}

/** One hash over all that goes into the binary. */
async function inputsHash(dir: string, denort: string): Promise<string> {
  const hash = createHash("sha256").update(`${Deno.version.deno} ${denort}`);
  for (const entry of [...Deno.readDirSync(dir)].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    hash.update(`\n${entry.name}\n`).update(await Deno.readFile(`${dir}/${entry.name}`));
  }
  return hash.digest("hex");
}

/**
 * Builds a variant's binary, or leaves it alone when nothing that goes into it has changed.
 *
 * @throws {HostError} If a step fails.
 */
export async function build(variant: Variant = release): Promise<void> {
  await checkHeader();
  await checkGenerated();
  await buildC(undefined, variant);
  // A folder of its own: two builds at the same time must not mix their files.
  const dir = `${variant.dir}/build.${Deno.pid}`;
  await Deno.mkdir(`${root}${dir}/in`, { recursive: true });
  try {
    const input = `${dir}/in`;
    const parts = await readParts(variant);
    await bundle(input, parts);
    for (const name of EMBEDDED) {
      await Deno.copyFile(`${root}${variant.dir}/${name}`, `${root}${input}/${name}`);
    }
    const denort = await findRuntime();
    const launcher = await Deno.readFile(`${root}${variant.dir}/launch.bin`);
    const stamp = await inputsHash(root + input, `${denort} ${sha256(launcher)}`);
    const product = `${root}${variant.dir}/lb`;
    const built = await Deno.readTextFile(`${product}.stamp`).catch(() => "");
    const exists = await Deno.stat(product).then(() => true, () => false);
    if (exists && built === stamp) return;
    const fronted = await frontedRuntime(dir, denort, launcher, parts);
    // Bundled first: compiled from the sources it would carry all of node_modules (319 MB).
    await run(Deno.execPath(), [
      ...["compile", "-A", "--no-config", "--no-check", "--no-lock", "--no-remote", "--no-npm"],
      // The code cache would lie in /tmp under a name that anybody can predict.
      ...["--no-code-cache"],
      ...EMBEDDED.flatMap((name) => ["--include", `${input}/${name}`]),
      ...["-o", `${dir}/lb`, `${input}/main.js`],
    ], { DENO_NO_PACKAGE_JSON: "1", DENORT_BIN: fronted, DENO_DIR: `${root}.deno` });
    await Deno.rename(`${root}${dir}/lb`, product);
    await Deno.writeTextFile(`${product}.stamp`, stamp);
    console.error(`build: ${variant.dir}/lb`);
  } finally {
    await Deno.remove(root + dir, { recursive: true });
  }
}

if (import.meta.main) {
  try {
    await build(Deno.args.includes("--faults") ? withFaults : release);
  } catch (error) {
    if (!(error instanceof LbError)) throw error;
    console.error(`build: ${error.message}\n    fix: ${error.fix}`);
    Deno.exit(1);
  }
}
