import assert from "node:assert/strict";
import { ConfigError, HostError } from "../base/errors.ts";
import { readKey, readOrMakeKey, writeNewKey } from "./key_file.ts";

async function inTempDir(test: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await test(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("writeNewKey() makes a key for its owner alone, and a new one each time", () =>
  inTempDir(async (dir) => {
    await writeNewKey(`${dir}/sub/a.key`);
    await writeNewKey(`${dir}/sub/b.key`);
    assert.equal(((await Deno.stat(`${dir}/sub/a.key`)).mode ?? 0) & 0o777, 0o600);
    const [a, b] = [await readKey(`${dir}/sub/a.key`), await readKey(`${dir}/sub/b.key`)];
    assert.equal(a.length, 32);
    assert.notDeepEqual(a, b);
    assert.deepEqual([...Deno.readDirSync(`${dir}/sub`)].map(({ name }) => name).sort(), [
      "a.key",
      "b.key",
    ]);
  }));

Deno.test("writeNewKey() never replaces a file", () =>
  inTempDir(async (dir) => {
    await Deno.writeTextFile(`${dir}/key`, "mine");
    await assert.rejects(
      writeNewKey(`${dir}/key`),
      (error) => error instanceof HostError && error.errno === 17,
    );
    assert.equal(await Deno.readTextFile(`${dir}/key`), "mine");
  }));

Deno.test("readKey() refuses a key that others may read", () =>
  inTempDir(async (dir) => {
    await writeNewKey(`${dir}/key`);
    for (const mode of [0o640, 0o604, 0o620, 0o602, 0o610]) {
      await Deno.chmod(`${dir}/key`, mode);
      await assert.rejects(readKey(`${dir}/key`), ConfigError);
    }
    await Deno.chmod(`${dir}/key`, 0o400);
    assert.equal((await readKey(`${dir}/key`)).length, 32);
  }));

Deno.test("readKey() refuses what is not a key", () =>
  inTempDir(async (dir) => {
    for (const text of ["", "ab".repeat(31), "xy".repeat(32), "a".repeat(65), "ab".repeat(4096)]) {
      await Deno.writeTextFile(`${dir}/key`, text, { mode: 0o600 });
      await assert.rejects(readKey(`${dir}/key`), ConfigError, text);
    }
  }));

Deno.test("readOrMakeKey() gives all who ask at once the same key", () =>
  inTempDir(async (dir) => {
    const keys = await Promise.all(
      Array.from({ length: 8 }, () => readOrMakeKey(`${dir}/deep/er/key`)),
    );
    for (const key of keys) assert.deepEqual(key, keys[0]);
  }));
