import assert from "node:assert/strict";
import $ from "./commands.ts";
import { checkGenerated, names, page, parseTable } from "./syscalls.ts";

const header = await Deno.readTextFile(new URL("../c/include/lb_syscalls.h", import.meta.url));
const rows = parseTable(header);

/** Numbers that Linux gives to no x86-64 call, up to the last one of the table. */
const HOLES: readonly (readonly [from: number, to: number])[] = [[337, 423]];
/** Newer than some C libraries' headers. */
const NEWEST: Readonly<Record<string, number>> = {
  uretprobe: 335,
  uprobe: 336,
  cachestat: 451,
  fchmodat2: 452,
  map_shadow_stack: 453,
  futex_wake: 454,
  futex_wait: 455,
  futex_requeue: 456,
  statmount: 457,
  listmount: 458,
  lsm_get_self_attr: 459,
  lsm_set_self_attr: 460,
  lsm_list_modules: 461,
  mseal: 462,
  setxattrat: 463,
  getxattrat: 464,
  listxattrat: 465,
  removexattrat: 466,
  open_tree_attr: 467,
  file_getattr: 468,
  file_setattr: 469,
};

/** The numbers of this machine's kernel headers. */
async function kernelNumbers(): Promise<Map<string, number>> {
  const text = await $`cc -E -dM -include asm/unistd_64.h -x c /dev/null`.text();
  const pattern = /^#define __NR_(\w+) (\d+)$/gm;
  return new Map(
    [...text.matchAll(pattern)].map(([, name = "", number]) => [
      name,
      Number(number),
    ]),
  );
}

Deno.test("parseTable() reads operands and comments, on one line or several", () => {
  const read = parseTable(
    "#define LB_SYSCALL_MAP(X) \\\n\tX(0, read, HOME, LB_BLOCKS | LB_RESULT, FD, OUT(2), V) \\\n" +
      "\tX(9, mmap, OWN, 0, \\\n\t\tV) \\\n\t\t/* node; pages are \\\n\t\t * read once */\n\n#endif\n",
  );
  assert.deepEqual(read, [
    {
      number: 0,
      name: "read",
      where: "HOME",
      flags: ["LB_BLOCKS", "LB_RESULT"],
      operands: ["FD", "OUT(2)", "V"],
      note: "",
    },
    {
      number: 9,
      name: "mmap",
      where: "OWN",
      flags: [],
      operands: ["V"],
      note: "node; pages are read once",
    },
  ]);
  assert.throws(
    () => parseTable("#define LB_SYSCALL_MAP(X) \\\n\tX(0, read, AWAY, 0)\n\n"),
    /no row/,
  );
});

Deno.test("every number of Linux has exactly one row, in order, with the kernel's name", async () => {
  const numbers = rows.map(({ number }) => number);
  assert.deepEqual(numbers, [...new Set(numbers)].sort((a, b) => a - b));
  const wanted = Array.from({ length: (numbers.at(-1) ?? 0) + 1 }, (_, number) => number)
    .filter((number) => !HOLES.some(([from, to]) => number >= from && number <= to));
  assert.deepEqual(numbers, wanted);
  const kernel = await kernelNumbers();
  assert.ok(kernel.size > 350, `${kernel.size} numbers in asm/unistd_64.h`);
  const byName = new Map(rows.map(({ name, number }) => [name, number]));
  for (const [name, number] of [...kernel, ...Object.entries(NEWEST)]) {
    if (number <= (numbers.at(-1) ?? 0)) assert.equal(byName.get(name), number, name);
  }
});

Deno.test("each row says what a reader asks: why it comes home, where what it decides runs", () => {
  const dumb = rows.filter(({ where, note }) =>
    (where === "COME" || where === "REFUSED")
      ? note === ""
      : where === "OWN" && !/^(home|node|both|by option)\b/.test(note)
  );
  assert.deepEqual(dumb.map(({ name }) => name), []);
});

Deno.test("an argument that tells a length is there, and a split call has its buffer where it must be", () => {
  const findings = rows.flatMap(({ name, flags, operands }) => {
    const bad = operands.filter((operand) => {
      const [, index] =
        /^(?:IN|OUT|INOUT|IOV_IN|IOV_OUT)(?:_ARRAY|_BITS|_BEHIND|_INT)?\((\d+)/.exec(operand) ??
          [];
      return index !== undefined && Number(index) >= operands.length;
    });
    const split = flags.some((flag) => flag.startsWith("LB_SPLIT"));
    const buffer = /^(?:IOV_)?(?:IN|OUT)\(2\)$/.test(operands[1] ?? "");
    return [
      ...bad.map((operand) => `${name}: ${operand}`),
      ...(operands.length > 6 ? [`${name} has ${operands.length} arguments`] : []),
      ...(split && !buffer ? [`${name}: its buffer is not argument 1`] : []),
    ];
  });
  assert.deepEqual(findings, []);
});

Deno.test("page() and names() render a row; checkGenerated() finds the committed files fresh", async () => {
  const text = page(header, "#define LB_STAT_SIZE 144\n");
  assert.match(text, /^\| 4 \| stat \| home \| path, out 144 \| {2}\|$/m);
  assert.match(text, /^\| 0 \| read \| home, waits \| fd, out a2, value \| {2}\|$/m);
  assert.match(names(header), /^ {2}250: "keyctl",$/m);
  await checkGenerated();
});
