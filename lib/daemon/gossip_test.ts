/** Tests of messages about members, and of their file. */
import assert from "node:assert/strict";
import { WireError } from "../base/errors.ts";
import { type Claim, type Message, statuses } from "../core/membership/types.ts";
import { memberStatuses } from "../wire/schema.ts";
import { decodeGossip, encodeGossip } from "./gossip.ts";
import { loadMembers, saveMembers } from "./member_file.ts";

const claims: Claim[] = statuses.map((status, index) => ({
  node: `n${index}:1`,
  incarnation: 1_700_000_000_000 + index,
  status,
  isOpen: index % 2 === 0,
  ageMs: 3_000 * index,
}));
const capacity = { cores: 2.5, speed: 1 };
const stamp = { letter: "F", epoch: 1_700_000_000_001, seq: 7 } as const;
const announcement = { ...stamp, load: 1.5, capacity } as const;

Deno.test("decodeGossip() reads what encodeGossip() writes, of every kind", () => {
  const common = { digest: 2n ** 64n - 1n, claims };
  const messages: Message[] = [
    { ...common, type: "ping", request: 1 },
    { ...common, type: "ack", request: 2 },
    { ...common, type: "ask", request: 3, target: "a:1" },
    { ...common, type: "heard", request: 4, target: "a:1" },
    { ...common, type: "unheard", request: 5, target: "a:1" },
    { ...common, type: "news" },
    { ...common, type: "sync", request: 6 },
    { ...common, type: "synced", request: 7 },
    { ...common, type: "refused", request: 8, reason: "no way" },
    { ...common, type: "knock", request: 9 },
  ];
  for (const message of messages) {
    const isTold = message.type === "ping" || message.type === "ack";
    assert.deepEqual(decodeGossip(encodeGossip(message, announcement)), {
      message,
      announcement: isTold ? announcement : null,
    });
    const got = decodeGossip(encodeGossip(message, stamp));
    assert.deepEqual(got.announcement, isTold ? stamp : null);
  }
});

Deno.test("decodeGossip() rejects an unknown kind, and numbers that are none", () => {
  const good = encodeGossip({ type: "ping", request: 1, digest: 0n, claims }, announcement);
  for (const change of [{ kind: 0 }, { kind: 99 }, { request: 2n ** 60n }, { letter: 3 }]) {
    assert.throws(() => decodeGossip({ ...good, ...change }), WireError);
  }
});

Deno.test("the wire ranks statuses as the core does", () => {
  const ranked = Object.entries(memberStatuses).toSorted((a, b) => a[1] - b[1]);
  assert.deepEqual(ranked.map(([name]) => name), [...statuses]);
});

Deno.test("the file of members is read back, with ages, and one that is broken is set aside", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const path = `${dir}/members.json`;
    const nothing = { incarnation: 0, hasJoined: false, hasLeft: false, claims: [] };
    assert.deepEqual(loadMembers(path, "me:1", 1_000), nothing);
    const own = { node: "me:1", incarnation: 9, status: "alive", isOpen: true, ageMs: 0 } as const;
    const kept = { incarnation: 9, hasJoined: true, hasLeft: false };
    saveMembers(path, "me:1", {
      ...kept,
      members: [...claims, own],
      associated: [],
      health: 0,
    }, 1_000_000);
    assert.deepEqual(loadMembers(path, "me:1", 1_002_000), {
      ...kept,
      claims: claims.map((claim) => ({ ...claim, ageMs: claim.ageMs + 2_000 })),
    });
    assert.deepEqual(loadMembers(path, "other:1", 1_002_000), nothing, "the node has another name");
    for (const text of ["{", '{"version":2}', '{"version":1,"members":[{"status":"x"}]}']) {
      await Deno.writeTextFile(path, text);
      assert.deepEqual(loadMembers(path, "me:1", 0), nothing);
      assert.equal(await Deno.readTextFile(`${path}.unreadable`), text);
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
