/**
 * Style rules that no formatter and no compiler has.
 *
 * CONTRIBUTING.md has them; each has a text that trips it.
 */
import assert from "node:assert/strict";
import {
  exists,
  fileOf,
  isTest,
  type SourceFile,
  sources,
  texts,
  typescript,
} from "./repository.ts";
import { importsIn, visit } from "./syntax.ts";

/** A rule of style. */
interface Rule {
  /** What holds, as a sentence. */
  readonly name: string;
  /** Files it is for. */
  readonly files: readonly SourceFile[];
  /** What one file has against it. */
  readonly find: (file: SourceFile) => string[];
  /** How many findings a folder still has; none where it is not named. These only shrink. */
  readonly known?: Readonly<Record<string, number>>;
  /** Texts that must trip it, by the path they pretend to have. */
  readonly trips: readonly (readonly [path: string, text: string])[];
  /** Texts that must not. */
  readonly passes: readonly (readonly [path: string, text: string])[];
}

/** Lines of a file that a pattern finds. */
function linesWith({ path, lines }: SourceFile, pattern: RegExp): string[] {
  return lines.flatMap((line, index) =>
    pattern.test(line) ? [`${path}:${index + 1} ${line.trim()}`] : []
  );
}

const c = sources.filter(({ path }) => /^c\/.*\.[chS]$/.test(path) && !path.endsWith("lb_wire.h"));
const product = typescript.filter(({ path }) => !isTest(path));

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Structs and unions that the kernel's headers for user space define. */
function kernelStructs(): Set<string> {
  const folders = ["linux", "asm-generic", "x86_64-linux-gnu/asm", "asm"]
    .map((name) => `/usr/include/${name}`).filter(isThere);
  const names = new Set<string>();
  const add = (folder: string) => {
    for (const { name, isDirectory } of Deno.readDirSync(folder)) {
      if (isDirectory) add(`${folder}/${name}`);
      else if (name.endsWith(".h")) {
        const text = Deno.readTextFileSync(`${folder}/${name}`);
        for (const [, found = ""] of text.matchAll(/\b(?:struct|union) (\w+)\s*\{/g)) {
          names.add(found);
        }
      }
    }
  };
  folders.forEach(add);
  return names;
}

const ofKernel = kernelStructs();

/** Errors of ours, whose messages have one grammar. */
const ERRORS = /^(Usage|Config|Host|Wire|Unsupported|Launch)Error$/;

/** The constant text at the beginning of an expression; null where there is none. */
function beginning(node: Deno.lint.Node | undefined): string | null {
  if (node?.type === "Literal" && typeof node.value === "string") return node.value;
  if (node?.type === "TemplateLiteral") return node.quasis.map(({ raw }) => raw).join("…");
  if (node?.type === "BinaryExpression") {
    const left = beginning(node.left as Deno.lint.Node);
    const right = beginning(node.right as Deno.lint.Node);
    return left === null ? null : left + (right ?? "…");
  }
  return null;
}

/** Errors that do not read `Cannot VERB OBJECT as WANTED: CURRENT`, or have no fix, or no kind. */
function badErrors({ path, text }: SourceFile): string[] {
  const found: string[] = [];
  const at = (node: Deno.lint.Node) => `${path}:${text.slice(0, node.range[0]).split("\n").length}`;
  visit(path, text, {
    NewExpression(node) {
      if (node.callee.type !== "Identifier") return;
      const message = beginning(node.arguments[0] as Deno.lint.Node | undefined);
      // A plain one carries the reason, in lower case, to an error of ours that tells it.
      if (node.callee.name === "Error" && !/^([a-z]|…)/.test(message ?? "")) {
        found.push(`${at(node)} new Error`);
      }
      if (message === null || !ERRORS.test(node.callee.name)) return;
      if (!/^Cannot \S+ .+( as |: )./s.test(message) || message.endsWith(".")) {
        found.push(`${at(node)} ${message}`);
      }
      const options = node.arguments[1];
      if (
        options?.type === "ObjectExpression" &&
        !options.properties.some((property) =>
          property.type === "SpreadElement" ||
          (property.key.type === "Identifier" && property.key.name === "fix")
        )
      ) found.push(`${at(node)} no fix`);
    },
  });
  return found;
}

/** The first sentence of a file's first comment, without the file's name; null where there is none. */
function headerOf(text: string): string | null {
  const [, comment] = /^(?:#!.*\n)?\/\*\*?([^]*?)\*\//.exec(text) ?? [];
  if (comment === undefined) return null;
  const [paragraph = ""] = comment.replace(/^[ *\n]+/, "").split(/\n \*\n/);
  const words = paragraph.replace(/\s*\n\s*\*?\s*/g, " ").trim().replace(/^\w+\.\w+ - /, "");
  return words.split(/(?<=[.!?])\s/)[0] ?? "";
}

/** Words of a file's header at most: it is a noun phrase or a verb in the third person. */
const HEADER_WORDS_MAX = 12;
/** Parts do not talk: they announce, report, cache, invalidate, refute. */
const HEADER_NEVER = /\b(told|hears?|heard|knows?)\b/;

/** A path of ours, or the name of a C source, as comments cite them; others' paths lead elsewhere. */
const CITED =
  /(?<![\w/.*}<-])(?:(?:c|lib|ffi|tests|tools|bench)\/[\w./-]+\.(?:c|h|S|ts)|[a-z][\w-]*\.[cS])\b(?![*/])/g;
const baseNames = new Set(sources.map(({ path }) => path.slice(path.lastIndexOf("/") + 1)));

const rules: readonly Rule[] = [
  {
    name: "a file begins with what it is, in twelve words",
    files: sources.filter(({ path }) => path !== "c/include/lb_wire.h"),
    find: ({ path, text }) => {
      const header = headerOf(text);
      if (header === null) return path.endsWith("_test.ts") ? [] : [`${path} has no header`];
      return header.split(" ").length > HEADER_WORDS_MAX || HEADER_NEVER.test(header)
        ? [`${path}: ${header}`]
        : [];
    },
    trips: [
      ["lib/a.ts", `import "x";\n`],
      ["lib/a.ts", "/** What a node is told. */"],
      [
        "lib/a.ts",
        "/** One two three four five six seven eight nine ten eleven twelve thirteen. */",
      ],
      [
        "c/a.c",
        "/* a.c - one two three four five six seven\n * eight nine ten eleven: twelve, thirteen\n */",
      ],
    ],
    passes: [
      [
        "lib/a.ts",
        "/**\n * Reads a file. And then there is much to say about it, which stands behind.\n */",
      ],
      [
        "c/a.c",
        "/* a.c - Reads a file.\n *\n * And then there is much to say about it, more than twelve words.\n */",
      ],
    ],
  },
  {
    name: "C: a number has a name, not a comment that names it",
    files: c,
    // In a #define the number has its own name.
    find: (file) =>
      linesWith(
        file,
        /^(?!\s*#\s*define).*[^\w.](0[xX][0-9a-fA-F]+|\d+)[uUlL]*\s*\/\*\s*[A-Z][A-Z0-9_]{2}/,
      ),
    trips: [
      ["c/library/a.c", "\tsend(fd, at, size, 0x4000 /* NOSIGNAL */);"],
      ["c/library/a.c", "\treturn got == -2 /* ENOENT */;"],
    ],
    passes: [
      ["c/library/a.c", "#define LB_PIECES_MAX 1024u /* UIO_MAXIOV, readv(2) */"],
      ["c/library/a.c", "\tLB_LINK_CANCEL = 9,  /* CALL of this seq */"],
    ],
  },
  {
    name: "C: EINTR is EINTR",
    files: c,
    find: (file) =>
      linesWith(file, /\bEINTR_|_EINTR\b|#\s*define\s+\w*INTERRUPTED\s+\(-4\)|-4\s*\/\*\s*EINTR/),
    trips: [
      ["c/base/a.h", "#define LB_EINTR (-4)"],
      ["c/restorer/a.c", "\t\tif (got == EINTR_NEGATIVE)"],
      ["c/base/a.h", "#define LB_INTERRUPTED (-4)"],
    ],
    passes: [["c/base/a.c", "\t\tif (got == -EINTR)"]],
  },
  {
    name: "C: registers of a context are read by struct ucontext of the kernel's header",
    files: c,
    find: (file) => linesWith(file, /\bREGISTER\(|\bLB_UC_\w+|\bLB_R([A-D]X|[SD]I|[SB]P|IP|\d+)\b/),
    trips: [["c/library/a.c", "\tuint64_t at = REGISTER(context, LB_RIP);"]],
    passes: [["c/library/a.c", "\tuint64_t at = context->uc_mcontext.rip;"]],
  },
  {
    name: "C: structs of the kernel come from its headers",
    files: c,
    find: (file) =>
      linesWith(file, /\b(struct|union) \w+\s*\{/).filter((line) => {
        const name = /\b(?:struct|union) (?:lb_|kernel_)?(\w+)\s*\{/.exec(line)?.[1] ?? "";
        return ofKernel.has(name);
      }),
    trips: ofKernel.size === 0 ? [] : [
      ["c/base/a.h", "struct lb_pollfd {"],
      ["c/base/a.h", "struct iovec {"],
    ],
    passes: [["c/base/a.h", "struct lb_image_header {"], ["c/base/a.h", "struct pollfd *polled;"]],
  },
  {
    name: "errors read `Cannot VERB OBJECT as WANTED: CURRENT`, or one of both, and have a fix",
    files: product.filter(({ path }) => path !== "lib/base/assert.ts"),
    find: badErrors,
    trips: [
      ["lib/host/a.ts", `throw new HostError("No such file", { fix: "Make it" });`],
      ["lib/host/a.ts", `throw new HostError("Cannot read " + path, { fix: "Make it" });`],
      ["lib/host/a.ts", `throw new HostError("Cannot read it as it must exist.", { fix: "x" });`],
      ["lib/host/a.ts", `throw new HostError("Cannot read it as it must exist: x", { errno: 2 });`],
      ["lib/host/a.ts", `throw new Error("Cannot go on");`],
    ],
    passes: [
      ["lib/host/a.ts", `throw new Error("it has become shorter");`],
      [
        "lib/host/a.ts",
        "throw new HostError(`Cannot read ${path} as it must exist: it does not`, { fix: 'x' });",
      ],
    ],
  },
  {
    name: "comments cite documents that the repository has",
    files: [...sources, ...texts.filter(({ path }) => path.endsWith(".md"))]
      .filter(({ path }) => !/^tests\/(style|contributing)_test/.test(path)),
    find: (file) => [
      ...linesWith(file, /\b(SPEC|DESIGN)\b|[^\w/"'`]R(1?\d|20)(?=[\s.,;:)])/),
      ...[...file.text.matchAll(/\bdocs\/[\w/-]+\.md\b/g)].map(([path]) => path)
        .filter((path) => !exists(path)).map((path) => `${file.path} cites ${path}`),
    ],
    trips: [
      ["lib/a.ts", "/** The letters of the thesis (SPEC section 4). */"],
      ["lib/a.ts", "/** Functions longer than R20 allows. */"],
      ["lib/a.ts", "/** See docs/NOTHING.md. */"],
    ],
    passes: [["lib/a.ts", "/** See docs/POLICY.md, and `R` of the thesis. */"]],
  },
  {
    name: "comments cite sources that the repository has",
    files: sources.filter(({ path }) => path !== "tests/style_test.ts"),
    // A name in capitals stands for any.
    find: ({ path, text }) =>
      [...text.matchAll(/\/\*[^]*?\*\/|\/\/.*/g)].flatMap(([comment]) => comment.match(CITED) ?? [])
        .filter((cited) => !/[A-Z]{2}|\.\./.test(cited))
        .filter((cited) => cited.includes("/") ? !exists(cited) : !baseNames.has(cited))
        .map((cited) => `${path} cites ${cited}`),
    trips: [
      ["c/library/a.c", "/* As c/library/nowhere.c has it. */"],
      ["c/library/a.c", "/* What nowhere_at_all.S calls. */"],
      ["lib/a.ts", "// See lib/nowhere.ts."],
    ],
    passes: [
      ["c/library/a.c", "/* stub.c, c/base/mem.c; do_mmap(), mm/mmap.c, Linux 6.12. */"],
      ["lib/a.ts", "// tests/c/test_NAME.c is one each"],
    ],
  },
  {
    name: "only lib/host/runtime_dir.ts spells what lies in the runtime directory",
    // What C spells as well stands in the schema.
    files: product.filter(({ path }) =>
      path !== "lib/host/runtime_dir.ts" && path !== "lib/wire/schema/names.ts"
    ),
    find: (file) => linesWith(file, /[rR]untimeDir\}?\/|["'`/](lb|control)\.sock\b/),
    trips: [
      ["lib/daemon/a.ts", "const path = `${config.runtimeDir}/members.json`;"],
      ["lib/daemon/a.ts", `const path = directory + "/control.sock";`],
    ],
    passes: [["lib/daemon/a.ts", `const path = runtimePath(config.runtimeDir, "members");`]],
  },
  {
    name: "_x.ts is for its own folder, and no test",
    files: typescript,
    find: ({ path, text }) => {
      const folder = path.slice(0, path.lastIndexOf("/") + 1);
      return importsIn(path, text).filter((target) => target.startsWith("."))
        .map((target) => new URL(target, `file:///${path}`).pathname.slice(1))
        .filter((to) => {
          const name = to.slice(to.lastIndexOf("/") + 1);
          return name.startsWith("_") && to !== folder + name;
        }).map((to) => `${path} imports ${to}`);
    },
    trips: [["lib/core/a_test.ts", `import { x } from "../daemon/_x.ts";`]],
    passes: [["lib/core/a.ts", `import { x } from "./_x.ts";`]],
  },
];

for (const { name, files, find, known = {}, trips, passes } of rules) {
  Deno.test(name, () => {
    const byFolder = Map.groupBy(
      files.flatMap(find),
      (line) => line.split(/[/:]/).slice(0, 2).join("/"),
    );
    const findings = [...byFolder].filter(([folder, { length }]) => length > (known[folder] ?? 0));
    assert.equal(
      findings.length,
      0,
      findings.map(([folder, lines]) => `${folder}: ${lines.length}\n${lines.join("\n")}`).join(
        "\n",
      ),
    );
    for (const [path, text] of trips) {
      assert.ok(find(fileOf(path, text)).length > 0, `nothing found in: ${text}`);
    }
    for (const [path, text] of passes) assert.deepEqual(find(fileOf(path, text)), []);
  });
}

/** Functions that read on until all has come. */
function exactReaders(files: readonly SourceFile[]): string[] {
  const pattern =
    /^[a-z][\w\s*]*\b\w*(read|recv|receive)_(all|exactly|full|fully|whole)\w*\([^;]*$/;
  return files.flatMap((file) => linesWith(file, pattern));
}

Deno.test("C: 'read exactly' is written once", () => {
  const found = exactReaders(c);
  assert.equal(found.length, 1, found.join("\n"));
  const trips = ["static int64_t receive_exactly(void *to)", "int lb_read_all(int fd)"];
  assert.equal(exactReaders(trips.map((text) => fileOf("c/base/a.c", text))).length, 2);
  assert.deepEqual(exactReaders([fileOf("c/base/a.c", "\treturn read_all(fd, at, size);")]), []);
});
