/**
 * Incoming moves.
 *
 * Offers, their reservations, and connections for the memory.
 *
 * @module
 */
import { describe } from "../base/errors.ts";
import { version } from "../base/version.ts";
import { formatProcessId } from "../core/contract/process_id.ts";
import type { Effect } from "../core/contract/effect.ts";
import { monotonicMs, wallMs } from "../host/clock.ts";
import type { Hello, WireIdentity } from "../host/handshake.ts";
import { logger } from "../host/log.ts";
import * as native from "../host/native.ts";
import { takeDescriptor, type TcpConnection } from "../host/tcp.ts";
import type { FrameValues } from "../wire/frame.ts";
import { frameTypes } from "../wire/schema.ts";
import type { Context } from "./context.ts";
import { withFix } from "./fates.ts";
import { refusal } from "./fitness.ts";
import { announcementValues, letterByte, noAnnouncement, readLoad } from "./announcements.ts";
import type { Guests } from "./guests.ts";
import type { Reply } from "./peers.ts";

const log = logger("arrivals");

/** An offer that was received; `accepted` once its place is reserved. */
interface Offer {
  readonly from: string;
  readonly identity: WireIdentity;
  readonly program: string;
  readonly memoryBytes: bigint;
  readonly request: bigint;
  readonly reply: Reply;
  readonly receivedMs: number;
  /** CPU time that the process has used so far, in seconds. */
  readonly cpuSeconds: number;
  accepted: boolean;
}

/** Longer than the balancer keeps a place for memory that has not begun to arrive. */
const OFFER_KEPT_MS = 30_000;

/** The receiving side of moves. */
export class Incoming {
  readonly #context: Context;
  readonly #guests: Guests;
  readonly #offers = new Map<bigint, Offer>();

  constructor(context: Context, guests: Guests) {
    this.#context = context;
    this.#guests = guests;
  }

  /** A frame `offer`: checks what only the node can see and lets the balancer decide. */
  offered(from: string, values: FrameValues<"offer">, reply: Reply): void {
    const { ticket, startTicks, homePid, homeNode, program, memoryBytes, request } = values;
    const identity = { ticket, startTicks, homePid, homeNode };
    const receivedMs = monotonicMs();
    const cpuSeconds = Number(values.cpuMs) / 1000;
    const what = { from, identity, program, memoryBytes, cpuSeconds };
    this.#offers.set(ticket, { ...what, request, reply, receivedMs, accepted: false });
    const id = formatProcessId(identity);
    this.#guests.afterDeparture(id, () => {
      const refusal = this.#refusal(values);
      const manual = values.manual !== 0;
      const { weight } = values;
      const load = readLoad(values.load);
      this.#context.dispatch({
        type: "offerReceived",
        from,
        ticket,
        id,
        manual,
        weight,
        load,
        refusal,
      });
    });
  }

  #refusal(values: FrameValues<"offer">): string | null {
    let promised = 0n;
    for (const offer of this.#offers.values()) if (offer.accepted) promised += offer.memoryBytes;
    try {
      return refusal(values, {
        lbVersion: version,
        cpuFeatures: native.cpuFeatures(),
        availableBytes: native.availableBytes() - promised,
        clockMs: BigInt(wallMs()),
      });
    } catch (error) {
      return describe(error);
    }
  }

  /** Performs the effect `answerOffer`. */
  answer(effect: Extract<Effect, { type: "answerOffer" }>): void {
    const offer = this.#offers.get(effect.ticket);
    if (offer === undefined) return;
    const { announcement, reason } = effect;
    const common = {
      request: offer.request,
      ...announcementValues(announcement),
      letter: letterByte(announcement.letter),
    };
    if (effect.accepted) {
      offer.accepted = true;
      offer.reply("accept", { ...common, detail: "" });
    } else {
      this.#offers.delete(effect.ticket);
      offer.reply("refuse", { ...common, reason: reason ?? "", fix: "" });
    }
  }

  /** A frame `withdraw`: the offer was withdrawn. */
  withdrawn(ticket: bigint): void {
    if (this.#offers.delete(ticket)) this.#context.dispatch({ type: "offerWithdrawn", ticket });
  }

  /** Forgets offers whose memory never came; the balancer has freed their places by itself. */
  check(): void {
    const nowMs = monotonicMs();
    for (const [ticket, offer] of this.#offers) {
      if (nowMs - offer.receivedMs > OFFER_KEPT_MS) this.#offers.delete(ticket);
    }
  }

  /** A connection of role memory, after its proof: the place must be reserved for its ticket. */
  async takeMemory(connection: TcpConnection, hello: Hello): Promise<void> {
    const { ticket } = hello.identity;
    const offer = this.#offers.get(ticket);
    const known = offer?.accepted === true && offer.from === hello.node &&
      formatProcessId(offer.identity) === formatProcessId(hello.identity) &&
      offer.identity.homeNode !== this.#context.node;
    const common = { request: 0n, ...noAnnouncement, letter: frameTypes.full };
    if (!known) {
      const reason = "no place is reserved for this ticket";
      await connection.send("refuse", { ...common, reason, fix: "Offer the process again" })
        .catch(() => {});
      connection.close();
      return;
    }
    this.#offers.delete(ticket);
    try {
      await connection.send("accept", { ...common, detail: "" });
      const fd = takeDescriptor(connection, this.#context.config.ioTimeoutMs);
      try {
        this.#guests.begin(offer, fd);
      } finally {
        native.close(fd);
      }
    } catch (error) {
      connection.close();
      const reason = withFix(error);
      this.#guests.noteFate(ticket, reason);
      log.warning("arrival", {
        process: formatProcessId(offer.identity),
        outcome: "failed",
        reason,
      });
      this.#context.dispatch({ type: "arrivalFailed", ticket, reason });
    }
  }

  /** A frame `inquiry`: does this guest run here? Dead only where that is proved. */
  judge(identity: WireIdentity): "live" | "dead" | "unknown" {
    const isPromised = this.#offers.get(identity.ticket)?.accepted === true;
    return this.#guests.judge(identity, isPromised);
  }
}
