/**
 * Becomes the shadow of an image, as `lb shadow`.
 *
 * For `lb restart` to go on with elsewhere.
 *
 * @module
 */
import { artifactPath } from "../../ffi/artifacts.ts";
import { openFfi } from "../../ffi/open.ts";
import { cBlock, cText, environmentBlock, errorOf, unwrap } from "../../ffi/unwrap.ts";
import { describe, HostError } from "../base/errors.ts";
import { connectLocal } from "../host/command_client.ts";
import type { Config } from "../host/config.ts";
import { headerOffsets, readImageHeader } from "../host/image_header.ts";
import { schema } from "../wire/schema.ts";
import { encodeState } from "./state.ts";
import { runtimePath } from "../host/runtime_dir.ts";

const O_RDONLY = 0;

/** Who the image is from now on. */
interface Identity {
  readonly pid: number;
  readonly startTicks: bigint;
  readonly ticket: bigint;
  readonly homeNode: string;
}

/** Writes a new identity into an image's header; the rest of the file stays as it is. */
async function rename(path: string, identity: Identity): Promise<void> {
  const bytes = new Uint8Array(headerOffsets.program - headerOffsets.ticket);
  try {
    using file = await Deno.open(path, { read: true, write: true });
    await file.seek(headerOffsets.ticket, Deno.SeekMode.Start);
    for (let size = 0; size < bytes.length;) {
      const got = await file.read(bytes.subarray(size));
      if (got === null) throw new Error("it has become shorter");
      size += got;
    }
    const view = new DataView(bytes.buffer);
    const at = (offset: number) => offset - headerOffsets.ticket;
    view.setBigUint64(0, identity.ticket, true);
    view.setBigUint64(at(headerOffsets.start_ticks), identity.startTicks, true);
    view.setUint32(at(headerOffsets.home_pid), identity.pid, true);
    const name = bytes.subarray(at(headerOffsets.home_node)).fill(0);
    new TextEncoder().encodeInto(
      identity.homeNode,
      name.subarray(0, schema.limits.nodeNameSize - 1),
    );
    await file.seek(headerOffsets.ticket, Deno.SeekMode.Start);
    // One write: a reader sees the old identity or the new one.
    if (await file.write(bytes) !== bytes.length) throw new Error("it was written in part");
  } catch (error) {
    throw new HostError(
      `Cannot write the new identity into ${path}: ${describe(error)}`,
      { fix: "Make the image a file that you may write", cause: error },
    );
  }
}

/**
 * Becomes the shadow of an image, which from then on names this process. Returns only by throwing.
 *
 * @throws {HostError} If the image or this node is in the way.
 * @throws {UnsupportedError} If another version of lb wrote the image.
 */
export async function shadow(config: Config, path: string): Promise<never> {
  const header = await readImageHeader(path);
  // Without a daemon nobody could find this shadow.
  (await connectLocal(config)).close();
  const ffi = openFfi();
  const moveUp = (fd: number): number =>
    unwrap(ffi.lb_ffi_dup_above(fd, schema.limits.ownDescriptorsMin), "duplicate a descriptor");
  const identity: Identity = {
    pid: Deno.pid,
    startTicks: BigInt(ffi.lb_ffi_start_ticks(Deno.pid)),
    ticket: crypto.getRandomValues(new BigUint64Array(1))[0] ?? 0n,
    homeNode: config.node,
  };
  const shadowPath = artifactPath("lb-shadow");
  const state = encodeState({
    ...identity,
    program: header.program,
    controlPath: runtimePath(config.runtimeDir, "control"),
    reconnectLimitMs: config.reconnectLimitMs,
    ioTimeoutMs: config.ioTimeoutMs,
    rangeStart: header.rangeStart,
    shadowFd: moveUp(
      unwrap(ffi.lb_ffi_open(cText(shadowPath), O_RDONLY, 0), `open ${shadowPath}`),
    ),
  });
  const memfd = unwrap(
    ffi.lb_ffi_memfd(cText(schema.names.state), state, state.length),
    "make the shadow's state",
  );
  const stateFd = moveUp(memfd);
  await rename(path, identity);
  console.error(
    `lb: pid ${identity.pid} waits at ${identity.homeNode}: run \`lb restart ${path}\` elsewhere`,
  );
  const argv = cBlock([header.program, "[on no node yet]"]);
  const env = environmentBlock({ ...Deno.env.toObject(), LB_STATE: String(stateFd) });
  throw errorOf(
    ffi.lb_ffi_exec(cText(shadowPath), argv, argv.length, env, env.length),
    `run ${shadowPath}`,
  );
}
