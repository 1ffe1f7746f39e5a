import assert from "node:assert/strict";
import $, { searchablePath } from "./commands.ts";

Deno.test("searchablePath() keeps what can be searched, in order", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const closed = `${folder}/closed`;
    await Deno.mkdir(`${closed}/bin`, { recursive: true });
    await Deno.chmod(closed, 0o000);
    const isRoot = Deno.uid() === 0; // to whom nothing is closed
    assert.equal(
      searchablePath(`/usr/bin:${closed}/bin:/nowhere:/bin`),
      isRoot ? `/usr/bin:${closed}/bin:/nowhere:/bin` : "/usr/bin:/nowhere:/bin",
    );
    await Deno.chmod(closed, 0o700);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("$ finds commands by PATH", async () => {
  assert.equal(await $`echo found`.text(), "found");
  assert.match(await $`cc --version`.text(), /cc|gcc|clang/i);
});
