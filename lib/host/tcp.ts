/**
 * TCP between nodes.
 *
 * Listening, connecting, and handing a connection to a C part.
 *
 * @module
 */
import { describe, HostError } from "../base/errors.ts";
import { schema } from "../wire/schema.ts";
import { type Address, formatAddress, parseAddress } from "./address.ts";
import { sleep } from "./clock.ts";
import { FrameConnection } from "./connection.ts";
import * as native from "./native.ts";

/** A burst of connections from a large cluster; 1000 took a second with the default backlog. */
const BACKLOG = 4096;
/** Without free descriptors accept fails at once: wait for some to be closed. */
const ACCEPT_RETRY_MS = 100;

/** A TCP connection that carries frames. */
export class TcpConnection extends FrameConnection {
  constructor(readonly tcp: Deno.TcpConn, peer: string) {
    super(tcp, peer);
  }
}

/**
 * Listens for connections.
 *
 * @throws {HostError} If the address is not ours or is taken.
 */
export function listenTcp(address: Address): Deno.TcpListener {
  try {
    return Deno.listen({ ...address, transport: "tcp", tcpBacklog: BACKLOG });
  } catch (error) {
    const taken = error instanceof Deno.errors.AddrInUse;
    throw new HostError(
      `Cannot listen on ${formatAddress(address)}: ${
        taken ? "another program listens there" : describe(error)
      }`,
      {
        fix: taken
          ? `Stop it (\`ss -ltnp\` shows it), or set another listen address in the config`
          : "Set listen in the config to an address of this node",
        cause: error,
      },
    );
  }
}

/** Accepts connections until the listener is closed; survives a lack of descriptors. */
export async function acceptLoop<C extends Deno.Conn>(
  listener: { accept(): Promise<C> },
  handle: (conn: C) => void,
  onError: (reason: string) => void,
): Promise<void> {
  for (;;) {
    try {
      handle(await listener.accept());
    } catch (error) {
      if (error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted) {
        return; // closed by us
      }
      onError(describe(error));
      await sleep(ACCEPT_RETRY_MS);
    }
  }
}

/**
 * Connects to a node.
 *
 * @param node Its name, `HOST:PORT`.
 * @throws {HostError} If it cannot be reached within `timeoutMs`.
 */
export async function connectTcp(node: string, timeoutMs: number): Promise<TcpConnection> {
  const address = parseAddress(node);
  const fail = (reason: string, cause?: unknown) =>
    new HostError(`Cannot connect to ${node}: ${reason}`, {
      fix: `Check that \`lb daemon\` runs there and that port ${
        address?.port ?? schema.port
      } is open`,
      ...(cause === undefined ? {} : { cause }),
    });
  if (address === null) throw fail("it is not HOST or HOST:PORT");
  const attempt = Deno.connect({ ...address, transport: "tcp" });
  let timer: number | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    const conn = await Promise.race([attempt, late]);
    sendAtOnce(conn);
    return new TcpConnection(conn, node);
  } catch (error) {
    attempt.then((conn) => conn.close(), () => {});
    throw fail(describe(error), error);
  } finally {
    clearTimeout(timer);
  }
}

/** Sends small frames at once; a connection that is closed already is its reader's affair. */
export function sendAtOnce(conn: Deno.TcpConn): void {
  try {
    conn.setNoDelay(true);
  } catch {
    // The next read says why.
  }
}

function addressesOf(conn: Deno.TcpConn): { local: Deno.NetAddr; remote: Deno.NetAddr } {
  return { local: conn.localAddr, remote: conn.remoteAddr };
}

/**
 * Takes a connection's descriptor for a C part; from here on only that part reads and writes it.
 *
 * @returns A descriptor that the caller closes.
 * @throws {HostError} If the connection is lost.
 */
export function takeDescriptor(connection: TcpConnection, ioTimeoutMs: number): number {
  try {
    const { local, remote } = addressesOf(connection.tcp);
    const fd = native.takeSocket(local, remote);
    native.tuneStream(fd, ioTimeoutMs);
    return fd;
  } finally {
    // Deno's number stands for an unconnected socket by now; on an error the stream ends here.
    connection.close();
  }
}

/** Makes the kernel notice a dead peer of a connection that stays with us, within `timeoutMs`. */
export function watchForSilence(connection: TcpConnection, timeoutMs: number): void {
  try {
    const { local, remote } = addressesOf(connection.tcp);
    native.tuneStream(native.findSocket(local, remote), timeoutMs);
  } catch {
    // It is closed already, and its reader knows; or it notices a dead peer by asking it.
  }
}
