/**
 * Breaks of the membership that `lb simulate --check` should find; see `mutations.ts`.
 *
 * @module
 */
import type { Mutation } from "./_mutation_list.ts";

const isOfMembers = true;

/** All of them. */
export const memberMutations: readonly Mutation[] = [
  {
    title: "no refutation of claims about itself",
    file: "lib/core/membership/membership.ts",
    find: "    if (claim.node === this.#node) return this.#refute(claim);",
    replace: "    if (claim.node === this.#node) return;",
    isOfMembers,
  },
  {
    title: "no anti-entropy (sync) after an ack",
    file: "lib/core/membership/membership.ts",
    find: '    this.#send(from, { type: "sync", request: this.#detector.nextRequest() });',
    replace: "    return;",
    isOfMembers,
  },
  {
    title: "alive outranks suspected of the same incarnation",
    file: "lib/core/membership/types.ts",
    find: '["alive", "suspected", "failed", "left"] as const',
    replace: '["suspected", "alive", "failed", "left"] as const',
    isOfMembers,
  },
  {
    title: "late claims count",
    file: "lib/core/membership/members.ts",
    find:
      "if (claim.incarnation !== known.incarnation) return claim.incarnation > known.incarnation;",
    replace: "if (claim.incarnation !== known.incarnation) return true;",
    isOfMembers,
  },
  {
    title: "nobody ever fails",
    file: "lib/core/membership/detector.ts",
    find: '      if (deadlineMs <= nowMs) this.#options.hold(node, "failed");',
    replace: '      if (deadlineMs < 0) this.#options.hold(node, "failed");',
    isOfMembers,
  },
  {
    title: "a left node denies it",
    file: "lib/core/membership/membership.ts",
    find: "    this.#hasLeft = true;\n    this.#hasJoined = false;",
    replace: "    this.#hasJoined = false;",
    isOfMembers,
  },
  {
    title: "the list is not made anew",
    file: "lib/core/membership/membership.ts",
    find: "    if (nodes.join() === this.#associated.join()) return;",
    replace: "    if (nodes.length <= this.#associated.length) return;",
    isOfMembers,
  },
  {
    title: "those that left stay in lists",
    file: "lib/core/membership/associate.ts",
    find: 'members.filter(({ status }) => status === "left")',
    replace: 'members.filter(({ status }) => status === "left" && node === "")',
    isOfMembers,
  },
  {
    title: "no visits to members in no list",
    file: "lib/core/membership/membership.ts",
    find: "    this.#visit();\n  }",
    replace: "  }",
    isOfMembers,
  },
  {
    title: "callers are not watched",
    file: "lib/core/membership/detector.ts",
    find: '    if (message.type === "ping") this.#callers.set(from, this.#nowMs);\n',
    replace: "",
    isOfMembers,
  },
  {
    title: "news without a limit",
    file: "lib/core/membership/membership.ts",
    find: "    this.#newsAtMs = this.#nowMs + newsMs;",
    replace:
      '    for (let again = 0; again < 300; again++) for (const to of this.#detector.connected) this.#post(to, { type: "news", digest: 0n, claims: [] });',
    isOfMembers,
  },
  {
    title: "a doubted node may be chosen",
    file: "lib/core/location_policy/preferred_list.ts",
    find: '      if (known === "U" && !isDoubted && isAcceptable(node)) return node;',
    replace: "      if (isAcceptable(node)) return node;",
    isOfMembers,
  },
  {
    title: "joining brings no incarnation",
    file: "lib/core/membership/membership.ts",
    find:
      "    if (!this.#hasJoined || this.#hasLeft) {\n      this.#hasJoined = true;\n      this.#hasLeft = false;\n      this.#begin(this.#own.incarnation + 1);",
    replace:
      "    if (!this.#hasJoined || this.#hasLeft) {\n      this.#hasJoined = true;\n      this.#hasLeft = false;\n      this.#begin(this.#own.incarnation);",
    isOfMembers,
  },
  {
    title: "a lost connection stays in the set",
    file: "lib/core/membership/detector.ts",
    find: "    this.connected.delete(node);\n",
    replace: "",
    isOfMembers,
  },
  {
    title: "no local health",
    file: "lib/core/membership/health.ts",
    find: "    return this.#score + 1;",
    replace: "    return 1;",
    isOfMembers,
  },
  {
    title: "an old cluster is kept when leaving",
    file: "lib/core/membership/membership.ts",
    find: "    this.#members.clear();\n",
    replace: "",
    isOfMembers,
  },
];
