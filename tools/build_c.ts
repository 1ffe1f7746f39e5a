/**
 * Builds the C parts into `dist/`.
 *
 * `build_c.ts` all of them, `build_c.ts library keeper` only those.
 *
 * Only what changed is compiled again: an object is as new as its sources, the headers that the
 * compiler named, and this file.
 *
 * @module
 */
import { fileURLToPath } from "node:url";

import { HostError, LbError } from "../lib/base/errors.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
/** Compilations at a time; two, as most machines that build this have two cores or more. */
const JOBS = 2;

/** A way to build everything. */
export interface Variant {
  /** Where the products go, from the repository's root. */
  readonly dir: string;
  /** What the compiler is told besides. */
  readonly flags: readonly string[];
}
/** What is used. */
export const release: Variant = { dir: "dist", flags: [] };
/** What tests of failures use: its parts do what LB_FAULT in their environment says (c/base/fault.h). */
export const withFaults: Variant = { dir: "dist/faults", flags: ["-DLB_FAULTS"] };

/** Names of the C products, in the order in which they are built. */
export const productNames = ["restorer", "library", "keeper", "shadow", "ffi", "launch"] as const;
/** One of {@linkcode productNames}. */
export type ProductName = (typeof productNames)[number];

interface Product {
  /** File in `dist/`. */
  readonly file: string;
  /** Folders (with everything below) and single files under `c/`, `.c` and `.S`. */
  readonly sources: readonly string[];
  readonly compile: readonly string[];
  readonly link: readonly string[];
  /** Files in `dist/` that its sources include byte by byte. */
  readonly embeds?: readonly string[];
  /** One segment that needs no loader; its bytes are `dist/NAME.bin`. */
  readonly isBlob?: boolean;
}

const COMMON = [
  ...["-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wmissing-prototypes"],
  ...["-Ic/include", "-Ic/base", "-Ic/restorer", "-Ic"],
];

/**
 * No libc, no stack protector (it reads TLS), and loops stay loops: our memcpy() must not be turned
 * into a call of itself.
 */
const FREESTANDING = [
  ...["-ffreestanding", "-fno-stack-protector", "-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=0"],
  ...["-fno-tree-loop-distribute-patterns", "-fno-asynchronous-unwind-tables"],
];

/** Code that runs wherever it is copied: endbr64, notes and tables of addresses would only be in the way. */
const BLOB_COMPILE = [
  ...FREESTANDING,
  ...["-fPIE", "-fvisibility=hidden", "-fno-jump-tables", "-fno-tree-switch-conversion"],
  "-fcf-protection=none",
];
const BLOB_LINK = [
  ...["-nostdlib", "-static-pie", "-Wl,--no-dynamic-linker", "-Wl,-z,norelro,-z,noexecstack"],
  ...["-Wl,--build-id=none", "-Wl,-T,c/restorer/link.ld"],
];

/** What glibc programs of ours are built with. */
const HOSTED = ["-fno-plt"];

/** What starts the restorer, which it embeds. */
const STARTER = ["enter.c", "files.c", "map_lines.c", "blob.S"].map((name) => `restorer/${name}`);

const products: Readonly<Record<ProductName, Product>> = {
  restorer: {
    file: "restorer.elf",
    sources: ["restorer/restore.c", "base/mem.c"],
    compile: BLOB_COMPILE,
    link: [...BLOB_LINK, "-Wl,-e,lb_restorer_entry"],
    isBlob: true,
  },
  library: {
    file: "lb-preload.so",
    sources: ["library", "base"],
    // No SSE: the library runs before the program's vector registers are saved anywhere else than
    // in the kernel's signal frame, and must leave them as they are.
    compile: [
      ...FREESTANDING,
      "-fPIC",
      "-fvisibility=hidden",
      "-mgeneral-regs-only",
      // A thread that waits in one of our functions may be cancelled: pthread_cancel(3) unwinds through it.
      "-fasynchronous-unwind-tables",
      "-ftls-model=initial-exec", // it is there from the start: a place that is known, not a function that is asked
      "-Ic/library",
    ],
    link: [
      "-shared",
      "-nostdlib",
      "-Wl,-z,defs",
      "-Wl,-z,initfirst",
      "-Wl,--version-script=c/library/exports.map",
      "-Wl,-z,now,-z,relro,-z,noexecstack",
      "-Wl,-Bsymbolic",
      "-Wl,-soname,lb-preload.so",
    ],
  },
  keeper: {
    file: "lb-keeper",
    sources: ["keeper", ...STARTER],
    compile: [...HOSTED, "-fno-stack-protector"],
    link: ["-static", "-Wl,-z,noexecstack"],
    embeds: ["restorer.bin"],
  },
  shadow: {
    file: "lb-shadow",
    sources: ["shadow", "base/load.c", ...STARTER],
    compile: [...HOSTED, "-fPIE", "-fvisibility=hidden", "-fno-stack-protector"],
    link: ["-static-pie", "-Wl,-z,noexecstack"],
    embeds: ["restorer.bin"],
  },
  ffi: {
    file: "lb-ffi.so",
    sources: ["ffi"],
    compile: [...HOSTED, "-fPIC", "-fvisibility=hidden"],
    link: ["-shared", "-Wl,-z,defs", "-Wl,-z,now,-z,relro,-z,noexecstack", "-Wl,-soname,lb-ffi.so"],
  },
  launch: {
    file: "launch.elf",
    sources: ["launch", "base/mem.c"],
    // Vectors of addresses would be data with relocations.
    compile: [...BLOB_COMPILE, "-fno-tree-vectorize"],
    link: [...BLOB_LINK, "-Wl,-e,lb_launch_entry"],
    isBlob: true,
  },
};

/** Runs a command in the repository; its output is shown only when it fails. */
async function run(program: string, args: readonly string[]): Promise<string> {
  let output: Deno.CommandOutput;
  try {
    output = await new Deno.Command(program, { args: [...args], cwd: root, stdin: "null" })
      .output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new HostError(
      `Cannot build the C parts as ${program} must be installed: it is not found`,
      {
        fix: "Install a C compiler: apt-get install gcc libc6-dev binutils",
        cause: error,
      },
    );
  }
  const text = new TextDecoder().decode(output.stdout);
  if (!output.success) {
    const errors = new TextDecoder().decode(output.stderr);
    throw new HostError(
      `Cannot build the C parts as ${program} must succeed: exit status ${output.code}\n${errors}${text}`,
      { fix: `Correct what it reports; the command was: ${program} ${args.join(" ")}` },
    );
  }
  return text;
}

/** Modification time in ms; null when there is no such file. */
function modifiedMs(path: string): number | null {
  try {
    return Deno.statSync(root + path).mtime?.getTime() ?? null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Whether a product is at least as new as each of its inputs. */
function isFresh(product: string, inputs: readonly string[]): boolean {
  const productMs = modifiedMs(product);
  if (productMs === null) return false;
  return inputs.every((input) => {
    const inputMs = modifiedMs(input);
    return inputMs !== null && inputMs <= productMs;
  });
}

/** All `.c` and `.S` files under a folder of `c/`, or the one file named. */
function listSources(path: string): string[] {
  if (/\.[cS]$/.test(path)) return [`c/${path}`];
  const found: string[] = [];
  let entries: Deno.DirEntry[];
  try {
    entries = [...Deno.readDirSync(`${root}c/${path}`)];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.isDirectory) found.push(...listSources(`${path}/${entry.name}`));
    else if (/\.[cS]$/.test(entry.name)) found.push(`c/${path}/${entry.name}`);
  }
  return found;
}

/** Where a source's object goes, from the repository's root. */
function objectPath(name: string, source: string, dir: string): string {
  return `${dir}/obj/${name}/${source.slice(2).replaceAll("/", "_")}.o`;
}

/** A product's sources, each with the object that is made of it; both from the repository's root. */
export function listObjects(
  name: ProductName,
  variant: Variant = release,
): { source: string; object: string }[] {
  return products[name].sources.flatMap(listSources)
    .map((source) => ({ source, object: objectPath(name, source, variant.dir) }));
}

/** The prerequisites that `cc -MMD` wrote; empty when there is no such file yet. */
function readDependencies(path: string): string[] {
  try {
    const text = Deno.readTextFileSync(root + path);
    return text.slice(text.indexOf(":") + 1).replaceAll("\\\n", " ").trim().split(/\s+/);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/**
 * Makes a file under a name of its own first and renames it, so that neither a second build at the
 * same time nor a program that runs it ever sees half a file.
 */
async function produce(path: string, make: (temporary: string) => Promise<void>): Promise<void> {
  await Deno.mkdir(root + path.slice(0, path.lastIndexOf("/")), { recursive: true });
  const temporary = `${path}.${Deno.pid}.new`;
  try {
    await make(temporary);
    await Deno.rename(root + temporary, root + path);
  } finally {
    await Deno.remove(root + temporary).catch(() => {});
  }
}

async function compileObject(
  name: string,
  source: string,
  product: Product,
  { dir, flags }: Variant,
): Promise<string> {
  const object = objectPath(name, source, dir);
  const dependencies = `${object}.d`;
  const known = readDependencies(dependencies);
  const inputs = [
    ...(known.length === 0 ? [source] : known),
    "tools/build_c.ts",
    ...(source.endsWith(".S") ? product.embeds ?? [] : []).map((file) => `${dir}/${file}`),
  ];
  if (known.length > 0 && isFresh(object, inputs)) return object;
  await produce(object, async (temporary) => {
    await run("cc", [
      ...COMMON,
      ...flags,
      `-Wa,-I${dir}`,
      ...product.compile,
      ...["-MMD", "-MF", dependencies, "-c", "-o", temporary, source],
    ]);
  });
  return object;
}

/** Proves on the linked blob that nothing is left for a loader to do. */
async function checkBlob(elf: string): Promise<void> {
  const undefinedSymbols = (await run("nm", ["-u", elf])).trim();
  const relocations = await run("readelf", ["-rW", elf]);
  if (undefinedSymbols !== "" || !/no relocations/i.test(relocations)) {
    throw new HostError(
      `Cannot use ${elf} as it must need no loader: ${undefinedSymbols}${relocations}`,
      { fix: "Keep it free of libc calls, of data and of tables of addresses" },
    );
  }
}

async function buildProduct(name: ProductName, variant: Variant): Promise<void> {
  const { dir } = variant;
  const product = products[name];
  const sources = product.sources.flatMap(listSources);
  const own = product.sources[0] ?? "";
  if (!sources.some((source) => source.startsWith(`c/${own}`))) {
    throw new HostError(`Cannot build ${product.file} as c/${own} must have sources: it has none`, {
      fix: "Get a complete copy of the sources",
    });
  }
  const queue = [...sources];
  const objects: string[] = [];
  await Promise.all(Array.from({ length: JOBS }, async () => {
    for (let source = queue.shift(); source !== undefined; source = queue.shift()) {
      objects.push(await compileObject(name, source, product, variant));
    }
  }));
  objects.sort();
  const isBlob = product.isBlob === true;
  const output = isBlob ? `${dir}/obj/${name}/${product.file}` : `${dir}/${product.file}`;
  const inputs = [...objects, ...(isBlob ? ["c/restorer/link.ld"] : [])];
  if (!isFresh(output, inputs)) {
    await produce(output, async (temporary) => {
      await run("cc", ["-o", temporary, ...objects, ...product.link]);
      // With symbols for debuggers beside the product, which is stripped as it is embedded.
      await Deno.mkdir(`${root}${dir}/debug`, { recursive: true });
      if (isBlob) return;
      await run("objcopy", ["--only-keep-debug", temporary, `${dir}/debug/${product.file}.debug`]);
      await run("strip", [temporary]);
    });
    console.error(`build: ${output}`);
  }
  if (isBlob && !isFresh(`${dir}/${name}.bin`, [output])) {
    await checkBlob(output);
    await produce(`${dir}/${name}.bin`, async (temporary) => {
      await run("objcopy", ["-O", "binary", "-j", ".text", output, temporary]);
    });
  }
}

/**
 * Builds C products, and those that they embed.
 *
 * @throws {HostError} If the compiler is missing or finds an error.
 */
export async function buildC(
  names: readonly ProductName[] = productNames,
  variant: Variant = release,
): Promise<void> {
  for (const name of productNames) {
    const embedded = name === "restorer" &&
      names.some((wanted) => products[wanted].embeds?.includes("restorer.bin"));
    if (names.includes(name) || embedded) await buildProduct(name, variant);
  }
}

if (import.meta.main) {
  const unknown = Deno.args.find((arg) => !productNames.some((name) => name === arg));
  try {
    if (unknown !== undefined) {
      throw new HostError(
        `Cannot build '${unknown}' as it must be one of ${productNames.join(", ")}`,
        { fix: "Name one of them, or none for all" },
      );
    }
    await buildC(Deno.args.length === 0 ? productNames : Deno.args as ProductName[]);
  } catch (error) {
    if (!(error instanceof LbError)) throw error;
    console.error(`build: ${error.message}\n    fix: ${error.fix}`);
    Deno.exit(1);
  }
}
