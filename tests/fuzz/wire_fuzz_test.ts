/**
 * Fuzz tests of the wire.
 *
 * Random bytes never make a decoder throw anything but WireError.
 */
import fc from "fast-check";
import assert from "node:assert/strict";
import { WireError } from "../../lib/base/errors.ts";
import { decodeFrameBody, decodeHeader, type FrameType } from "../../lib/wire/frame.ts";
import { decodeLocal, type LocalName, localSize } from "../../lib/wire/local.ts";
import { frames, frameTypes, local } from "../../lib/wire/schema.ts";

function throwsOnlyWireError(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof WireError, `${error}`);
  }
}

Deno.test("decodeLocal() throws only WireError on random bytes with a true header", () => {
  const names = Object.keys(local) as LocalName[];
  fc.assert(
    fc.property(fc.constantFrom(...names), fc.uint8Array({ maxLength: 520 }), (name, body) => {
      throwsOnlyWireError(() => decodeLocal(body));
      const bytes = new Uint8Array(localSize(name));
      bytes.set(body.subarray(0, bytes.length - 8), 8);
      const view = new DataView(bytes.buffer);
      view.setUint32(0, local[name].id, true);
      view.setUint32(4, bytes.length, true);
      throwsOnlyWireError(() => decodeLocal(bytes));
    }),
  );
});

Deno.test("decodeHeader() throws only WireError on random bytes", () => {
  const types = Object.values(frameTypes);
  fc.assert(
    fc.property(fc.constantFrom(...types), fc.uint8Array({ maxLength: 16 }), (type, bytes) => {
      throwsOnlyWireError(() => decodeHeader(bytes));
      if (bytes.length > 1) bytes.set([type, 1]);
      throwsOnlyWireError(() => decodeHeader(bytes.subarray(0, 8)));
    }),
  );
});

Deno.test("decodeFrameBody() throws only WireError on random bytes", () => {
  const types = Object.keys(frames) as FrameType[];
  fc.assert(
    fc.property(fc.constantFrom(...types), fc.uint8Array({ maxLength: 300 }), (type, body) => {
      throwsOnlyWireError(() => decodeFrameBody({ type, flags: 0, length: body.length }, body));
    }),
  );
});
