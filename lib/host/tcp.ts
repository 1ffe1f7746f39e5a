/**
 * TCP between nodes: listening, connecting, and handing a connection to a C part.
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

/**
 * Makes the kernel notice a dead peer of a connection that stays with us, within `timeoutMs`.
 *
 * Deno does not tell a connection's descriptor, so it is found by its inode.
 */
export async function watchForSilence(connection: TcpConnection, timeoutMs: number): Promise<void> {
  try {
    const { local, remote } = addressesOf(connection.tcp);
    const inode = await findInode(local, remote);
    for await (const entry of Deno.readDir("/proc/self/fd")) {
      const target = await Deno.readLink(`/proc/self/fd/${entry.name}`).catch(() => "");
      if (inode !== null && target === `socket:[${inode}]`) {
        native.tuneStream(Number(entry.name), timeoutMs);
        return;
      }
    }
    connection.tcp.setKeepAlive(true); // every two hours: better than nothing
  } catch {
    // It is closed already, and its reader knows.
  }
}

/** An end of a connection as /proc/net/tcp writes it: 32-bit words in host order, proc(5). */
function procAddress(address: Deno.NetAddr): string | null {
  const octets = address.hostname.split(".").map(Number);
  if (octets.length !== 4) return null;
  const hex = (value: number, digits: number) =>
    value.toString(16).toUpperCase().padStart(digits, "0");
  return `${octets.reverse().map((octet) => hex(octet, 2)).join("")}:${hex(address.port, 4)}`;
}

async function findInode(local: Deno.NetAddr, remote: Deno.NetAddr): Promise<string | null> {
  const [ours, theirs] = [procAddress(local), procAddress(remote)];
  if (ours === null || theirs === null) return null;
  const table = await Deno.readTextFile("/proc/self/net/tcp");
  for (const line of table.split("\n")) {
    const columns = line.trim().split(/\s+/);
    if (columns[1] === ours && columns[2] === theirs) return columns[9] ?? null;
  }
  return null;
}
