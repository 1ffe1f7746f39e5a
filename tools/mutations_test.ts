/** The breaks of `tools/mutations.ts` follow the code that they break. */
import assert from "node:assert/strict";
import { memberMutations } from "./_member_mutations.ts";
import { mutations } from "./_mutation_list.ts";

Deno.test("each break changes a text that its file has once, and has a title of its own", async () => {
  const all = [...mutations, ...memberMutations];
  for (const { title, file, find, replace } of all) {
    const text = await Deno.readTextFile(new URL(`../${file}`, import.meta.url));
    assert.equal(text.split(find).length, 2, `${title}: ${file}`);
    assert.notEqual(find, replace, title);
  }
  assert.equal(new Set(all.map(({ title }) => title)).size, all.length);
});
