/** Tests of the control socket's messages: layout, vectors, malformed input. */
import assert from "node:assert/strict";
import { WireError } from "../base/errors.ts";
import { allVectors, parseVector, sampleValues } from "../../tests/vectors/vectors.ts";
import { fixedSize } from "./fields.ts";
import { decodeLocal, encodeLocal, type LocalName, localSize, type LocalValues } from "./local.ts";
import { type FieldType, limits, local } from "./schema.ts";

const names = Object.keys(local) as LocalName[];

Deno.test("schema.local needs no padding in C", () => {
  for (const name of names) {
    let offset = 8;
    for (const type of Object.values(local[name].fields) as FieldType[]) {
      const alignment = type.startsWith("char") ? 1 : fixedSize(type);
      assert.equal(offset % alignment, 0, name);
      offset += fixedSize(type);
    }
    assert.equal(offset % 8, 0, name);
    assert.ok(offset <= limits.localMessageSizeMax, name);
  }
});

Deno.test("schema.local ids are unique", () => {
  assert.equal(new Set(names.map((name) => local[name].id)).size, names.length);
});

Deno.test("encodeLocal() gives the golden vectors and decodeLocal() reads them", async () => {
  for (const [file, text] of allVectors().filter(([file]) => file.startsWith("local_"))) {
    const golden = await Deno.readTextFile(new URL(`../../tests/vectors/${file}`, import.meta.url));
    assert.equal(golden, text, file);
  }
  for (const name of names) {
    const values = sampleValues(local[name].fields);
    const bytes = encodeLocal(name, values as unknown as LocalValues<typeof name>);
    const vector = allVectors().find(([, text]) => text.startsWith(`# ${name}:`));
    assert.deepEqual(bytes, parseVector(vector?.[1] ?? ""));
    assert.deepEqual(decodeLocal(bytes), { name, ...values });
  }
});

Deno.test("decodeLocal() rejects every wrong size", () => {
  for (const name of names) {
    const bytes = new Uint8Array(localSize(name) + 1);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, local[name].id, true);
    view.setUint32(4, localSize(name), true);
    for (const size of [0, 7, 8, localSize(name) - 1, localSize(name) + 1]) {
      assert.throws(() => decodeLocal(bytes.subarray(0, size)), WireError);
    }
  }
});

Deno.test("decodeLocal() rejects a text without its NUL, and one that is not UTF-8", () => {
  const bytes = encodeLocal("LostLink", { ticket: 1n, zero64: 0n, node: "n" });
  assert.throws(() => decodeLocal(Uint8Array.from(bytes, (b, i) => i < 24 ? b : 65)), WireError);
  bytes[24] = 0xff;
  assert.throws(() => decodeLocal(bytes), WireError);
});

Deno.test("encodeLocal() refuses a value that its field cannot hold", () => {
  const verdict = { ticket: 1n, verdict: 1, zero: 0 };
  assert.throws(() => encodeLocal("Verdict", { ...verdict, ticket: -1n }), RangeError);
  assert.throws(() => encodeLocal("Verdict", { ...verdict, verdict: 2 ** 32 }), RangeError);
  assert.throws(() => encodeLocal("Verdict", { ...verdict, verdict: 1.5 }), RangeError);
  const lost = { ticket: 1n, zero64: 0n, node: "n".repeat(64) };
  assert.throws(() => encodeLocal("LostLink", lost), RangeError);
});
