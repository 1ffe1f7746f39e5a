/**
 * Routes messages to who takes them.
 *
 * Frames from daemons and commands, and local messages from this node's processes.
 *
 * @module
 */
import { WireError } from "../base/errors.ts";
import type { ControlHandlers, ControlPeer } from "../host/control.ts";
import { logger } from "../host/log.ts";
import * as native from "../host/native.ts";
import type { Frame } from "../wire/frame.ts";
import type { LocalMessage } from "../wire/local.ts";
import { verdicts } from "../wire/schema.ts";
import { noAnnouncement } from "./announcements.ts";
import type { Checkpoints } from "./checkpoints.ts";
import type { Checks } from "./checks.ts";
import type { Cluster } from "./cluster.ts";
import type { Commands } from "./commands.ts";
import type { Context } from "./context.ts";
import type { Guests } from "./guests.ts";
import type { Incoming } from "./incoming.ts";
import type { Links } from "./links.ts";
import type { Orders } from "./orders.ts";
import type { Reply } from "./peers.ts";
import { register, registerStaying } from "./registration.ts";
import type { Shadows } from "./shadows.ts";
import type { Watches } from "./watches.ts";

const log = logger("router");

/** Those who take messages. */
export interface RouterParts {
  readonly checkpoints: Checkpoints;
  readonly checks: Checks;
  readonly cluster: Cluster;
  readonly commands: Commands;
  readonly guests: Guests;
  readonly incoming: Incoming;
  readonly links: Links;
  readonly orders: Orders;
  readonly shadows: Shadows;
  readonly watches: Watches;
}

/** Routes messages. */
export class Router {
  readonly #context: Context;
  readonly #parts: RouterParts;

  constructor(context: Context, parts: RouterParts) {
    this.#context = context;
    this.#parts = parts;
  }

  /** What is done about the events of the control socket. */
  get handlers(): ControlHandlers {
    return {
      message: (peer, message, fds) => {
        for (const fd of fds) native.close(fd); // no message to the daemon carries any
        this.#local(peer, message);
      },
      hangup: (peer) => {
        this.#parts.shadows.hangup(peer);
        this.#parts.guests.hangup(peer);
      },
      exited: (pid, startTicks, waitStatus) => this.exited(pid, startTicks, waitStatus),
      failed: (reason) => log.error("cannot deal with an event", { reason }),
      malformed: (peer, reason) =>
        log.warning("malformed message on the control socket", { pid: peer.pid, reason }),
    };
  }

  #local(peer: ControlPeer, message: LocalMessage): void {
    switch (message.name) {
      case "Register":
        return register(this.#context, peer, message, this.#parts.watches.watch);
      case "Stays":
        return registerStaying(this.#context, peer, message, this.#parts.watches.watch);
      case "Fetch":
        if (message.orderId === 0n) return void this.#parts.checkpoints.byHand(peer);
        return void this.#parts.orders.fetch(peer, message);
      case "Report":
        return this.#parts.orders.report(peer, message);
      case "Shadow":
        return this.#parts.shadows.shadow(peer, message);
      case "Verdict":
        return this.#parts.shadows.verdict(peer, message);
      case "LostLink":
        return void this.#parts.links.lost(peer, message);
      case "CameHome":
        return this.#parts.shadows.cameHome(peer, message);
      case "Keeper":
        return this.#parts.guests.keeper(peer, message);
      case "GuestEnded":
        return this.#parts.guests.ended(peer, message);
      case "NeedLink":
        return void this.#parts.links.need(peer, message);
      default:
        log.warning("unexpected message on the control socket", {
          pid: peer.pid,
          message: message.name,
        });
        this.#context.control.close(peer.connection);
    }
  }

  /** A process that was watched is gone. */
  exited(pid: number, startTicks: bigint, waitStatus: number | null = null): void {
    const { records, dispatch } = this.#context;
    this.#parts.orders.gone(pid);
    const local = records.findByPid(pid);
    if (local !== null && records.locals.has(local.id) && local.startTicks === startTicks) {
      records.locals.delete(local.id);
      records.save();
      dispatch({ type: "processEnded", id: local.id });
    }
    this.#parts.shadows.exited(pid);
    this.#parts.guests.exited(pid, waitStatus);
  }

  /** A request from another daemon (`from` is its name) or from a command on this node (""). */
  request(from: string, frame: Frame, reply: Reply): void {
    switch (frame.type) {
      case "snapshot":
        return void this.#parts.checks.snapshot(frame.values.request, reply);
      case "command":
        return void this.#parts.commands.run(frame.values, reply);
      case "offer":
        return this.#parts.incoming.offered(from, frame.values, reply);
      case "gossip":
        return this.#parts.cluster.receive(from, frame.values);
      case "withdraw":
        return this.#parts.incoming.withdrawn(frame.values.ticket);
      case "ended": {
        const { request, ...ending } = frame.values;
        this.#parts.shadows.ended(ending);
        return reply("accept", { request, ...noAnnouncement, letter: 0, detail: "" });
      }
      case "inquiry": {
        const { request, ...identity } = frame.values;
        const verdict = verdicts[this.#parts.incoming.judge(identity)];
        return reply("verdict", { request, ticket: identity.ticket, verdict });
      }
      default:
        throw notARequest(frame.type, from);
    }
  }
}

/** The error of a frame that its sender may not send. */
export function notARequest(type: string, from: string): WireError {
  return new WireError(`Cannot accept frame ${type} from "${from}": it is not for it to send`, {
    fix: "Run the same lb version on both nodes: compare `lb --version`",
  });
}
