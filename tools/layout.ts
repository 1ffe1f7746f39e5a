/**
 * Prints `lib/wire/layout.ts` from what the C compiler makes of the headers.
 *
 * `layout.ts` writes the file, `layout.ts --check` fails if the committed one is stale. So no size, no
 * offset and no number of C is written a second time.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import $ from "./commands.ts";

import { HostError, LbError } from "../lib/base/errors.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
const LAYOUT = `${root}lib/wire/layout.ts`;
const INCLUDES = ["c/include", "c/base", "c/ffi"];

/** A struct whose bytes TypeScript reads or writes. */
interface StructOf {
  /** Name of the constant. */
  readonly name: string;
  readonly doc: string;
  readonly struct: string;
  readonly header: string;
  readonly fields: readonly string[];
}

const structs: readonly StructOf[] = [
  {
    name: "imageHeader",
    doc: "The first bytes of an image file.",
    struct: "lb_image_header",
    header: "lb_image.h",
    fields: [
      ...["magic", "version", "abi_version", "ticket", "start_ticks", "home_pid", "segments"],
      ...["home_node", "program", "xcr0", "memory_bytes", "range_start", "files_size"],
    ],
  },
  {
    name: "imageSegment",
    doc: "A segment in an image's table.",
    struct: "lb_image_segment",
    header: "lb_image.h",
    fields: [],
  },
  {
    name: "imageRun",
    doc: "What stands before each run of an image's memory.",
    struct: "lb_image_run",
    header: "lb_image.h",
    fields: ["size"],
  },
  {
    name: "state",
    doc: "What a shadow finds in a memfd when it is executed.",
    struct: "lb_state",
    header: "lb_state.h",
    fields: [
      ...["magic", "abi_version", "home_pid", "start_ticks", "live_ticket", "link_fd"],
      ...["shadow_fd", "reconnect_limit_ms", "io_timeout_ms", "home_node", "program"],
      ...["comm", "control_path", "argc", "text_size", "text", "range_start"],
    ],
  },
  {
    name: "event",
    doc: "An event of the control socket.",
    struct: "lb_ffi_event",
    header: "lb_ffi.h",
    fields: [
      ...["kind", "connection", "peer_pid", "start_ticks", "pid", "wait_status", "fds_count"],
      ...["size", "fds", "message"],
    ],
  },
  {
    name: "look",
    doc: "What a look at a process tells.",
    struct: "lb_ffi_look",
    header: "lb_ffi.h",
    fields: [
      ...["pid", "error", "start_ticks", "cpu_ticks", "ran_ns", "waited_ns", "at_ns", "rss_bytes"],
      ...["threads", "state"],
    ],
  },
  {
    name: "cpuFeatures",
    doc: "What CPUID says of a node.",
    struct: "lb_ffi_cpu_features",
    header: "lb_ffi.h",
    fields: [
      ...["xcr0", "leaf1_ecx", "leaf1_edx", "leaf7_ebx", "leaf7_ecx", "leaf7_edx", "leaf7_1_eax"],
      ...["extended1_ecx", "extended1_edx", "xsave_size", "vendor"],
    ],
  },
];

/** Constants of C; `big`: as bigint, for fields of 64 bits. */
interface ConstantsOf {
  readonly name: string;
  readonly doc: string;
  readonly big?: boolean;
  readonly values: Readonly<Record<string, string>>;
}

const constants: readonly ConstantsOf[] = [
  {
    name: "magics",
    doc: "By which structs are known.",
    big: true,
    values: { image: "LB_IMAGE_MAGIC", state: "LB_STATE_MAGIC" },
  },
  {
    name: "runFlags",
    doc: "Flags of a run's size.",
    big: true,
    values: {
      kept: "LB_IMAGE_RUN_KEPT",
      guard: "LB_IMAGE_RUN_GUARD",
      file: "LB_IMAGE_RUN_FILE",
    },
  },
  {
    name: "numbers",
    doc: "Numbers that C defines and TypeScript uses.",
    values: {
      imageVersion: "LB_IMAGE_VERSION",
      orderIdMin: "LB_ORDER_ID_MIN",
      auxLoaded: "LB_AUX_LOADED",
      spawnSetsid: "LB_FFI_SPAWN_SETSID",
    },
  },
  {
    name: "eventKinds",
    doc: "Kinds of event of the control socket.",
    values: {
      message: "LB_FFI_EVENT_MESSAGE",
      hangup: "LB_FFI_EVENT_HANGUP",
      pidExited: "LB_FFI_EVENT_PID_EXITED",
      woken: "LB_FFI_EVENT_WOKEN",
    },
  },
  {
    name: "can",
    doc: "Bits of what the kernel lets a program do.",
    values: {
      dispatch: "LB_FFI_CAN_DISPATCH",
      setMm: "LB_FFI_CAN_SET_MM",
      pidfd: "LB_FFI_CAN_PIDFD",
      closeRange: "LB_FFI_CAN_CLOSE_RANGE",
      pagemap: "LB_FFI_CAN_PAGEMAP",
      pagemapScan: "LB_FFI_CAN_PAGEMAP_SCAN",
    },
  },
  {
    name: "signals",
    doc: "Numbers of signals.",
    values: { SIGURG: "SIGURG", SIGWINCH: "SIGWINCH" },
  },
  {
    name: "errnos",
    doc: "Errors of the kernel.",
    values: {
      EPERM: "EPERM",
      ENOENT: "ENOENT",
      ESRCH: "ESRCH",
      EINTR: "EINTR",
      EIO: "EIO",
      ENOEXEC: "ENOEXEC",
      EBADF: "EBADF",
      EAGAIN: "EAGAIN",
      ENOMEM: "ENOMEM",
      EACCES: "EACCES",
      EFAULT: "EFAULT",
      EBUSY: "EBUSY",
      EEXIST: "EEXIST",
      ENOTDIR: "ENOTDIR",
      EISDIR: "EISDIR",
      EINVAL: "EINVAL",
      ENFILE: "ENFILE",
      EMFILE: "EMFILE",
      ETXTBSY: "ETXTBSY",
      ENOSPC: "ENOSPC",
      EROFS: "EROFS",
      EPIPE: "EPIPE",
      ENAMETOOLONG: "ENAMETOOLONG",
      ENOSYS: "ENOSYS",
      ELOOP: "ELOOP",
      ENOTSUP: "ENOTSUP",
      EADDRINUSE: "EADDRINUSE",
      EADDRNOTAVAIL: "EADDRNOTAVAIL",
      ENETUNREACH: "ENETUNREACH",
      ECONNRESET: "ECONNRESET",
      ENOTCONN: "ENOTCONN",
      ETIMEDOUT: "ETIMEDOUT",
      ECONNREFUSED: "ECONNREFUSED",
      EHOSTUNREACH: "EHOSTUNREACH",
      EWOULDBLOCK: "EWOULDBLOCK",
      ENODEV: "ENODEV",
    },
  },
  {
    name: "exits",
    doc: "Exit statuses of `lb launch` of its own.",
    values: {
      own: "LB_EXIT_OWN",
      notExecutable: "LB_EXIT_NOT_EXECUTABLE",
      notFound: "LB_EXIT_NOT_FOUND",
    },
  },
];

/** Evaluates constant expressions of C, as the compiler sees them. */
async function evaluate(expressions: readonly string[]): Promise<bigint[]> {
  const dir = await Deno.makeTempDir();
  const headers = ["lb_image.h", "lb_state.h", "load.h", "lb_ffi.h", "launch/launch.h"];
  try {
    const lines = [
      "#include <errno.h>",
      "#include <signal.h>",
      "#include <stddef.h>",
      "#include <stdio.h>",
      ...headers.map((name) => `#include "${name}"`),
      "int main(void)",
      "{",
      ...expressions.map((text) => `\tprintf("%llu\\n", (unsigned long long)(${text}));`),
      "}",
    ];
    await Deno.writeTextFile(`${dir}/print.c`, lines.join("\n") + "\n");
    const folders = [...INCLUDES, "c"].map((name) => `-I${root}${name}`);
    const { code, combined } = await $`cc ${folders} -o ${dir}/print ${dir}/print.c`
      .captureCombined().noThrow();
    if (code !== 0) {
      throw new HostError(
        `Cannot evaluate C's constants as cc must succeed: ${combined}`,
        { fix: "Correct the header, or the names in tools/layout.ts" },
      );
    }
    return (await $`${dir}/print`.lines()).map(BigInt);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** The whole file as one text. */
export async function layout(): Promise<string> {
  const expressions = [
    ...structs.flatMap(({ struct, fields }) => [
      `sizeof(struct ${struct})`,
      ...fields.map((field) => `offsetof(struct ${struct}, ${field})`),
    ]),
    ...constants.flatMap(({ values }) => Object.values(values)),
  ];
  const results = await evaluate(expressions);
  const next = () => results.shift() ?? 0n;
  const lines = [
    "/**",
    " * GENERATED by tools/layout.ts from the headers of C. Do not edit.",
    " *",
    " * Sizes and offsets in bytes.",
    " *",
    " * @module",
    " */",
  ];
  for (const { name, doc, struct, header, fields } of structs) {
    lines.push("", `/** ${doc} \`struct ${struct}\` of ${header}. */`);
    lines.push(`export const ${name} = {`, `  size: ${next()},`);
    const offsets = fields.map((field) => `    ${field}: ${next()},`);
    if (offsets.length > 0) lines.push("  offsets: {", ...offsets, "  },");
    lines.push("} as const;");
  }
  for (const { name, doc, big, values } of constants) {
    lines.push("", `/** ${doc} */`, `export const ${name} = {`);
    for (const key of Object.keys(values)) {
      lines.push(`  ${key}: ${big === true ? `0x${next().toString(16)}n` : next()},`);
    }
    lines.push("} as const;");
  }
  return lines.join("\n") + "\n";
}

/**
 * Compares the committed file with what the compiler says.
 *
 * @throws {HostError} If it is stale.
 */
export async function checkLayout(): Promise<void> {
  if (await Deno.readTextFile(LAYOUT) === await layout()) return;
  throw new HostError("Cannot use lib/wire/layout.ts as it must be what C has: it is stale", {
    fix: "Run `npm run task -- gen` and commit the file",
  });
}

if (import.meta.main) {
  try {
    if (Deno.args.includes("--check")) await checkLayout();
    else await Deno.writeTextFile(LAYOUT, await layout());
  } catch (error) {
    if (!(error instanceof LbError)) throw error;
    console.error(`layout: ${error.message}\n    fix: ${error.fix}`);
    Deno.exit(1);
  }
}
