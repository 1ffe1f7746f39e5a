/**
 * Goes on from an image, as `lb restart`.
 *
 * In place: this process becomes the keeper in front of it.
 *
 * @module
 */
import { artifactPath } from "../../ffi/artifacts.ts";
import { openFfi } from "../../ffi/open.ts";
import { cpuFeatures } from "../wire/layout.ts";
import { cBlock, cText, environmentBlock, errorOf, fdArray, unwrap } from "../../ffi/unwrap.ts";
import { HostError, UnsupportedError } from "../base/errors.ts";
import { connectLocal } from "../host/command_client.ts";
import type { Config } from "../host/config.ts";
import { callHello } from "../host/handshake.ts";
import { readKey } from "../host/key_file.ts";
import { connectTcp, takeDescriptor } from "../host/tcp.ts";
import { verdicts } from "../wire/schema.ts";
import { type ImageHeader, readImageHeader } from "../host/image_header.ts";
import { runtimePath } from "../host/runtime_dir.ts";

/** How long the home's daemon may take to accept a connection, in milliseconds. */
const CONNECT_TIMEOUT_MS = 5_000;

/** Register sets that this node's processor has: XCR0. */
function localXcr0(): bigint {
  const buffer = new Uint8Array(cpuFeatures.size);
  unwrap(openFfi().lb_ffi_cpu_features(buffer, buffer.length), "read the CPU's features");
  return new DataView(buffer.buffer).getBigUint64(0, true);
}

/**
 * Connects to the shadow of an image through its home's daemon.
 *
 * @returns A descriptor of the stream.
 * @throws {HostError} If the home cannot be reached, or says that this image must not run.
 */
async function openLink(config: Config, header: ImageHeader): Promise<number> {
  const { homeNode, homePid, startTicks, ticket } = header;
  const key = await readKey(config.keyFile);
  const connection = await connectTcp(homeNode, CONNECT_TIMEOUT_MS);
  try {
    const identity = { ticket, startTicks, homePid, homeNode };
    await callHello(connection, { key, node: config.node }, "restart", identity);
    const frame = await connection.read();
    const refuse = (reason: string, fix: string): never => {
      throw new HostError(`Cannot restart ${header.program} as home must serve it: ${reason}`, {
        fix,
      });
    };
    if (frame === null) refuse(`${homeNode} closed the connection`, "See that node's log");
    if (frame?.type === "refuse") refuse(frame.values.reason, frame.values.fix);
    if (frame?.type !== "verdict") {
      refuse(`${homeNode} answered ${frame?.type}`, "Run the same lb version on both nodes");
    } else if (frame.values.verdict === verdicts.dead) {
      refuse(
        `${homeNode} says that this image runs already, or never will again`,
        "See `lb ps` there; for an image whose shadow is gone run `lb shadow IMAGE` there first",
      );
    } else if (frame.values.verdict !== verdicts.live) {
      refuse(`${homeNode} does not know yet`, "Try again in a few seconds");
    }
    return takeDescriptor(connection, config.ioTimeoutMs);
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** Whether this node's daemon runs: without one the guest cannot get a lost link back. */
async function hasDaemon(config: Config): Promise<boolean> {
  try {
    (await connectLocal(config)).close();
    return true;
  } catch (error) {
    if (error instanceof HostError) return false;
    throw error;
  }
}

/**
 * Becomes the process of an image. Returns only by throwing.
 *
 * @throws {HostError} If the image, its home or this node is in the way.
 * @throws {UnsupportedError} If this node's processor lacks what the image needs.
 */
export async function restart(config: Config, path: string): Promise<never> {
  const header = await readImageHeader(path);
  const missing = header.xcr0 & ~localXcr0();
  if (missing !== 0n) {
    throw new UnsupportedError(
      `Cannot restart ${header.program} here as the processor must have all its register sets: ` +
        `XCR0 bits 0x${missing.toString(16)} are missing`,
      { fix: "Restart it on a node with a newer processor", what: "register sets" },
    );
  }
  const ffi = openFfi();
  const keeper = artifactPath("lb-keeper");
  const imageFd = unwrap(ffi.lb_ffi_open(cText(path), 0, 0), `open the image ${path}`);
  const daemon = await hasDaemon(config);
  const linkFd = await openLink(config, header);

  const argv = cBlock([
    "lb-keeper",
    "restart",
    ...["--node", config.node],
    ...(daemon ? ["--control", runtimePath(config.runtimeDir, "control")] : []),
    ...["--io-timeout-ms", String(config.ioTimeoutMs)],
    ...["--reconnect-limit-ms", String(config.reconnectLimitMs)],
  ]);
  const env = environmentBlock(Deno.env.toObject());
  const code = ffi.lb_ffi_exec_fds(
    cText(keeper),
    -1,
    argv,
    argv.length,
    env,
    env.length,
    fdArray([imageFd, linkFd]),
    2,
  );
  throw errorOf(code, `run ${keeper}`);
}
