import assert from "node:assert/strict";
import { parseTable } from "../../tools/syscalls.ts";
import { systemCallName } from "./system_calls.ts";

Deno.test("each call that always brings a process home has a name", () => {
  const table = Deno.readTextFileSync(new URL("../../c/include/lb_syscalls.h", import.meta.url));
  for (const { number, name, where } of parseTable(table)) {
    if (where === "COME") assert.equal(systemCallName(number), name);
  }
});

Deno.test("systemCallName() tells what a call asked for where one call is many", () => {
  assert.equal(systemCallName(202, 6 | 128), "futex FUTEX_LOCK_PI");
  assert.equal(systemCallName(16, 0xc0de), "ioctl 0xc0de");
  assert.equal(systemCallName(157, 22), "prctl PR_SET_SECCOMP");
  assert.equal(systemCallName(157, 999), "prctl 999");
  assert.equal(systemCallName(54, 2 ** 32 + 26), "setsockopt of level 1, option 26");
  assert.equal(systemCallName(257), "openat of its memory in /proc");
  assert.equal(systemCallName(59), "execve");
  assert.equal(systemCallName(4000), "system call 4000");
});
