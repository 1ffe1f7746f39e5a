/**
 * Whether a node can take a process: CPU features, version, memory, clock. Pure.
 *
 * @module
 */
import { cpuFeatures } from "../wire/layout.ts";

/** What an offer says about the process and the node it comes from. */
export interface OfferFacts {
  readonly lbVersion: string;
  readonly cpuFeatures: Uint8Array;
  readonly xcr0: bigint;
  readonly memoryBytes: bigint;
  readonly clockMs: bigint;
}

/** What this node offers. */
export interface NodeFacts {
  readonly lbVersion: string;
  readonly cpuFeatures: Uint8Array;
  readonly availableBytes: bigint;
  readonly clockMs: bigint;
}

/**
 * Programs compare the time of files, kept at home, with the clock of the node where they run;
 * `make` is wrong by a second already, but a laboratory without NTP is often a few seconds apart.
 */
export const CLOCK_SKEW_MS_MAX = 5_000n;
/** Left free on the destination, for the kernel and for those who are there already. */
export const MEMORY_RESERVE_BYTES = 64n << 20n;

const { size: FEATURES_SIZE, offsets } = cpuFeatures;
/** Words of struct lb_ffi_cpu_features, after xcr0, that are sets of features; with their names. */
const featureWords = [
  ["CPUID 1 ecx", offsets.leaf1_ecx],
  ["CPUID 1 edx", offsets.leaf1_edx],
  ["CPUID 7 ebx", offsets.leaf7_ebx],
  ["CPUID 7 ecx", offsets.leaf7_ecx],
  ["CPUID 7 edx", offsets.leaf7_edx],
  ["CPUID 7.1 eax", offsets.leaf7_1_eax],
  ["CPUID 80000001h ecx", offsets.extended1_ecx],
  ["CPUID 80000001h edx", offsets.extended1_edx],
] as const;
/**
 * Bits that say what the kernel or a hypervisor has set up, not what a program may execute:
 * of leaf 1 ecx: MONITOR (3), VMX (5), SMX (6), EST (7), TM2 (8), PDCM (15), DCA (18), x2APIC (21),
 * TSC deadline (24), hypervisor (31); of leaf 7: what needs the kernel or tells of errata.
 */
const ignoredBits: Readonly<Record<number, number>> = {
  [offsets.leaf1_ecx]: 1 << 3 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 15 | 1 << 18 | 1 << 21 |
    1 << 24 | 1 << 31,
  // DS (21), ACPI (22), SS (27), HTT (28), TM (29), PBE (31).
  [offsets.leaf1_edx]: 1 << 21 | 1 << 22 | 1 << 27 | 1 << 28 | 1 << 29 | 1 << 31,
  // TSC adjust (1), SGX (2), SMEP (7), RDT-M (12), RDT-A (15), SMAP (20), PT (25).
  [offsets.leaf7_ebx]: 1 << 1 | 1 << 2 | 1 << 7 | 1 << 12 | 1 << 15 | 1 << 20 | 1 << 25,
  // UMIP (2), TME (13), LA57 (16), BUS_LOCK_DETECT (24), SGX_LC (30).
  [offsets.leaf7_ecx]: 1 << 2 | 1 << 13 | 1 << 16 | 1 << 24 | 1 << 30,
  // SRBDS_CTRL (9), MD_CLEAR (10), hybrid (15), PCONFIG (18), LBR (19), IBRS (26), STIBP (27),
  // L1D_FLUSH (28), ARCH_CAPABILITIES (29), CORE_CAPABILITIES (30), SSBD (31).
  [offsets.leaf7_edx]: 1 << 9 | 1 << 10 | 1 << 15 | 1 << 18 | 1 << 19 | 1 << 26 | 1 << 27 |
    1 << 28 |
    1 << 29 |
    1 << 30 | 1 << 31,
};

/** Says why this node cannot take the process, or null. */
export function refusal(offer: OfferFacts, node: NodeFacts): string | null {
  if (offer.lbVersion !== node.lbVersion) {
    return `it runs lb ${node.lbVersion}, the other node lb ${offer.lbVersion}`;
  }
  const cpu = missingFeature(offer, node);
  if (cpu !== null) return cpu;
  const wanted = offer.memoryBytes + MEMORY_RESERVE_BYTES;
  if (wanted > node.availableBytes) {
    return `it has ${mebibytes(node.availableBytes)} MiB of memory available, the process needs ` +
      `${mebibytes(offer.memoryBytes)} MiB`;
  }
  const skew = offer.clockMs > node.clockMs
    ? offer.clockMs - node.clockMs
    : node.clockMs - offer.clockMs;
  if (skew > CLOCK_SKEW_MS_MAX) return `its clock differs by ${skew} ms`;
  return null;
}

function missingFeature(offer: OfferFacts, node: NodeFacts): string | null {
  if (
    offer.cpuFeatures.length !== FEATURES_SIZE || node.cpuFeatures.length !== FEATURES_SIZE
  ) {
    return "the CPU features of the two nodes cannot be compared";
  }
  const [source, here] = [offer.cpuFeatures, node.cpuFeatures].map((bytes) =>
    new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  ) as [DataView, DataView];
  for (let at = offsets.vendor; at < FEATURES_SIZE; at++) {
    if (source.getUint8(at) !== here.getUint8(at)) return "its CPU is of another vendor";
  }
  const missingState = offer.xcr0 & ~here.getBigUint64(offsets.xcr0, true);
  if (missingState !== 0n) return `its CPU lacks XSAVE state 0x${missingState.toString(16)}`;
  for (const [name, at] of featureWords) {
    const wanted = source.getUint32(at, true) & ~(ignoredBits[at] ?? 0);
    const missing = (wanted & ~here.getUint32(at, true)) >>> 0;
    if (missing !== 0) return `its CPU lacks features: ${name} 0x${missing.toString(16)}`;
  }
  const [size, room] = [
    source.getUint32(offsets.xsave_size, true),
    here.getUint32(offsets.xsave_size, true),
  ];
  if (size > room) return `its CPU saves ${room} bytes of state, the process has ${size}`;
  return null;
}

function mebibytes(bytes: bigint): bigint {
  return (bytes + (1n << 19n)) >> 20n;
}
