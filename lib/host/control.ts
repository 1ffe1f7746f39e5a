/**
 * The node's control socket: programs, shadows and keepers of this node talk to the daemon here.
 *
 * The socket itself lives in C (it passes descriptors); one blocking call waits for the next event,
 * so an idle daemon does not wake up.
 *
 * @module
 */
import { HostError, WireError } from "../base/errors.ts";
import { encodeLocal, type LocalMessage, type LocalName, type LocalValues } from "../wire/local.ts";
import { decodeLocal } from "../wire/local.ts";
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
  /** A message was malformed; its connection is closed. */
  malformed(peer: ControlPeer, reason: string): void;
}

/** The control socket of this process; there is one at most. */
export class ControlSocket {
  #stopped = false;
  #loop: Promise<void> | null = null;

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
    this.#loop = this.#run(handlers);
    return this.#loop;
  }

  async #run(handlers: ControlHandlers): Promise<void> {
    while (!this.#stopped) {
      const event = await native.controlNext();
      if (this.#stopped) return;
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
    handlers.message(peer, message, fds);
  }

  /**
   * Sends a message; the descriptors stay the caller's too.
   *
   * @returns Whether it was sent; if not, a hang-up follows or its reader is stuck.
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
      if (error instanceof HostError) return false;
      throw error;
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
