/**
 * The node's control socket.
 *
 * Programs, shadows and keepers of this node talk to the daemon here.
 *
 * The socket itself lives in C (it passes descriptors); one blocking call waits for the next event,
 * so an idle daemon does not wake up.
 *
 * @module
 */
import { describe, HostError, WireError } from "../base/errors.ts";
import { errnos } from "../wire/layout.ts";
import { encodeLocal, type LocalMessage, type LocalName, type LocalValues } from "../wire/local.ts";
import { decodeLocal } from "../wire/local.ts";
import { sleep } from "./clock.ts";
import { isFailure } from "./failure.ts";
import * as native from "./native.ts";

/** Who is at the other end, as the kernel vouches for it. */
export interface ControlPeer {
  /** Number of the connection; never used again. */
  readonly connection: number;
  readonly pid: number;
}

/** What the daemon does about the control socket's events. */
export interface ControlHandlers {
  /** Descriptors are the handler's to close. */
  message(peer: ControlPeer, message: LocalMessage, fds: readonly number[]): void;
  /** The connection is gone. */
  hangup(peer: ControlPeer): void;
  /** A watched process ended. `waitStatus` is null if it was not our child. */
  exited(pid: number, startTicks: bigint, waitStatus: number | null): void;
  /** An event could not be dealt with, as this node lacks something. */
  failed(reason: string): void;
  /** A message was malformed; its connection is closed. */
  malformed(peer: ControlPeer, reason: string): void;
}

/** It is gone already, and its hang-up comes. */
const { ENOTCONN } = errnos;

/** After a failure: it may be over by then, and if not the log is not flooded. */
const RETRY_MS = 100;

/** The control socket of this process; there is one at most. */
export class ControlSocket {
  #stopped = false;
  #loop: Promise<void> | null = null;
  #handlers: ControlHandlers | null = null;

  /**
   * Creates the socket. Hold the node's lock: a file at `path` is replaced.
   *
   * @throws {HostError} If it cannot be created.
   */
  constructor(path: string) {
    native.controlListen(path);
  }

  /** Handles events until `stop()`. */
  run(handlers: ControlHandlers): Promise<void> {
    this.#handlers = handlers;
    this.#loop = this.#run(handlers);
    return this.#loop;
  }

  async #run(handlers: ControlHandlers): Promise<void> {
    while (!this.#stopped) {
      try {
        const event = await native.controlNext();
        if (this.#stopped) return;
        this.#handle(handlers, event);
      } catch (error) {
        if (!isFailure(error)) throw error;
        handlers.failed(describe(error));
        await sleep(RETRY_MS);
      }
    }
  }

  #handle(handlers: ControlHandlers, event: native.ControlEvent): void {
    if (event.kind === "message") {
      const peer = { connection: event.connection, pid: event.peerPid };
      this.#message(handlers, peer, event.message, event.fds);
    } else if (event.kind === "hangup") {
      handlers.hangup({ connection: event.connection, pid: event.peerPid });
    } else if (event.kind === "exited") {
      const { pid, startTicks, waitStatus } = event;
      handlers.exited(pid, startTicks, waitStatus < 0 ? null : waitStatus);
    }
  }

  #message(
    handlers: ControlHandlers,
    peer: ControlPeer,
    bytes: Uint8Array,
    fds: readonly number[],
  ): void {
    let message: LocalMessage;
    try {
      message = decodeLocal(bytes);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      for (const fd of fds) native.close(fd);
      this.close(peer.connection);
      handlers.malformed(peer, error.message);
      handlers.hangup(peer);
      return;
    }
    try {
      handlers.message(peer, message, fds);
    } catch (error) {
      if (!isFailure(error)) throw error;
      // Keepers and shadows come back in a second and say where they are.
      this.close(peer.connection);
      handlers.hangup(peer);
      throw error;
    }
  }

  /**
   * Sends a message; the descriptors stay the caller's too.
   *
   * @returns Whether it was sent; if not, a hang-up follows: who waits for it asks again, on a new
   * connection.
   */
  send<N extends LocalName>(
    connection: number,
    name: N,
    values: LocalValues<N>,
    fds: readonly number[] = [],
  ): boolean {
    try {
      native.controlSend(connection, encodeLocal(name, values), fds);
      return true;
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
      if (error.errno !== ENOTCONN) {
        this.close(connection);
        queueMicrotask(() => this.#handlers?.hangup({ connection, pid: 0 }));
      }
      return false;
    }
  }

  /** Closes a connection; no hang-up follows. */
  close(connection: number): void {
    native.controlClose(connection);
  }

  /** Ends the loop. */
  async stop(): Promise<void> {
    this.#stopped = true;
    native.controlWake();
    await this.#loop;
  }
}
