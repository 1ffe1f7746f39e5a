/**
 * Messages about members as frames `gossip`, and back.
 *
 * @module
 */
import { WireError } from "../base/errors.ts";
import type { Claim, Message } from "../core/membership/types.ts";
import type { Announcement } from "../core/contract/names.ts";
import { decodeClaims, encodeClaims } from "../wire/claims.ts";
import type { FrameValues } from "../wire/frame.ts";
import { gossipKinds } from "../wire/schema.ts";
import { announcementValues, letterByte, readAnnouncement } from "./announcements.ts";

/** Ages beyond that are told as this. */
const U32_MAX = 0xffff_fffe;

/** A message, and the letter that came with it. */
export interface Gossip {
  readonly message: Message;
  readonly announcement: Announcement | null;
}

/** Writes a message; the letter goes with a ping and its answer, so that a lost one is made up for. */
export function encodeGossip(message: Message, announcement: Announcement): FrameValues<"gossip"> {
  const isTold = message.type === "ping" || message.type === "ack";
  return {
    request: BigInt("request" in message ? message.request : 0),
    kind: gossipKinds[message.type],
    text: "target" in message ? message.target : "reason" in message ? message.reason : "",
    digest: message.digest,
    ...announcementValues(announcement),
    letter: isTold ? letterByte(announcement.letter) : 0,
    claims: encodeClaims(message.claims.map(({ ageMs, incarnation, ...claim }) => ({
      ...claim,
      incarnation: BigInt(incarnation),
      ageSeconds: Math.min(U32_MAX, Math.floor(ageMs / 1000)),
    }))),
  };
}

/**
 * Reads a message.
 *
 * @throws {WireError} If its kind is unknown, or a number is none.
 */
export function decodeGossip(values: FrameValues<"gossip">): Gossip {
  const request = safeNumber(values.request, "request");
  const { text, digest } = values;
  const claims = decodeClaims(values.claims).map((
    { ageSeconds, incarnation, ...claim },
  ): Claim => ({
    ...claim,
    incarnation: safeNumber(incarnation, "incarnation"),
    ageMs: ageSeconds * 1000,
  }));
  const announcement = values.letter === 0 ? null : readAnnouncement(values, values.letter);
  const body = { digest, claims, request };
  const type = (Object.keys(gossipKinds) as (keyof typeof gossipKinds)[])
    .find((name) => gossipKinds[name] === values.kind);
  switch (type) {
    case undefined:
      throw malformed(`its kind ${values.kind} is unknown`);
    case "ask":
    case "heard":
    case "unheard":
      return { message: { ...body, type, target: text }, announcement };
    case "refused":
      return { message: { ...body, type, reason: text }, announcement };
    case "news":
      return { message: { type, digest, claims }, announcement };
    default:
      return { message: { ...body, type }, announcement };
  }
}

function safeNumber(value: bigint, what: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw malformed(`its ${what} is ${value}`);
  return number;
}

function malformed(reason: string): WireError {
  return new WireError(`Cannot accept gossip about members: ${reason}`, {
    fix: "Run the same lb version on both nodes: compare `lb --version`",
  });
}
