/**
 * Announcements as frames carry them, and back.
 *
 * @module
 */
import { WireError } from "../base/errors.ts";
import type { Announcement, Letter } from "../core/contract/names.ts";
import { frameTypes, limits } from "../wire/schema.ts";

/** The stamp and the load of an announcement in a frame's fields. */
export interface AnnouncementValues {
  readonly epoch: bigint;
  readonly sequence: bigint;
  /** In thousandths of a process per unit of capacity; `limits.loadUntold`: it is not told. */
  readonly load: number;
}

/** Fields of a frame that carries no announcement although its type may. */
export const noAnnouncement = { epoch: 0n, sequence: 0n, load: limits.loadUntold } as const;

/** The frame type of each letter; its byte stands for the letter in other frames. */
export const letterFrames = { U: "under", F: "full" } as const satisfies Record<Letter, string>;

/** The byte of a letter. */
export function letterByte(letter: Letter): number {
  return frameTypes[letterFrames[letter]];
}

/** An announcement's stamp and load; its letter is the frame's type, or a field of its own. */
export function announcementValues({ epoch, seq, load }: Announcement): AnnouncementValues {
  return {
    epoch: BigInt(epoch),
    sequence: BigInt(seq),
    load: load === undefined
      ? limits.loadUntold
      : Math.min(limits.loadUntold - 1, Math.round(load * 1000)),
  };
}

/**
 * Reads an announcement from a frame's fields.
 *
 * @param letter The byte of its letter.
 * @throws {WireError} If that is no letter, or a number of the stamp is too large.
 */
export function readAnnouncement(values: AnnouncementValues, letter: number): Announcement {
  const known = (["U", "F"] as const).find((name) => letterByte(name) === letter);
  const [epoch, seq] = [Number(values.epoch), Number(values.sequence)];
  if (known === undefined || !Number.isSafeInteger(epoch) || !Number.isSafeInteger(seq)) {
    throw new WireError(`Cannot accept announcement: letter ${letter}, epoch ${values.epoch}`, {
      fix: "Run the same lb version on both nodes: compare `lb --version`",
    });
  }
  const announcement = { letter: known, epoch, seq };
  return values.load === limits.loadUntold
    ? announcement
    : { ...announcement, load: values.load / 1000 };
}
