/** Tests of what is read from /proc. */
import assert from "node:assert/strict";
import { openFfi } from "../../ffi/open.ts";
import { inspect, mapsObstacle, statusObstacle } from "./obstacles.ts";
import { cutText, isAlive, parseStat, parseStatus, programName, readStat } from "./proc.ts";

const SIGURG = 23;
const stat = parseStat(
  "77 (a ) b) S 1 77 77 0 -1 4194304 1 0 0 0 150 50 0 0 20 0 1 0 8371234 1000 10",
);

function status(changes: Record<string, string> = {}): Map<string, string> {
  const uid = Deno.uid();
  const fields = {
    Uid: `${uid}\t${uid}\t${uid}\t${uid}`,
    TracerPid: "0",
    Seccomp: "0",
    SigBlk: "0000000000000000",
    SigCgt: "0000000000400000",
    ...changes,
  };
  return parseStatus(
    Object.entries(fields).map(([name, value]) => `${name}:\t${value}`).join("\n"),
  );
}

openFfi(); // once and for all, so that no test seems to leak it

Deno.test("parseStat() finds its fields behind a name with blanks and parentheses", () => {
  assert.deepEqual(stat, {
    state: "S",
    parentPid: 1,
    session: 77,
    terminal: 0,
    cpuSeconds: 2,
    threads: 1,
    startTicks: 8371234n,
  });
  assert.equal(parseStat("77 (a"), null);
});

Deno.test("readStat() and isAlive() know this process and no other one with its PID", async () => {
  const own = await readStat(Deno.pid);
  assert.ok(own !== null);
  assert.equal(isAlive(Deno.pid, own.startTicks), true);
  assert.equal(isAlive(Deno.pid, own.startTicks + 1n), false);
  assert.equal(await readStat(2 ** 30), null);
});

Deno.test("statusObstacle() names each reason why a process cannot move", () => {
  assert.ok(stat !== null);
  const options = { signal: SIGURG, guest: false, threadsMove: false };
  const say = (changes: Record<string, string>, state = stat) =>
    statusObstacle(state, status(changes), options);
  assert.equal(say({}), null);
  assert.match(say({ Uid: "4242" }) ?? "", /user 4242/);
  assert.match(say({ TracerPid: "9" }) ?? "", /traced/);
  assert.match(say({ Seccomp: "2" }) ?? "", /seccomp/);
  // Its shadow has its capabilities, whatever an exec would make of them.
  assert.equal(say({ CapBnd: "3", CapPrm: "2", CapEff: "2", CapAmb: "0" }), null);
  assert.match(say({ SigBlk: "0000000000400000" }) ?? "", /blocks signal 23/);
  assert.match(say({ SigCgt: "0000000000000000" }) ?? "", /library is not loaded/);
  assert.match(say({}, { ...stat, state: "T" }) ?? "", /stopped/);
  assert.match(say({}, { ...stat, threads: 3 }) ?? "", /3 threads/);
  assert.equal(say({}, { ...stat, threads: 129 }), "it has 129 threads, at most 128 move");
});

Deno.test("statusObstacle() lets several threads move where the config does, and guests anywhere", () => {
  assert.ok(stat !== null);
  const say = (threads: number, guest: boolean, threadsMove: boolean) =>
    statusObstacle({ ...stat, threads }, status({}), { signal: SIGURG, guest, threadsMove });
  assert.equal(
    say(2, false, false),
    'it has 2 threads (config threads = "move" lets them move)',
  );
  assert.equal(say(2, false, true), null);
  assert.equal(say(2, true, false), null);
  assert.equal(say(2, true, true), null);
  assert.equal(say(1, false, false), null);
  for (const threadsMove of [false, true]) {
    assert.match(say(129, false, threadsMove) ?? "", /at most 128 move/);
  }
});

Deno.test("mapsObstacle() finds shared writable memory, System V memory and io_uring", () => {
  const line = (permissions: string, path: string, range = "7f0000000000-7f0000001000") =>
    `${range} ${permissions} 00000000 00:01 12 ${path}\n`;
  const say = (maps: string, guest = false) =>
    mapsObstacle(maps, {
      guest,
      mayWrite: (range) => range === "400000-401000",
      otherOwner: (id) => id === "00:01 12" ? 77 : null,
    }) ?? "none";
  assert.equal(say(line("rw-p", "/a") + line("r--s", "/b") + line("r-xp", "[vdso]")), "none");
  assert.match(say(line("rw-s", "/dev/zero (deleted)")), /shared writable.* process 77/);
  assert.equal(say(line("rw-s", "/dev/zero (deleted)").replace(" 12 ", " 13 ")), "none");
  const large = line("rw-s", "/dev/zero (deleted)", "7e0000000000-7f0000000000");
  assert.match(say(large.replace(" 12 ", " 13 ")), /1048576 MiB of shared memory/);
  assert.match(say(line("r--s", "/b", "00400000-00401000")), /may become writable: \/b/);
  assert.equal(say(line("r--s", "/b", "00400000-00401000"), true), "none");
  assert.match(say(line("rw-s", "/SYSV00000000 (deleted)")), /System V/);
  assert.match(say(line("rw-s", "anon_inode:[io_uring]")), /io_uring/);
  assert.match(say(line("rw-p", "").repeat(5000)), /5000 mappings/);
});

Deno.test("inspect() sees figures and obstacles of a live process, null for a dead one", async () => {
  const child = new Deno.Command("sleep", { args: ["60"], stdin: "null" }).spawn();
  try {
    const childStat = await readStat(child.pid);
    assert.ok(childStat !== null);
    const options = { signal: SIGURG, guest: false, threadsMove: false };
    const found = await inspect(child.pid, childStat.startTicks, options);
    assert.ok(found !== null && found.rssBytes > 0);
    assert.equal(found.cantmove, "its lb library is not loaded");
    assert.match(programName(child.pid), /^(sleep|coreutils|busybox)$/);
    assert.equal(await inspect(child.pid, childStat.startTicks + 1n, options), null);
  } finally {
    child.kill("SIGKILL");
    await child.status;
  }
});

Deno.test("cutText() never cuts inside a character", () => {
  assert.equal(cutText("aå", 2), "a");
  assert.equal(cutText("aå", 3), "aå");
  assert.equal(cutText("a\0b", 9), "ab");
});
