/**
 * Authenticates a fresh TCP connection by hello and proof.
 *
 * From either side.
 *
 * @module
 */
import { HostError, WireError } from "../base/errors.ts";
import { version } from "../base/version.ts";
import { checkProof, FrameAuth, makeNonce, makeProof, type Side } from "../wire/auth.ts";
import { malformed } from "../wire/fields.ts";
import { encodeFrameBody, type Frame, type FrameType, type FrameValues } from "../wire/frame.ts";
import { limits, roles, schema } from "../wire/schema.ts";
import type { FrameConnection } from "./connection.ts";

/** What a TCP connection is for. */
export type Role = keyof typeof roles;

/** Which process, under which ticket. */
export interface WireIdentity {
  readonly ticket: bigint;
  readonly startTicks: bigint;
  readonly homePid: number;
  readonly homeNode: string;
}

/** An identity that names no process: of connections that are not about one. */
export const noIdentity: WireIdentity = { ticket: 0n, startTicks: 0n, homePid: 0, homeNode: "" };

/** What this node says of itself. */
export interface Credentials {
  readonly key: Uint8Array;
  /** This node's name. */
  readonly node: string;
}

/** What the other side of an authenticated connection said. */
export interface Hello {
  /** Its node name. */
  readonly node: string;
  readonly role: Role;
  readonly identity: WireIdentity;
  readonly lbVersion: string;
}

const WRONG_KEY_FIX = "Give both nodes the same key file: compare `sha256sum` of it on both";

function helloValues(
  credentials: Credentials,
  role: Role,
  identity: WireIdentity,
): FrameValues<"hello"> {
  return {
    protocolVersion: schema.protocolVersion,
    role: roles[role],
    ...identity,
    nonce: makeNonce(),
    node: credentials.node,
    lbVersion: version,
  };
}

async function expect<T extends FrameType>(
  connection: FrameConnection,
  type: T,
): Promise<FrameValues<T>> {
  const frame: Frame | null = await connection.read(limits.helloFrameSizeMax);
  if (frame === null) {
    throw new WireError(
      `Cannot authenticate with ${connection.peer}: it closed the connection`,
      { fix: "See the other node's log; both nodes need the same key" },
    );
  }
  if (frame.type === "error") {
    const { message } = frame.values as FrameValues<"error">;
    throw new WireError(`Cannot authenticate with ${connection.peer}: it says: ${message}`, {
      fix: WRONG_KEY_FIX,
    });
  }
  if (frame.type !== type) {
    throw malformed(
      `Cannot authenticate with ${connection.peer} as it must send ${type}: it sent ${frame.type}`,
    );
  }
  return frame.values as FrameValues<T>;
}

function readHello(connection: FrameConnection, values: FrameValues<"hello">): Hello {
  const role = (Object.keys(roles) as Role[]).find((name) => roles[name] === values.role);
  if (
    role === undefined || values.nonce.length !== limits.nonceSize || values.node === "" ||
    values.protocolVersion !== schema.protocolVersion
  ) {
    throw malformed(
      `Cannot accept hello from ${connection.peer}: protocol ${values.protocolVersion}, ` +
        `role ${values.role}, node "${values.node}"`,
    );
  }
  const { node, lbVersion, ticket, startTicks, homePid, homeNode } = values;
  return { node, role, lbVersion, identity: { ticket, startTicks, homePid, homeNode } };
}

/** Runs `steps` and closes the connection when they take too long. */
async function timed<T>(connection: FrameConnection, steps: () => Promise<T>): Promise<T> {
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    connection.close();
  }, limits.helloTimeoutMs);
  try {
    return await steps();
  } catch (error) {
    if (!late) throw error;
    throw new HostError(
      `Cannot authenticate with ${connection.peer}: it did not answer within ` +
        `${limits.helloTimeoutMs} ms`,
      { fix: "Check that an lb daemon listens there", cause: error },
    );
  } finally {
    clearTimeout(timer);
  }
}

async function finish(
  connection: FrameConnection,
  key: Uint8Array,
  side: Side,
  hellos: { readonly caller: Uint8Array; readonly acceptor: Uint8Array },
): Promise<void> {
  const other = side === "caller" ? "acceptor" : "caller";
  if (side === "caller") await connection.send("proof", { proof: makeProof(key, side, hellos) });
  const { proof } = await expect(connection, "proof");
  if (!checkProof(key, other, hellos, proof)) {
    // The other side may know only that it was refused; what it knows it can log.
    await connection.send("error", { message: "the cluster keys differ" }).catch(() => {});
    throw new WireError(`Cannot authenticate with ${connection.peer}: its proof is wrong`, {
      fix: WRONG_KEY_FIX,
    });
  }
  if (side === "acceptor") await connection.send("proof", { proof: makeProof(key, side, hellos) });
  connection.auth = new FrameAuth(key, side, hellos);
}

/**
 * Authenticates a connection that this side opened.
 *
 * @returns What the acceptor said; its node name is proved.
 * @throws {WireError} If the other side does not know the key or sends nonsense.
 * @throws {HostError} If it is lost or silent. In every case the caller closes the connection.
 */
export function callHello(
  connection: FrameConnection,
  credentials: Credentials,
  role: Role,
  identity: WireIdentity = noIdentity,
): Promise<Hello> {
  return timed(connection, async () => {
    const values = helloValues(credentials, role, identity);
    const caller = encodeFrameBody("hello", values);
    await connection.send("hello", values);
    const hello = readHello(connection, await expect(connection, "hello"));
    const acceptor = connection.lastBody.slice();
    await finish(connection, credentials.key, "caller", { caller, acceptor });
    return hello;
  });
}

/**
 * Authenticates a connection that this side accepted.
 *
 * @returns What the caller said; all of it is proved.
 * @throws {WireError} If the other side does not know the key or sends nonsense.
 * @throws {HostError} If it is lost or silent. In every case the caller closes the connection.
 */
export function acceptHello(connection: FrameConnection, credentials: Credentials): Promise<Hello> {
  return timed(connection, async () => {
    const hello = readHello(connection, await expect(connection, "hello"));
    const caller = connection.lastBody.slice();
    const values = helloValues(credentials, hello.role, hello.identity);
    const acceptor = encodeFrameBody("hello", values);
    await connection.send("hello", values);
    await finish(connection, credentials.key, "acceptor", { caller, acceptor });
    return hello;
  });
}
