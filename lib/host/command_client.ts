/**
 * Asks a daemon for what `lb` commands want.
 *
 * Over a connection to this node's daemon, or to another's.
 *
 * @module
 */
import { describe, HostError, UsageError, WireError } from "../base/errors.ts";
import type { FrameType, FrameValues } from "../wire/frame.ts";
import { commands } from "../wire/schema.ts";
import { parseSnapshot, type Snapshot } from "../wire/snapshot.ts";
import { formatAddress, parseAddress } from "./address.ts";
import type { Config } from "./config.ts";
import { FrameConnection } from "./connection.ts";
import { callHello, noIdentity } from "./handshake.ts";
import { readKey } from "./key_file.ts";
import { connectTcp } from "./tcp.ts";
import { runtimePath } from "./runtime_dir.ts";

/** How long a node may take to accept a connection, in milliseconds. */
const CONNECT_TIMEOUT_MS = 5_000;

/**
 * Connects to this node's daemon.
 *
 * @throws {HostError} If it does not run.
 */
export async function connectLocal(config: Config): Promise<FrameConnection> {
  const path = runtimePath(config.runtimeDir, "commands");
  try {
    return new FrameConnection(
      await Deno.connect({ transport: "unix", path }),
      "this node's daemon",
    );
  } catch (error) {
    const reason = error instanceof Deno.errors.NotFound
      ? "there is no such socket"
      : error instanceof Deno.errors.ConnectionRefused
      ? "nobody listens there"
      : describe(error);
    throw new HostError(`Cannot reach this node's daemon on ${path}: ${reason}`, {
      fix: "Start it by `lb daemon --detach`, or name its config file by --config",
      cause: error,
    });
  }
}

/**
 * The name by which nodes know each other, with the port, of a node given on the command line.
 *
 * @throws {UsageError} If the text is not a node's name.
 */
export function nodeName(text: string): string {
  const address = parseAddress(text);
  if (address === null || address.port === 0) {
    throw new UsageError(`Cannot use "${text}" as a node as it must be HOST or HOST:PORT`, {
      fix: "Give the node as the others name it: `lb monitor` lists the associated ones",
    });
  }
  return formatAddress(address);
}

/**
 * Connects to a node's daemon as a command and proves the cluster key.
 *
 * @param node `HOST` or `HOST:PORT`; undefined: this node, without a key.
 * @throws {UsageError} If that is not the name of a node.
 * @throws {HostError} If it cannot be reached.
 * @throws {WireError} If it has another key.
 */
export async function connectNode(
  config: Config,
  node: string | undefined,
): Promise<FrameConnection> {
  if (node === undefined) return await connectLocal(config);
  const name = nodeName(node);
  const key = await readKey(config.keyFile);
  const connection = await connectTcp(name, CONNECT_TIMEOUT_MS);
  try {
    await callHello(connection, { key, node: config.node }, "command", noIdentity);
  } catch (error) {
    connection.close();
    throw error;
  }
  return connection;
}

/** Sends one question and waits for its answer; frames in between are not for us. */
async function ask<T extends FrameType>(
  connection: FrameConnection,
  type: T,
  values: FrameValues<T> & { readonly request: bigint },
) {
  await connection.send(type, values);
  for (;;) {
    const frame = await connection.read();
    if (frame === null) {
      throw new HostError(
        `Cannot get an answer from ${connection.peer}: it closed the connection`,
        {
          fix: "See its log",
        },
      );
    }
    if (frame.type === "error") {
      throw new WireError(`Cannot ask ${connection.peer}: it says: ${frame.values.message}`, {
        fix: "Run the same lb version on both sides",
      });
    }
    if ("request" in frame.values && frame.values.request === values.request) return frame;
  }
}

let lastRequest = 0n;

/**
 * Asks a node for its snapshot.
 *
 * @throws {HostError} If the connection is lost.
 * @throws {WireError} If the answer is not a snapshot.
 */
export async function askSnapshot(connection: FrameConnection): Promise<Snapshot> {
  const request = ++lastRequest;
  const answer = await ask(connection, "snapshot", { request, json: new Uint8Array() });
  if (answer.type !== "snapshot") throw unexpected(connection, answer.type);
  return parseSnapshot(new TextDecoder().decode(answer.values.json));
}

/**
 * Asks a node for its snapshot over a connection of its own.
 *
 * @param node `HOST` or `HOST:PORT`; undefined: this node, without a key.
 * @throws {UsageError} If that is not the name of a node.
 * @throws {HostError} If it cannot be reached.
 * @throws {WireError} If it has another key, or its answer is not a snapshot.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseConfig } from "lb";
 * const config = parseConfig(`runtime-dir = "/nowhere"`, null, {});
 * await assert.rejects(readSnapshot(config), /Cannot reach this node's daemon/);
 * ```
 */
export async function readSnapshot(config: Config, node?: string): Promise<Snapshot> {
  const connection = await connectNode(config, node);
  try {
    return await askSnapshot(connection);
  } finally {
    connection.close();
  }
}

/** A command about one process. */
export interface ProcessCommand {
  readonly command: keyof typeof commands;
  /**
   * Its PID as the asked node knows it: at home the home PID, elsewhere the guest's; 0 where the
   * command is about the node.
   */
  readonly pid: number;
  /** For migrate: where to; empty: the preferred node. */
  readonly destination?: string;
  /** For checkpoint and snapshot: absolute path of the image. */
  readonly path?: string;
}

/**
 * Asks a node to do something with a process, and waits until it is done.
 *
 * @returns What the node says of how it went.
 * @throws {HostError} If it refuses, with its reason and what to do.
 */
export async function askCommand(
  connection: FrameConnection,
  command: ProcessCommand,
): Promise<string> {
  const answer = await ask(connection, "command", {
    request: ++lastRequest,
    ...noIdentity,
    command: commands[command.command],
    pid: command.pid,
    destination: command.destination ?? "",
    path: command.path ?? "",
  });
  if (answer.type === "accept") return answer.values.detail;
  if (answer.type === "refuse") {
    const { reason, fix } = answer.values;
    // A node's own refusals are whole sentences already.
    const message = reason.startsWith("Cannot ")
      ? reason
      : `Cannot ${command.command} process ${command.pid}: ${reason}`;
    throw new HostError(message, { fix: fix === "" ? "See the log of the daemon" : fix });
  }
  throw unexpected(connection, answer.type);
}

function unexpected(connection: FrameConnection, type: string): WireError {
  return new WireError(`Cannot understand ${connection.peer} as it answered by ${type}`, {
    fix: "Run the same lb version on both sides",
  });
}
