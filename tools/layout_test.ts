import { checkLayout } from "./layout.ts";

Deno.test("checkLayout() finds the committed sizes, offsets and numbers of C fresh", async () => {
  await checkLayout();
});
