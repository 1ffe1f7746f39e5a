/** Tests of the records on disk. */
import assert from "node:assert/strict";
import { type GuestRecord, type LocalRecord, Records } from "./records.ts";

const local: LocalRecord = {
  id: "a:1/7/9007199254740993",
  homeNode: "a:1",
  homePid: 7,
  startTicks: 9007199254740993n, // beyond what a double holds
  program: "12n",
  cantmove: null,
  moving: 18446744073709551615n,
};
const guest: GuestRecord = {
  id: "b:1/8/2",
  homeNode: "b:1",
  homePid: 8,
  startTicks: 2n,
  program: "matmul",
  ticket: 3n,
  keeperPid: 9,
  keeperStartTicks: 4n,
  guestPid: 10,
  guestStartTicks: 5n,
  running: true,
  connection: 77,
  left: false,
};
const ending = {
  ticket: 1n,
  startTicks: 2n,
  homePid: 3,
  homeNode: "c:1",
  waitStatus: 256,
};

async function inDir(run: (file: string) => void): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    run(`${dir}/state.json`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

function fill(records: Records): void {
  records.locals.set(local.id, local);
  records.guests.set(guest.id, guest);
  records.toHome.set("c:1/3/2", ending);
  records.flush();
}

Deno.test("Records.load() gives back what flush() wrote, but no connection", async () => {
  await inDir((file) => {
    fill(new Records(file, "boot"));
    assert.equal((Deno.statSync(file).mode ?? 0) & 0o077, 0);
    const records = new Records(file, "boot");
    records.load();
    assert.deepEqual([...records.locals.values()], [local]);
    assert.deepEqual([...records.guests.values()], [{ ...guest, connection: null }]);
    assert.deepEqual([...records.toHome.values()], [ending]);
    assert.equal(records.findByPid(7)?.id, local.id);
    assert.equal(records.findByPid(10)?.id, guest.id);
  });
});

Deno.test("Records.load() keeps only endings from another boot", async () => {
  await inDir((file) => {
    fill(new Records(file, "boot"));
    const records = new Records(file, "another boot");
    records.load();
    assert.equal(records.locals.size + records.guests.size, 0);
    assert.equal(records.toHome.size, 1);
  });
});

Deno.test("Records.load() sets a damaged file aside and begins anew", async () => {
  await inDir((file) => {
    for (const text of ["", "{", '{"version":2}', '{"version":1,"bootId":"boot"}']) {
      Deno.writeTextFileSync(file, text);
      const records = new Records(file, "boot");
      records.load();
      assert.equal(records.locals.size, 0);
      assert.equal(Deno.readTextFileSync(`${file}.unreadable`), text);
    }
  });
});

Deno.test("Records.flush() goes on when the file cannot be written", () => {
  const records = new Records("/nonexistent/state.json", "boot");
  fill(records);
  assert.equal(records.locals.size, 1);
});
