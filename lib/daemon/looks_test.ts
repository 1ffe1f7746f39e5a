import assert from "node:assert/strict";
import { openFfi } from "../../ffi/open.ts";
import type { ProcessId } from "../core/contract/names.ts";
import * as native from "../host/native.ts";
import { Looks } from "./looks.ts";
import type { LocalRecord } from "./records.ts";

openFfi(); // once and for all, so that no test seems to leak it

/** Looks at programs that count how often they are looked at closely, and how many at a time. */
class Watched implements AsyncDisposable {
  readonly children = new Map<ProcessId, Deno.ChildProcess>();
  readonly inspected: ProcessId[] = [];
  readonly looks: Looks;
  cantmove: string | null = null;
  #atOnce = 0;
  atOnceMost = 0;

  constructor(programs: readonly (readonly string[])[]) {
    for (const [program = "", ...args] of programs) {
      const child = new Deno.Command(program, { args, stdin: "null" }).spawn();
      this.children.set(`here/${child.pid}`, child);
    }
    const find = (id: ProcessId) => {
      const homePid = this.children.get(id)?.pid ?? 0;
      const startTicks = native.startTicks(homePid) ?? 0n;
      const rest = { homeNode: "here", program: "", cantmove: null, moving: null };
      return { id, homePid, startTicks, ...rest } satisfies LocalRecord;
    };
    const inspect = async (id: ProcessId) => {
      this.inspected.push(id);
      this.atOnceMost = Math.max(this.atOnceMost, ++this.#atOnce);
      await new Promise((resolve) => setTimeout(resolve, 1));
      this.#atOnce--;
      return { cpuSeconds: 0, rssBytes: 1, memoryBytes: 1, cantmove: this.cantmove };
    };
    this.looks = new Looks({ find, inspect });
  }

  /** Who is looked at closely in one more round. */
  async round(): Promise<ProcessId[]> {
    this.inspected.length = 0;
    const samples = await this.looks.sample([...this.children.keys()]);
    assert.deepEqual(samples.map(({ id }) => id), [...this.children.keys()]);
    assert.ok(samples.every(({ cantmove }) => cantmove === this.cantmove));
    return this.inspected;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.children.values()) {
      child.kill("SIGKILL");
      await child.status;
    }
  }
}

/** Until programs that sleep have begun to. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 500));

Deno.test("Looks looks closely at those that have run since, and at no other", async () => {
  const burn = ["/bin/sh", "-c", "while :; do :; done"];
  await using watched = new Watched([["/bin/sleep", "60"], burn, ["/bin/sleep", "60"]]);
  await settle();
  assert.equal((await watched.round()).length, 3, "they are new");
  await settle();
  assert.deepEqual(await watched.round(), [[...watched.children.keys()][1]], "one runs");
});

Deno.test("Looks looks again at what keeps a process from outside", async () => {
  await using watched = new Watched([["/bin/sleep", "60"]]);
  await settle();
  watched.cantmove = "it has 1 child";
  assert.equal((await watched.round()).length, 1);
  assert.equal((await watched.round()).length, 1);
  watched.cantmove = null;
  assert.equal((await watched.round()).length, 1);
  assert.equal((await watched.round()).length, 0);
});

Deno.test("Looks looks closely at a few processes at a time, however many there are", async () => {
  await using watched = new Watched(Array.from({ length: 50 }, () => ["/bin/sleep", "60"]));
  await watched.round();
  assert.equal(watched.atOnceMost, 20);
});
