/**
 * The daemon's sockets in its runtime directory. A directory in XDG_RUNTIME_DIR goes with its user's last
 * session (pam_systemd(8)), while the daemon and its guests run on: the sockets are made anew as soon as
 * there is a directory again.
 *
 * @module
 */
import { describe } from "../base/errors.ts";
import { isFailure } from "../host/failure.ts";
import { logger } from "../host/log.ts";
import * as native from "../host/native.ts";
import { lockRuntimeDir } from "../host/runtime_lock.ts";
import { prepareRuntimeDir, runtimePath } from "../host/runtime_dir.ts";
import { acceptLoop } from "../host/tcp.ts";
import type { Context } from "./context.ts";

const log = logger("sockets");

/** The socket for commands, and an eye on that of the programs. */
export class Sockets {
  readonly #context: Context;
  readonly #serve: (conn: Deno.UnixConn) => void;
  /** The last one is in use. Deno removes the path of one that is closed: the others wait for the end. */
  readonly #listeners: Deno.UnixListener[] = [];
  /** Of the directory that was made anew; the first one's is the daemon's to hold. */
  #lock: number | null = null;
  #complaint = "";

  /** @param serve Takes each connection of a command. */
  constructor(context: Context, serve: (conn: Deno.UnixConn) => void) {
    this.#context = context;
    this.#serve = serve;
  }

  get #path(): string {
    return runtimePath(this.#context.config.runtimeDir, "commands");
  }

  /** Listens for commands; hold the directory's lock. */
  open(): void {
    try {
      Deno.removeSync(this.#path);
    } catch {
      // There is none, which is as good.
    }
    const listener = Deno.listen({ transport: "unix", path: this.#path });
    this.#listeners.push(listener);
    const onError = (reason: string) => log.warning("cannot accept connections", { reason });
    acceptLoop(listener, this.#serve, onError).catch((error) => {
      if (!this.#context.stopped.aborted) throw error; // a bug: crash with its stack
    });
  }

  /** Makes the sockets anew if their files are gone; at every check. */
  check(): void {
    const { config: { runtimeDir: directory }, controlPath, records } = this.#context;
    if (isThere(this.#path) && isThere(controlPath)) return;
    try {
      prepareRuntimeDir(directory);
      if (!isThere(runtimePath(directory, "lock"))) {
        const before = this.#lock;
        this.#lock = lockRuntimeDir(directory);
        if (before !== null) native.close(before);
      }
      native.controlListenAgain(controlPath);
      this.open();
      records.flush();
      this.#complaint = "";
      log.warning("the sockets were gone and are made anew", { directory });
    } catch (error) {
      if (!isFailure(error)) throw error;
      const reason = describe(error);
      if (reason === this.#complaint) return;
      this.#complaint = reason;
      const fix = "log in again; `loginctl enable-linger`, or another runtime-dir, keeps it";
      log.error("the runtime directory is gone: nothing can be launched, nothing asked", {
        directory,
        reason,
        fix,
      });
    }
  }

  /** Takes no more connections. */
  close(): void {
    for (const listener of this.#listeners.splice(0)) listener.close();
  }
}

function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    return !(error instanceof Deno.errors.NotFound);
  }
}
