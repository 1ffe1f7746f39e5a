/** Tests of whether a node can take a process. */
import assert from "node:assert/strict";
import {
  CLOCK_SKEW_MS_MAX,
  MEMORY_RESERVE_BYTES,
  type NodeFacts,
  type OfferFacts,
} from "./fitness.ts";
import { refusal } from "./fitness.ts";

function features(change?: (view: DataView) => void): Uint8Array {
  const view = new DataView(new ArrayBuffer(64));
  view.setBigUint64(0, 7n, true);
  view.setUint32(8, 0x0f, true);
  view.setUint32(16, 0x108, true);
  view.setUint32(40, 832, true);
  new Uint8Array(view.buffer).set(new TextEncoder().encode("GenuineIntel"), 48);
  change?.(view);
  return new Uint8Array(view.buffer);
}

const offer: OfferFacts = {
  lbVersion: "1.0.0",
  cpuFeatures: features(),
  xcr0: 7n,
  memoryBytes: 1n << 20n,
  clockMs: 1_000_000n,
};
const node: NodeFacts = {
  lbVersion: "1.0.0",
  cpuFeatures: features(),
  availableBytes: 1n << 30n,
  clockMs: 1_000_000n,
};

Deno.test("refusal() takes a process whose node is like this one, or less", () => {
  assert.equal(refusal(offer, node), null);
  const more = features((view) => view.setUint32(8, 0xff, true));
  assert.equal(refusal(offer, { ...node, cpuFeatures: more }), null);
});

Deno.test("refusal() names the CPU feature, XSAVE state or vendor that is missing", () => {
  const say = (change: (view: DataView) => void) =>
    refusal(offer, { ...node, cpuFeatures: features(change) }) ?? "";
  assert.match(say((view) => view.setUint32(16, 0x08, true)), /CPUID 7 ebx 0x100/);
  assert.match(say((view) => view.setBigUint64(0, 3n, true)), /XSAVE state 0x4/);
  assert.match(say((view) => view.setUint8(48, 65)), /another vendor/);
  assert.match(say((view) => view.setUint32(40, 576, true)), /saves 576 bytes/);
  assert.match(refusal({ ...offer, cpuFeatures: new Uint8Array(3) }, node) ?? "", /compared/);
});

Deno.test("refusal() ignores what no program can execute: hypervisor and kernel features", () => {
  const cpuFeatures = features((view) => view.setUint32(8, 0x8000_0f, true));
  const hypervisor = features((view) => view.setUint32(8, (0x8000_0000 | 0x0f) >>> 0, true));
  assert.match(refusal({ ...offer, cpuFeatures }, node) ?? "", /lacks features/);
  assert.equal(refusal({ ...offer, cpuFeatures: hypervisor }, node), null);
});

Deno.test("refusal() compares version, memory and clock at their limits", () => {
  assert.match(refusal({ ...offer, lbVersion: "1.0.1" }, node) ?? "", /runs lb 1\.0\.0/);
  const availableBytes = offer.memoryBytes + MEMORY_RESERVE_BYTES;
  assert.equal(refusal(offer, { ...node, availableBytes }), null);
  assert.match(refusal(offer, { ...node, availableBytes: availableBytes - 1n }) ?? "", /memory/);
  for (const sign of [1n, -1n]) {
    const clockMs = node.clockMs + sign * CLOCK_SKEW_MS_MAX;
    assert.equal(refusal({ ...offer, clockMs }, node), null);
    assert.match(refusal({ ...offer, clockMs: clockMs + sign }, node) ?? "", /clock differs/);
  }
});
