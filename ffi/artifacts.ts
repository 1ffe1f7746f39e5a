/**
 * Puts the C parts that the binary carries where other processes can load them: a private directory
 * named by content, so that two versions never meet and nothing has a predictable name in /tmp.
 *
 * @module
 */
import { HostError } from "../lib/base/errors.ts";

/** The C parts. */
export const artifactNames = ["lb-preload.so", "lb-keeper", "lb-shadow", "lb-ffi.so"] as const;
/** One of {@linkcode artifactNames}. */
export type ArtifactName = (typeof artifactNames)[number];

/** A part to be extracted. */
export interface Artifact {
  readonly name: ArtifactName;
  readonly bytes: Uint8Array;
  /** SHA-256 of `bytes`, hexadecimal; its beginning names the directory. */
  readonly hash: string;
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
 * SHA-256 of each part as the build embedded it; tools/build.ts defines it. Hashing here would load
 * node:crypto, which costs `lb launch` more than all else that it does.
 */
declare const LB_ARTIFACT_HASHES: Readonly<Record<ArtifactName, string>>;

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
    const part = { name, bytes: Deno.readFileSync(url), hash: LB_ARTIFACT_HASHES[name] };
    path = extract(part, {
      getEnv: (variable) => Deno.env.get(variable),
      uid: Deno.uid() ?? 0,
      readMounts: () => Deno.readTextFileSync("/proc/self/mounts"),
      systemCache: "/var/cache",
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
  const given = sources.getEnv("LB_LIBDIR");
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

/** Whether two byte arrays are equal; word by word, as `lb launch` does this before V8 has warmed up. */
function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  const words = a.length >>> 2;
  let aWords: Int32Array = new Int32Array(0);
  let bWords: Int32Array = new Int32Array(0);
  if (a.byteOffset % 4 === 0 && b.byteOffset % 4 === 0) {
    aWords = new Int32Array(a.buffer, a.byteOffset, words);
    bWords = new Int32Array(b.buffer, b.byteOffset, words);
  }
  for (let index = 0; index < aWords.length; index++) {
    if (aWords[index] !== bWords[index]) return false;
  }
  for (let index = 4 * aWords.length; index < a.length; index++) {
    if (a[index] !== b[index]) return false;
  }
  return true;
}

/** Whether the file is there with this content and may be executed. */
function isIntact(path: string, bytes: Uint8Array): boolean {
  try {
    const info = Deno.lstatSync(path);
    if (!info.isFile || info.size !== bytes.length || ((info.mode ?? 0) & 0o500) !== 0o500) {
      return false;
    }
    return isEqual(Deno.readFileSync(path), bytes);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Extracts into one directory; returns the path, or says why it will not do. */
function extractTo(
  base: string,
  { name, bytes, hash }: Artifact,
  sources: ExtractSources,
): { path: string } | { reason: string } {
  // ld.so splits LD_PRELOAD at colons and blanks, ld.so(8).
  if (/[\s:]/.test(base)) return { reason: "its name has a blank or a colon" };
  if (!base.startsWith("/")) return { reason: "it is not an absolute path" };
  const dir = `${base}/${hash.slice(0, 16)}`;
  for (const level of [base, dir]) {
    const reason = ensurePrivate(level, sources.uid);
    if (reason !== null) return { reason };
  }
  const path = `${dir}/${name}`;
  if (isIntact(path, bytes)) return { path };
  if (isNoexec(Deno.realPathSync(dir), sources.readMounts())) {
    return { reason: "it is mounted noexec" };
  }
  const temporary = `${dir}/.${name}.${Deno.pid}.${crypto.randomUUID()}`;
  try {
    Deno.writeFileSync(temporary, bytes, { createNew: true, mode: 0o755 });
    // The umask may have taken bits away that other users' programs need.
    Deno.chmodSync(temporary, 0o755);
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
