/**
 * Extracts the C parts of the binary for other processes.
 *
 * Into a private directory named by content, so that two versions never meet and nothing has a
 * predictable name in /tmp.
 *
 * @module
 */
import { HostError } from "../lib/base/errors.ts";
import { names, variables } from "../lib/wire/schema.ts";

/** The C parts. */
export const artifactNames = [names.library, "lb-keeper", "lb-shadow", "lb-ffi.so"] as const;
/** One of {@linkcode artifactNames}. */
export type ArtifactName = (typeof artifactNames)[number];

/** A part to be extracted. */
export interface Artifact {
  readonly name: ArtifactName;
  /** Its size in bytes. */
  readonly size: number;
  /** SHA-256 of its content, hexadecimal; its beginning names the directory. */
  readonly hash: string;
  /** Reads its content. */
  readonly read: () => Uint8Array;
}

/** What the search for a directory depends on; tests give their own. */
export interface ExtractSources {
  readonly getEnv: (name: string) => string | undefined;
  readonly uid: number;
  /** Reads /proc/self/mounts. */
  readonly readMounts: () => string;
  /** Cache of the system, used by root. */
  readonly systemCache: string;
}

/**
 * Size and SHA-256 of each part as the build embedded it; tools/build.ts defines it. Hashing here
 * would load node:crypto, which costs `lb launch` more than all else that it does.
 */
declare const LB_ARTIFACTS: Readonly<Record<ArtifactName, Pick<Artifact, "size" | "hash">>>;

const paths = new Map<ArtifactName, string>();

/** Where a part lies: in the binary, or in `dist/` when lb runs from its sources. */
function sourceUrl(name: ArtifactName): URL {
  // A URL that left the binary's own folder would be looked up on the real disk, under $TMPDIR.
  return new URL(Deno.build.standalone ? `./${name}` : `../dist/${name}`, import.meta.url);
}

/**
 * The path of a C part, extracted if need be; the same one every time it is asked for, unless the
 * file has been wiped in between.
 *
 * @throws {HostError} If no directory can hold it.
 */
export function artifactPath(name: ArtifactName): string {
  const known = paths.get(name);
  if (known !== undefined && exists(known)) return known;
  const url = sourceUrl(name);
  let path: string;
  if (Deno.build.standalone) {
    path = extract({ name, ...LB_ARTIFACTS[name], read: () => Deno.readFileSync(url) }, {
      getEnv: (variable) => Deno.env.get(variable),
      uid: Deno.uid() ?? 0,
      readMounts: () => Deno.readTextFileSync("/proc/self/mounts"),
      systemCache: names.systemCache,
    });
  } else {
    path = decodeURIComponent(url.pathname);
    if (!exists(path)) {
      throw new HostError(`Cannot use ${path} as it must be built: there is no such file`, {
        fix: "Run `npm run build`",
      });
    }
  }
  paths.set(name, path);
  return path;
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** Directories to try, the first that will do is taken. */
function candidates(sources: ExtractSources): string[] {
  const given = sources.getEnv(variables.libraryDir);
  if (given !== undefined && given !== "") return [given];
  const home = sources.getEnv("HOME");
  const bases = [
    sources.uid === 0 ? sources.systemCache : undefined,
    sources.getEnv("XDG_CACHE_HOME"),
    home === undefined ? undefined : `${home}/.cache`,
    sources.getEnv("XDG_RUNTIME_DIR"),
  ];
  return bases.filter((base) => base?.startsWith("/")).map((base) => `${base}/lb`);
}

/** Whether programs may not be run from a path, by the mount that it lies on. */
export function isNoexec(path: string, mounts: string): boolean {
  let best = "";
  let options = "";
  for (const line of mounts.split("\n")) {
    const [, point, , mountOptions] = line.split(" ");
    if (point === undefined || mountOptions === undefined) continue;
    // Blanks are octal there, proc(5). A later line with the same point hides the earlier one.
    const plain = point.replace(
      /\\([0-7]{3})/g,
      (_, code) => String.fromCharCode(parseInt(code, 8)),
    );
    const inside = plain === "/" || path === plain || path.startsWith(`${plain}/`);
    if (inside && plain.length >= best.length) {
      best = plain;
      options = mountOptions;
    }
  }
  return options.split(",").includes("noexec");
}

/** Makes sure that a directory is there, is ours, and can be changed by nobody else. */
function ensurePrivate(dir: string, uid: number): string | null {
  Deno.mkdirSync(dir, { recursive: true, mode: 0o755 });
  const info = Deno.lstatSync(dir);
  if (!info.isDirectory) return "it is not a directory";
  if (info.uid !== uid) return `it belongs to user ${info.uid}`;
  if (((info.mode ?? 0) & 0o022) !== 0) return "others may write there";
  return null;
}

/**
 * The modification time of an extracted file: from its content, so that whatever changes the file
 * changes this too and one lstat(2) tells. Between 1970 and 2004, in seconds.
 */
function stampOf(hash: string): number {
  return parseInt(hash.slice(0, 8), 16) >>> 2;
}

/**
 * Whether the file is there as it was written and may be executed. It is not read: nobody else can
 * write to its directory, and reading 100 KB costs `lb launch` 3 ms.
 */
function isIntact(path: string, { size, hash }: Artifact): boolean {
  try {
    const info = Deno.lstatSync(path);
    return info.isFile && info.size === size && ((info.mode ?? 0) & 0o500) === 0o500 &&
      info.mtime?.getTime() === 1000 * stampOf(hash);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Extracts into one directory; returns the path, or says why it will not do. */
function extractTo(
  base: string,
  part: Artifact,
  sources: ExtractSources,
): { path: string } | { reason: string } {
  // ld.so splits LD_PRELOAD at colons and blanks, ld.so(8).
  if (/[\s:]/.test(base)) return { reason: "its name has a blank or a colon" };
  if (!base.startsWith("/")) return { reason: "it is not an absolute path" };
  const { name, hash } = part;
  const dir = `${base}/${hash.slice(0, 16)}`;
  for (const level of [base, dir]) {
    const reason = ensurePrivate(level, sources.uid);
    if (reason !== null) return { reason };
  }
  const path = `${dir}/${name}`;
  if (isIntact(path, part)) return { path };
  if (isNoexec(Deno.realPathSync(dir), sources.readMounts())) {
    return { reason: "it is mounted noexec" };
  }
  const temporary = `${dir}/.${name}.${Deno.pid}.${crypto.randomUUID()}`;
  try {
    Deno.writeFileSync(temporary, part.read(), { createNew: true, mode: 0o755 });
    // The umask may have taken bits away that other users' programs need.
    Deno.chmodSync(temporary, 0o755);
    Deno.utimeSync(temporary, stampOf(hash), stampOf(hash));
    Deno.renameSync(temporary, path);
  } catch (error) {
    try {
      Deno.removeSync(temporary);
    } catch {
      // It was not made, or has its final name.
    }
    throw error;
  }
  return { path };
}

/**
 * Writes a C part into the first directory that will do.
 *
 * @returns Its absolute path.
 * @throws {HostError} If none will do; it says why for each.
 */
export function extract(part: Artifact, sources: ExtractSources): string {
  const reasons: string[] = [];
  for (const base of candidates(sources)) {
    try {
      const result = extractTo(base, part, sources);
      if ("path" in result) return result.path;
      reasons.push(`${base}: ${result.reason}`);
    } catch (error) {
      reasons.push(`${base}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new HostError(
    `Cannot extract ${part.name} as one directory must take it: ${
      reasons.length === 0 ? "HOME and XDG_CACHE_HOME are not set" : reasons.join("; ")
    }`,
    { fix: "Set LB_LIBDIR to a directory of yours from which programs may run" },
  );
}
