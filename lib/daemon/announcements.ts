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
  /** In thousandths; 0: they are not told. */
  readonly cores: number;
  /** In thousandths. */
  readonly speed: number;
}

/** Fields of a frame that carries no announcement although its type may. */
export const noAnnouncement = {
  epoch: 0n,
  sequence: 0n,
  load: limits.loadUntold,
  cores: 0,
  speed: 0,
} as const;

/** The frame type of each letter; its byte stands for the letter in other frames. */
export const letterFrames = { U: "under", F: "full" } as const satisfies Record<Letter, string>;

/** The byte of a letter. */
export function letterByte(letter: Letter): number {
  return frameTypes[letterFrames[letter]];
}

/** A load as frames have it; null: it is not told. */
export function loadValue(load: number | null): number {
  return load === null ? limits.loadUntold : Math.min(limits.loadUntold - 1, thousandths(load));
}

/** The load that stands in a frame; null: it is not told. */
export function readLoad(value: number): number | null {
  return value === limits.loadUntold ? null : value / 1000;
}

function thousandths(value: number): number {
  return Math.round(value * 1000);
}

/** An announcement's stamp and load; its letter is the frame's type, or a field of its own. */
export function announcementValues(
  { epoch, seq, load, capacity }: Announcement,
): AnnouncementValues {
  return {
    epoch: BigInt(epoch),
    sequence: BigInt(seq),
    load: loadValue(load ?? null),
    cores: thousandths(capacity?.cores ?? 0),
    speed: thousandths(capacity?.speed ?? 0),
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
  const load = readLoad(values.load);
  const [cores, speed] = [values.cores / 1000, values.speed / 1000];
  return {
    letter: known,
    epoch,
    seq,
    ...load === null ? {} : { load },
    ...cores > 0 && speed > 0 ? { capacity: { cores, speed } } : {},
  };
}
