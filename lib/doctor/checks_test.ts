import assert from "node:assert/strict";
import { checkLingering } from "./checks.ts";

Deno.test("checkLingering() warns of a runtime directory that goes with a logout", () => {
  const systemd = "/run/systemd/system", lingers = "/var/lib/systemd/linger/ann";
  const grades = (runtimeDir: string, ...files: string[]) =>
    checkLingering({ runtimeDir }, "ann", (path) => files.includes(path)).map(({ grade }) => grade);
  assert.deepEqual(grades("/run/user/1000/lb", systemd), ["note"]);
  assert.deepEqual(grades("/run/user/1000/lb", systemd, lingers), ["ok"]);
  assert.deepEqual(grades("/run/user/1000/lb"), [], "nobody removes it without systemd");
  assert.deepEqual(grades("/home/ann/.local/state/lb", systemd), []);
});
