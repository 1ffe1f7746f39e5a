import assert from "node:assert/strict";
import { errors, outcomes } from "../wire/schema.ts";
import type { Context } from "./context.ts";
import { Orders } from "./orders.ts";

/** The reason with which an order of this process ends that reports an error with a detail. */
async function reasonOf(error: keyof typeof errors, detail: number): Promise<string | null> {
  let orderId = 0n;
  const context = {
    config: { ioTimeoutMs: 1000, reconnectLimitMs: 1000 },
    control: {
      send: (_connection: number, _name: string, values: { orderId: bigint }) => {
        orderId = values.orderId;
        return true;
      },
    },
  } as unknown as Context;
  const orders = new Orders(context);
  const peer = { connection: 1, pid: Deno.pid };
  const ended = orders.grant(peer, {
    kind: "snapshot",
    pid: peer.pid,
    startTicks: 0n,
    identity: { homeNode: "here", homePid: peer.pid, startTicks: 0n },
    ticket: 1n,
    destination: "",
    fds: [],
    shared: [],
    memoryBytes: 0,
  });
  const report = { orderId, ticket: 1n, bytes: 0n, freezeUs: 0n, step: 3, detail };
  orders.report(peer, { ...report, outcome: outcomes.aborted, error: -errors[error].code });
  return (await ended).reason;
}

Deno.test("Orders says of an order that was given up what its report details", async () => {
  assert.equal(
    await reasonOf("THREADS_MAX", 200),
    "it has 200 threads, at most 128 move (step 3)",
  );
  assert.match(await reasonOf("PARK", Deno.pid) ?? "", /^thread \d+ \(.+\) does not stop: . /);
  assert.equal(await reasonOf("PARK", 0), "a thread does not stop (step 3)");
  assert.equal(await reasonOf("CHILDREN", 7), "the process has children (step 3)");
});
