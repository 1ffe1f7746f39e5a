/**
 * Replaces links that are lost.
 *
 * A keeper's need of its home, and a shadow's question after its guest.
 *
 * @module
 */
import { describe } from "../base/errors.ts";
import { formatProcessId } from "../core/contract/process_id.ts";
import type { ProcessId } from "../core/contract/names.ts";
import { sleep } from "../host/clock.ts";
import type { ControlPeer } from "../host/control.ts";
import { callHello, type WireIdentity } from "../host/handshake.ts";
import { logger } from "../host/log.ts";
import * as native from "../host/native.ts";
import { connectTcp, takeDescriptor } from "../host/tcp.ts";
import type { LocalValues } from "../wire/local.ts";
import { limits, verdicts } from "../wire/schema.ts";
import type { Context } from "./context.ts";
import type { Peers } from "./peers.ts";

const log = logger("links");

/** Between two questions after a lost guest. */
const LOST_RETRY_MS = 2_000;

/** Repairs links from both ends. */
export class Links {
  readonly #context: Context;
  readonly #peers: Peers;
  /** Connections of keepers whose need is being seen to. */
  readonly #needs = new Set<number>();
  readonly #lost = new Set<ProcessId>();
  /** Why a home could not be reached, as last logged. */
  readonly #complaints = new Map<ProcessId, string>();

  constructor(context: Context, peers: Peers) {
    this.#context = context;
    this.#peers = peers;
  }

  /** A keeper needs a link; one attempt: it asks again until its own limit. */
  async need(peer: ControlPeer, message: LocalValues<"NeedLink">): Promise<void> {
    if (this.#needs.has(peer.connection)) return;
    this.#needs.add(peer.connection);
    const { control } = this.#context;
    const { ticket, startTicks, homePid, homeNode } = message;
    const identity = { ticket, startTicks, homePid, homeNode };
    const id = formatProcessId(identity);
    try {
      const result = await this.#connect(identity);
      this.#complaints.delete(id);
      if (typeof result === "number") {
        control.send(peer.connection, "Link", { ticket, startTicks, node: homeNode }, [result]);
        native.close(result);
        log.info("link restored", { process: id });
      } else {
        if (result === "dead") log.debug("a copy that is not the live one ends", { process: id });
        const verdict = verdicts[result];
        control.send(peer.connection, "Verdict", { ticket, verdict, zero: 0 });
      }
    } catch (error) {
      const reason = describe(error);
      if (this.#complaints.get(id) !== reason) {
        this.#complaints.set(id, reason);
        log.warning("a guest's home is out of reach", { process: id, reason });
      }
      const verdict = verdicts.unknown;
      control.send(peer.connection, "Verdict", { ticket, verdict, zero: 0 });
    } finally {
      this.#needs.delete(peer.connection);
    }
  }

  /** Connects to a guest's home; a descriptor, or why there is none. */
  async #connect(identity: WireIdentity): Promise<number | "dead" | "unknown"> {
    const { config, credentials } = this.#context;
    const connection = await connectTcp(identity.homeNode, limits.helloTimeoutMs);
    try {
      await callHello(connection, credentials, "link", identity);
      const timer = setTimeout(() => connection.close(), limits.answerTimeoutMs);
      const frame = await connection.read(limits.helloFrameSizeMax).finally(() =>
        clearTimeout(timer)
      );
      if (frame?.type === "verdict" && frame.values.ticket === identity.ticket) {
        if (frame.values.verdict === verdicts.live) {
          return takeDescriptor(connection, config.ioTimeoutMs);
        }
        if (frame.values.verdict === verdicts.dead) return "dead";
      }
      return "unknown";
    } finally {
      connection.close();
    }
  }

  /** A shadow has lost its link: asks the guest's node after it, until somebody knows. */
  async lost(peer: ControlPeer, message: LocalValues<"LostLink">): Promise<void> {
    const { records, control, config, stopped } = this.#context;
    const record = records.findShadowByPid(peer.pid);
    if (record === null || this.#lost.has(record.id)) return;
    const { id, startTicks, homePid, homeNode } = record;
    const { ticket, node } = message;
    this.#lost.add(id);
    record.lost = true;
    log.warning("link lost", { process: id, node });
    try {
      const deadlineMs = performance.now() + config.reconnectLimitMs;
      while (performance.now() < deadlineMs) {
        const current = records.shadows.get(id);
        if (current === undefined || !current.lost || current.ticket !== ticket) return;
        const values = { ticket, startTicks, homePid, homeNode };
        const verdict = await this.#ask(node, values).catch((error) => {
          log.debug("no news of a guest", { process: id, reason: describe(error) });
          return "unknown" as const;
        });
        const now = records.shadows.get(id);
        if (verdict === "dead" && now?.lost === true && now.ticket === ticket) {
          // K with a status may have come meanwhile; the shadow was told it then.
          if (records.toShadow.get(id)?.ticket === ticket || now.connection === null) return;
          log.warning("a guest is gone for good", { process: id, node });
          control.send(now.connection, "Verdict", { ticket, verdict: verdicts.dead, zero: 0 });
          return;
        }
        await sleep(LOST_RETRY_MS, stopped);
      }
    } catch (error) {
      if (!stopped.aborted) throw error;
    } finally {
      this.#lost.delete(id);
    }
  }

  async #ask(node: string, identity: WireIdentity): Promise<"live" | "dead" | "unknown"> {
    const frame = await this.#peers.request(node, "inquiry", identity);
    if (frame.type !== "verdict") return "unknown";
    if (frame.values.verdict === verdicts.dead) return "dead";
    return frame.values.verdict === verdicts.live ? "live" : "unknown";
  }
}
