/** Compares TypeScript's numbers with the C compiler's. */
import assert from "node:assert/strict";
import $ from "../tools/commands.ts";
import { cpuFeatures, event, look } from "../lib/wire/layout.ts";
import { headerOffsets, imageSizes } from "../lib/host/image_header.ts";
import { STATE_SIZE, stateOffsets } from "../lib/shadow/state.ts";

/** Prints one constant expression of C a line, as the compiler sees it. */
async function compileAndPrint(includes: string[], expressions: string[]): Promise<number[]> {
  const dir = await Deno.makeTempDir();
  const root = new URL("../", import.meta.url);
  try {
    const lines = expressions.map((text) => `\tprintf("%zu\\n", (size_t)(${text}));`);
    await Deno.writeTextFile(
      `${dir}/print.c`,
      `#include <stddef.h>\n#include <stdio.h>\n${
        includes.map((name) => `#include "${name}"\n`).join("")
      }int main(void)\n{\n${lines.join("\n")}\n}\n`,
    );
    const folders = ["c/include", "c/base", "c/ffi"].map((name) =>
      `-I${new URL(name, root).pathname}`
    );
    const { code, combined } = await $`cc ${folders} -o ${dir}/print ${dir}/print.c`
      .captureCombined().noThrow();
    assert.equal(code, 0, combined);
    return (await $`${dir}/print`.lines()).map(Number);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Compares offsets with the compiler's. */
async function assertOffsets(
  header: string,
  struct: string,
  wanted: Readonly<Record<string, number>>,
): Promise<void> {
  const names = Object.keys(wanted);
  const offsets = await compileAndPrint(
    [header],
    names.map((name) => `offsetof(struct ${struct}, ${name})`),
  );
  assert.deepEqual(
    Object.fromEntries(names.map((name, index) => [name, offsets[index]])),
    { ...wanted },
  );
}

Deno.test("image_header.ts knows where the fields of struct lb_image_header lie", async () => {
  await assertOffsets("lb_image.h", "lb_image_header", headerOffsets);
  const sizes = Object.keys(imageSizes).map((name) => `sizeof(struct lb_image_${name})`);
  assert.deepEqual(await compileAndPrint(["lb_image.h"], sizes), Object.values(imageSizes));
});

Deno.test("state.ts knows where the fields of struct lb_state lie", async () => {
  await assertOffsets("lb_state.h", "lb_state", stateOffsets);
  assert.deepEqual(await compileAndPrint(["lb_state.h"], ["sizeof(struct lb_state)"]), [
    STATE_SIZE,
  ]);
});

Deno.test("layout.ts knows the sizes of the structs of lb_ffi.h", async () => {
  const sizes = await compileAndPrint(["lb_ffi.h"], [
    "sizeof(struct lb_ffi_event)",
    "sizeof(struct lb_ffi_cpu_features)",
    "sizeof(struct lb_ffi_look)",
  ]);
  assert.deepEqual(sizes, [event.size, cpuFeatures.size, look.size]);
});
