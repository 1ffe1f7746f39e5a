import assert from "node:assert/strict";
import $ from "./commands.ts";
import { checkHeader, header, snakeCase, upperSnakeCase } from "./gen.ts";

Deno.test("snakeCase() and upperSnakeCase() turn the schema's names into C's", () => {
  assert.equal(snakeCase("nodeNameSize"), "node_name_size");
  assert.equal(snakeCase("GuestEnded"), "guest_ended");
  assert.equal(snakeCase("zero64"), "zero64");
  assert.equal(upperSnakeCase("linkDataSizeMax"), "LINK_DATA_SIZE_MAX");
  assert.equal(upperSnakeCase("SHARED_MEMORY"), "SHARED_MEMORY");
});

Deno.test("checkHeader() finds the committed header fresh", async () => {
  await checkHeader();
});

Deno.test("header() is freestanding C that compiles without a warning", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${dir}/lb_wire.h`, header());
    await Deno.writeTextFile(
      `${dir}/use.c`,
      '#include "lb_wire.h"\n#define ROW(name, code, text, fix) _Static_assert(name == code, text);\n' +
        "LB_ERROR_MAP(ROW)\n",
    );
    const flags = ["-std=gnu11", "-ffreestanding", "-nostdinc", "-Wall", "-Wextra", "-Werror"];
    const include = await $`cc -print-file-name=include`.text();
    const { code, combined } = await $`cc ${flags} -I${include} -fsyntax-only ${dir}/use.c`
      .captureCombined().noThrow();
    assert.equal(code, 0, combined);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
