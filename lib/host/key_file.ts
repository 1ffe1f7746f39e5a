/**
 * The cluster key's file.
 *
 * 32 random bytes as hexadecimal text, readable by its owner alone.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { ConfigError, describe, HostError } from "../base/errors.ts";
import { errnos } from "../wire/layout.ts";

/** Bytes of a key: as many as HMAC-SHA-256 uses without hashing the key first, RFC 2104. */
const KEY_SIZE_MIN = 32;
/** A key file is one line; anything longer is not one. */
const FILE_SIZE_MAX = 4096;

/**
 * Reads the cluster key.
 *
 * @throws {ConfigError} If the file is not a key, or others than its owner may read it.
 * @throws {HostError} If it cannot be read; `errno` 2: there is none.
 */
export async function readKey(path: string): Promise<Uint8Array> {
  let info: Deno.FileInfo;
  let bytes: Uint8Array;
  try {
    using file = await Deno.open(path);
    info = await file.stat();
    if (info.size > FILE_SIZE_MAX) throw notAKey(path, `it has ${info.size} bytes`);
    bytes = new Uint8Array(FILE_SIZE_MAX);
    const size = await file.read(bytes) ?? 0;
    bytes = bytes.subarray(0, size);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const missing = error instanceof Deno.errors.NotFound;
    throw new HostError(
      `Cannot read the cluster key as ${path} must be readable: ${
        missing ? "there is no such file" : describe(error)
      }`,
      {
        fix: missing
          ? "Make one by `lb keygen` on one node and copy it to the others"
          : "Give the file to the user who runs lb, with mode 0600",
        errno: missing ? 2 : 13,
        cause: error,
      },
    );
  }
  const mode = (info.mode ?? 0) & 0o777;
  if ((mode & 0o077) !== 0) {
    throw new ConfigError(
      `Cannot use the cluster key as only its owner may have access: ${path} has mode 0${
        mode.toString(8)
      }`,
      { fix: `chmod 600 ${path}, and make a new key if others may have read this one` },
    );
  }
  const text = new TextDecoder().decode(bytes).trim();
  if (!/^(?:[0-9a-fA-F]{2})+$/.test(text) || text.length < 2 * KEY_SIZE_MIN) {
    throw notAKey(path, `it has ${text.length} characters`);
  }
  return new Uint8Array(Buffer.from(text, "hex"));
}

function notAKey(path: string, current: string): ConfigError {
  return new ConfigError(
    `Cannot use the cluster key as ${path} must hold at least ${
      2 * KEY_SIZE_MIN
    } hexadecimal digits: ${current}`,
    { fix: "Copy it from another node, or make a new one by `lb keygen` for all nodes" },
  );
}

/**
 * Writes a new random key with mode 0600; never over an existing file.
 *
 * @throws {HostError} If the file exists or cannot be written; `errno` 17: it exists.
 */
export async function writeNewKey(path: string): Promise<void> {
  const text = Buffer.from(crypto.getRandomValues(new Uint8Array(KEY_SIZE_MIN))).toString("hex");
  const dir = path.slice(0, path.lastIndexOf("/"));
  // Complete under another name first: whoever sees the key's name must never read half a key.
  const temporary = `${path}.${crypto.randomUUID()}`;
  try {
    if (dir !== "") await Deno.mkdir(dir, { recursive: true, mode: 0o700 });
    await Deno.writeTextFile(temporary, `${text}\n`, { createNew: true, mode: 0o600 });
    try {
      await Deno.link(temporary, path);
    } finally {
      await Deno.remove(temporary);
    }
  } catch (error) {
    const exists = error instanceof Deno.errors.AlreadyExists;
    throw new HostError(
      `Cannot write a new cluster key as ${path} must be a new file: ${
        exists ? "it exists" : describe(error)
      }`,
      {
        fix: exists ? "Use that key, or name another file" : "Name a file that you may write",
        errno: exists ? 17 : 13,
        cause: error,
      },
    );
  }
}

/** Reads the cluster key; a node without one makes one, so that there is no keyless mode. */
export async function readOrMakeKey(path: string): Promise<Uint8Array> {
  try {
    return await readKey(path);
  } catch (error) {
    if (!(error instanceof HostError && error.errno === errnos.ENOENT)) throw error;
  }
  try {
    await writeNewKey(path);
  } catch (error) {
    // Another daemon of this user may have been first; then its key is ours.
    if (!(error instanceof HostError && error.errno === errnos.EEXIST)) throw error;
  }
  return await readKey(path);
}
