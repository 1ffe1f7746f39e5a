/** Tests of what is known of mapped files. */
import assert from "node:assert/strict";
import { fileBytes } from "./mapped_bytes.ts";

Deno.test("fileBytes() counts what mapped files have data of, at most", async () => {
  const path = await Deno.makeTempFile();
  try {
    using file = await Deno.open(path, { write: true });
    await file.truncate(64 << 20);
    await file.write(new Uint8Array(8192));
    const { ino } = await file.stat();
    const line = (end: string, inode: number | null, name: string) =>
      `7f0000000000-7f${end} r--p 00000000 00:01 ${inode ?? 0} ${name}\n`;
    const large = line("0004000000", ino, path); // 64 MiB
    assert.ok(fileBytes(large) >= 4096 && fileBytes(large) < 1 << 20);
    assert.equal(fileBytes(line("0004000000", (ino ?? 0) + 1, path)), 64 << 20, "another file");
    assert.equal(fileBytes(line("0000004000", ino, path)), 0x4000, "a small one is sent whole");
    assert.equal(fileBytes(line("0004000000", null, "[heap]") + line("0004000000", null, "")), 0);
  } finally {
    await Deno.remove(path);
  }
});
