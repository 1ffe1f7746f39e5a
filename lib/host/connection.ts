/**
 * A connection that carries frames.
 *
 * Exact reads, ordered writes, the code on each frame.
 *
 * @module
 */
import { describe, HostError, WireError } from "../base/errors.ts";
import type { FrameAuth } from "../wire/auth.ts";
import { concat, malformed } from "../wire/fields.ts";
import {
  decodeFrameBody,
  decodeHeader,
  encodeFrameBody,
  encodeHeader,
  type Frame,
  type FrameType,
  type FrameValues,
} from "../wire/frame.ts";
import { frameFlags, limits } from "../wire/schema.ts";

/** What is needed of a `Deno.Conn`; tests give their own. */
export interface ByteConnection {
  read(buffer: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
}

/** Frames that wait for a slow reader may take so many bytes; then it counts as lost. */
const QUEUE_SIZE_MAX = 4 * limits.frameSizeMax;

/** A connection that carries frames. Reads never take a byte beyond the frame asked for. */
export class FrameConnection {
  /** Codes on frames; null before the proof, and on the local socket. */
  auth: FrameAuth | null = null;
  #closed = false;
  #queued = 0;
  #tail: Promise<void> = Promise.resolve();

  /** @param peer Who is at the other end, for messages. */
  constructor(readonly conn: ByteConnection, public peer: string) {}

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Fills `buffer`.
   *
   * @returns false at an orderly end before the first byte.
   * @throws {WireError} If the end comes in the middle.
   */
  async #fill(buffer: Uint8Array): Promise<boolean> {
    for (let offset = 0; offset < buffer.length;) {
      let size: number | null;
      try {
        size = await this.conn.read(buffer.subarray(offset));
      } catch (error) {
        throw this.#lost("read from", error);
      }
      if (size === null || size === 0) {
        if (offset === 0) return false;
        throw malformed(`Cannot read frame from ${this.peer}: the connection ended inside it`);
      }
      offset += size;
    }
    return true;
  }

  #lost(verb: string, error: unknown): HostError {
    const reason = this.#closed ? "it was closed here" : describe(error);
    return new HostError(`Cannot ${verb} ${this.peer}: ${reason}`, {
      fix: "Check the network and the other node's log",
      cause: error,
    });
  }

  /** The raw bytes of the last frame that `read()` returned, without its code. */
  lastBody: Uint8Array = new Uint8Array();

  /**
   * Reads the next frame.
   *
   * @param sizeMax Largest body that is acceptable now.
   * @returns null at an orderly end.
   * @throws {WireError} If the frame is malformed. The caller closes the connection.
   * @throws {HostError} If the connection is lost.
   */
  async read(sizeMax: number = limits.frameSizeMax): Promise<Frame | null> {
    const headerBytes = new Uint8Array(limits.frameHeaderSize);
    if (!await this.#fill(headerBytes)) return null;
    const header = decodeHeader(headerBytes, sizeMax);
    let body: Uint8Array = new Uint8Array(header.length);
    if (header.length > 0 && !await this.#fill(body)) {
      throw malformed(`Cannot read frame from ${this.peer}: the connection ended after its header`);
    }
    const sealed = (header.flags & frameFlags.authenticated) !== 0;
    if (sealed !== (this.auth !== null)) {
      throw malformed(
        `Cannot accept frame ${header.type} from ${this.peer}: ` +
          (sealed ? "it has a code nobody agreed on" : "it must end with its code"),
      );
    }
    if (this.auth !== null) body = this.auth.open(headerBytes, body);
    this.lastBody = body;
    return decodeFrameBody(header, body);
  }

  /**
   * Sends a frame after those sent before.
   *
   * @throws {HostError} If the connection is lost or its reader is too slow; it is closed then.
   */
  async send<T extends FrameType>(
    type: T,
    values: FrameValues<T>,
    options: { readonly answer?: boolean } = {},
  ): Promise<void> {
    const body = encodeFrameBody(type, values);
    const auth = this.auth;
    const length = body.length + (auth === null ? 0 : limits.macSize);
    if (length > limits.frameSizeMax) {
      throw new WireError(
        `Cannot send frame ${type} as it may have ${limits.frameSizeMax} bytes: it has ${length}`,
        { fix: "Report this as a bug with the node's log" },
      );
    }
    const flags = (auth === null ? 0 : frameFlags.authenticated) |
      (options.answer === true ? frameFlags.answer : 0);
    const header = encodeHeader({ type, flags, length });
    // Sealed here and not when its turn comes: the counter follows the order of the calls.
    const bytes = concat(auth === null ? [header, body] : [header, body, auth.seal(header, body)]);
    if (this.#queued + bytes.length > QUEUE_SIZE_MAX) {
      this.close();
      throw this.#lost("send to", new Error("it does not read"));
    }
    this.#queued += bytes.length;
    const turn = this.#tail.then(() => this.#write(bytes));
    this.#tail = turn.catch(() => {});
    try {
      await turn;
    } catch (error) {
      const lost = this.#lost("send to", error);
      this.close();
      throw lost;
    } finally {
      this.#queued -= bytes.length;
    }
  }

  async #write(bytes: Uint8Array): Promise<void> {
    if (this.#closed) throw new Error("closed");
    for (let sent = 0; sent < bytes.length;) sent += await this.conn.write(bytes.subarray(sent));
  }

  /** Closes the connection; pending reads and writes end with an error. Repeated calls are fine. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    try {
      this.conn.close();
    } catch {
      // Deno says so when the other side was faster; closed is closed.
    }
  }
}
