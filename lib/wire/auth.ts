/**
 * Authenticates a connection and its frames by the cluster key.
 *
 * Mutually, with a code on each later frame.
 *
 * Both sides send H (who, what for, a fresh nonce), the caller first, then A (its proof), again the
 * caller first. The transcript is both H bodies, so a proof covers both nonces, both node names, the
 * role and the identity asked for. Each side proves with its own label: a proof cannot be sent back
 * to where it came from. From the transcript comes a key for each direction; the code of a frame
 * covers a running counter, so that a frame cannot be repeated, left out or put in another place.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { malformed } from "./fields.ts";
import { limits } from "./schema.ts";

/** Which side of a connection: the one that connected, or the one that accepted. */
export type Side = "caller" | "acceptor";

/** The two H bodies of a connection. */
export interface Transcript {
  readonly caller: Uint8Array;
  readonly acceptor: Uint8Array;
}

function hmac(key: Uint8Array, ...parts: (string | Uint8Array)[]): Buffer {
  const mac = createHmac("sha256", key);
  for (const part of parts) {
    // Each part with its size, so that no two different lists of parts give the same bytes.
    const bytes = typeof part === "string" ? Buffer.from(part) : part;
    const size = new DataView(new ArrayBuffer(4));
    size.setUint32(0, bytes.length, true);
    mac.update(new Uint8Array(size.buffer)).update(bytes);
  }
  return mac.digest();
}

/** Makes a fresh nonce. */
export function makeNonce(): Uint8Array {
  return new Uint8Array(randomBytes(limits.nonceSize));
}

/** The proof that `side` knows the key. */
export function makeProof(key: Uint8Array, side: Side, transcript: Transcript): Uint8Array {
  return new Uint8Array(hmac(key, `lb proof ${side}`, transcript.caller, transcript.acceptor));
}

/** Whether `proof` is what `side` must send; takes the same time for every wrong proof. */
export function checkProof(
  key: Uint8Array,
  side: Side,
  transcript: Transcript,
  proof: Uint8Array,
): boolean {
  const wanted = makeProof(key, side, transcript);
  return proof.length === wanted.length && timingSafeEqual(proof, wanted);
}

/** Makes and checks the codes of the frames of one authenticated connection. */
export class FrameAuth {
  readonly #sendKey: Uint8Array;
  readonly #receiveKey: Uint8Array;
  #sent = 0n;
  #received = 0n;

  constructor(key: Uint8Array, side: Side, transcript: Transcript) {
    const derive = (from: Side) =>
      new Uint8Array(hmac(key, `lb frames of ${from}`, transcript.caller, transcript.acceptor));
    this.#sendKey = derive(side);
    this.#receiveKey = derive(side === "caller" ? "acceptor" : "caller");
  }

  /** The code of the next frame to send. */
  seal(header: Uint8Array, body: Uint8Array): Uint8Array {
    return code(this.#sendKey, this.#sent++, header, body);
  }

  /**
   * Checks a received body against the code at its end.
   *
   * @returns The body without the code.
   * @throws {WireError} If the code is missing or wrong.
   */
  open(header: Uint8Array, sealed: Uint8Array): Uint8Array {
    const size = sealed.length - limits.macSize;
    if (size < 0) {
      throw malformed(
        `Cannot accept frame as it must end with its code: ${sealed.length} bytes came`,
      );
    }
    const body = sealed.subarray(0, size);
    const wanted = code(this.#receiveKey, this.#received++, header, body);
    if (!timingSafeEqual(wanted, sealed.subarray(size))) {
      throw malformed("Cannot accept frame: its code is wrong");
    }
    return body;
  }
}

function code(key: Uint8Array, count: bigint, header: Uint8Array, body: Uint8Array): Uint8Array {
  const counter = new DataView(new ArrayBuffer(8));
  counter.setBigUint64(0, count, true);
  return new Uint8Array(hmac(key, new Uint8Array(counter.buffer), header, body))
    .subarray(0, limits.macSize);
}
