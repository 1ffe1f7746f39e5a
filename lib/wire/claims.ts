/**
 * Claims about members as a frame carries them.
 *
 * One after another.
 *
 * ```text
 *  0             8           12       13       14        16
 * +-------------+-----------+--------+--------+---------+------ ... --+
 * | incarnation | age in s  | status | flags  | size    | node, UTF-8 |
 * +-------------+-----------+--------+--------+---------+------ ... --+
 * ```
 *
 * @module
 */
import { concat, malformed } from "./fields.ts";
import { limits, memberFlags, memberStatuses } from "./schema.ts";

/** What is held of a member. */
export type MemberStatus = keyof typeof memberStatuses;

/** A claim as it is on the wire. */
export interface WireClaim {
  readonly node: string;
  readonly incarnation: bigint;
  readonly status: MemberStatus;
  readonly isOpen: boolean;
  /** For how long this has been so. */
  readonly ageSeconds: number;
}

const HEADER_SIZE = 16;
const names = new Map<number, MemberStatus>(
  (Object.keys(memberStatuses) as MemberStatus[]).map((name) => [memberStatuses[name], name]),
);

/** Encodes claims. */
export function encodeClaims(claims: readonly WireClaim[]): Uint8Array<ArrayBuffer> {
  return concat(claims.flatMap(({ node, incarnation, status, isOpen, ageSeconds }) => {
    const name = new TextEncoder().encode(node);
    const view = new DataView(new ArrayBuffer(HEADER_SIZE));
    view.setBigUint64(0, incarnation, true);
    view.setUint32(8, ageSeconds, true);
    view.setUint8(12, memberStatuses[status]);
    view.setUint8(13, isOpen ? memberFlags.open : 0);
    view.setUint16(14, name.length, true);
    return [new Uint8Array(view.buffer), name];
  }));
}

/**
 * Decodes claims.
 *
 * @throws {WireError} If a claim is cut, of an unknown status or flag, or its node has no name that fits.
 */
export function decodeClaims(bytes: Uint8Array): WireClaim[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const claims: WireClaim[] = [];
  for (let offset = 0; offset < bytes.length;) {
    if (bytes.length - offset < HEADER_SIZE) throw cut(bytes.length - offset);
    const status = names.get(view.getUint8(offset + 12));
    const flags = view.getUint8(offset + 13);
    const size = view.getUint16(offset + 14, true);
    if (status === undefined || (flags & ~memberFlags.open) !== 0) {
      throw malformed(
        `Cannot decode claim: status ${view.getUint8(offset + 12)}, flags ${flags} are unknown`,
      );
    }
    const rest = bytes.subarray(offset + HEADER_SIZE, offset + HEADER_SIZE + size);
    if (rest.length !== size) throw cut(bytes.length - offset);
    claims.push({
      node: nodeName(rest),
      incarnation: view.getBigUint64(offset, true),
      status,
      isOpen: (flags & memberFlags.open) !== 0,
      ageSeconds: view.getUint32(offset + 8, true),
    });
    offset += HEADER_SIZE + size;
  }
  return claims;
}

function cut(size: number) {
  return malformed(`Cannot decode claim as it is not whole: ${size} bytes are left`);
}

function nodeName(bytes: Uint8Array): string {
  if (bytes.length === 0 || bytes.length >= limits.nodeNameSize) {
    throw malformed(
      `Cannot decode claim as its node must have a name: it has ${bytes.length} bytes`,
    );
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw malformed(`Cannot decode claim as its node must be UTF-8: ${bytes.length} bytes are not`);
  }
}
