import assert from "node:assert/strict";
import { whyNotParked } from "./threads.ts";

Deno.test("whyNotParked() names the thread and says what it does, or that it has ended", () => {
  const said = whyNotParked(Deno.pid, Deno.pid);
  assert.match(
    said,
    new RegExp(`^thread ${Deno.pid} \\(.+\\) does not stop: [A-Z] \\([a-z ]+\\)$`),
  );
  assert.equal(
    whyNotParked(Deno.pid, 2 ** 30),
    `thread ${2 ** 30} did not stop in time, and has ended since`,
  );
});
