/**
 * The call graph of each C product, and its ladder.
 *
 * `npm run task -- callgraph [PRODUCT...]` prints what is left of circles and of uses that climb.
 * File A uses file B when A's object wants a function that B's object defines: by a call, or by its
 * address in a table. Both are what `nm` says of the compiler's output. Data is told apart by its
 * class: a variable that two files share is no call.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import $ from "./commands.ts";

import { HostError } from "../lib/base/errors.ts";
import { buildC, listObjects, type ProductName, productNames } from "./build_c.ts";

const root = fileURLToPath(new URL("../", import.meta.url));

/** File `from` uses the functions `names` of file `to`. */
export interface Use {
  readonly from: string;
  readonly to: string;
  readonly names: readonly string[];
}

/** Symbols of one object, as `nm` prints them. */
interface Symbols {
  readonly file: string;
  readonly defined: ReadonlySet<string>;
  readonly wanted: ReadonlySet<string>;
}

/** Reads `nm -A` of several objects; `files` names the source of each. */
function parse(text: string, files: ReadonlyMap<string, string>): Symbols[] {
  const found = new Map<string, { defined: Set<string>; wanted: Set<string> }>();
  for (const line of text.split("\n")) {
    const match = /^(.*?):(?:[0-9a-f]+)?\s+(\w) (\S+)$/.exec(line);
    if (match === null) continue;
    const [, object = "", kind = "", name = ""] = match;
    const file = files.get(object) ?? object;
    const symbols = found.get(file) ?? { defined: new Set(), wanted: new Set() };
    found.set(file, symbols);
    // T: a function; W: a weak one; U: wanted from another file.
    if (kind === "T" || kind === "W") symbols.defined.add(name);
    if (kind === "U") symbols.wanted.add(name);
  }
  return [...found].map(([file, symbols]) => ({ file, ...symbols }));
}

/** A source and what was made of it, both from the repository's root. */
export interface Compiled {
  readonly source: string;
  readonly object: string;
}

async function symbolsOf(objects: readonly Compiled[]): Promise<Symbols[]> {
  const { code, stdout, stderr } = await $`nm -A -g ${objects.map(({ object }) => object)}`.cwd(
    root,
  )
    .stdout("piped").stderr("piped").noThrow();
  if (code !== 0) {
    throw new HostError(
      `Cannot read the objects as nm must succeed: ${stderr}`,
      { fix: "Run `npm test`, which builds them" },
    );
  }
  const files = new Map(objects.map(({ source, object }) => [object, source]));
  return parse(stdout, files);
}

/** Which file uses which, by the functions that one defines and the other wants. */
export async function usesOf(objects: readonly Compiled[]): Promise<Use[]> {
  const symbols = await symbolsOf(objects);
  return symbols.flatMap(({ file, wanted }) =>
    symbols.flatMap(({ file: other, defined }) => {
      const names = other === file ? [] : [...wanted].filter((name) => defined.has(name));
      return names.length === 0 ? [] : [{ from: file, to: other, names }];
    })
  );
}

/** Names that are functions of two files: one name is one function, in all products. */
export async function namesakes(objects: readonly Compiled[]): Promise<string[]> {
  const files = new Map<string, Set<string>>();
  for (const { file, defined } of await symbolsOf(objects)) {
    for (const name of defined) files.set(name, (files.get(name) ?? new Set()).add(file));
  }
  return [...files].filter(([name, { size }]) => size > 1 && name !== "main")
    .map(([name, where]) => `${name}: ${[...where].join(", ")}`).sort();
}

/**
 * The circles of a graph: sets of files each of which reaches each other (Tarjan, 1972), largest
 * first. A file alone is none.
 */
export function circles(uses: readonly { from: string; to: string }[]): string[][] {
  const next = new Map<string, string[]>();
  for (const { from, to } of uses) {
    next.set(from, [...next.get(from) ?? [], to]);
    if (!next.has(to)) next.set(to, []);
  }
  const found: string[][] = [];
  const order = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const visit = (file: string): number => {
    let lowest = order.size;
    order.set(file, lowest);
    low.set(file, lowest);
    stack.push(file);
    for (const other of next.get(file) ?? []) {
      const reached = order.has(other) ? low.get(other) ?? Infinity : visit(other);
      lowest = Math.min(lowest, reached);
    }
    low.set(file, lowest);
    if (lowest === order.get(file)) {
      const circle = stack.splice(stack.indexOf(file));
      // What has left the stack is no way back any more.
      for (const member of circle) low.set(member, Infinity);
      if (circle.length > 1) found.push(circle.sort());
    }
    return low.get(file) ?? lowest;
  };
  for (const file of next.keys()) if (!order.has(file)) visit(file);
  return found.sort((a, b) => b.length - a.length);
}

/**
 * Rungs of a ladder, highest first: rooms (folders, or files without their ending) that stand on the
 * same rung may use each other, and all may use what is below.
 */
export type Ladder = readonly (readonly string[])[];

/** The ladder of each product, from `c/`; CONTRIBUTING.md shows it. */
export const ladders: Readonly<Record<ProductName, Ladder>> = {
  restorer: [["restorer"], ["base", "include"]],
  ffi: [
    ["ffi/check", "ffi/control", "ffi/look", "ffi/node", "ffi/process"],
    ["ffi/last_ran", "ffi/listen", "ffi/pid", "ffi/stream"],
    ["ffi/internal", "ffi/lb_ffi"],
    ["base", "include"],
  ],
  launch: [
    ["launch/main"],
    ["launch/exec"],
    ["launch/config", "launch/daemon", "launch/limits", "launch/parts", "launch/program"],
    ["launch/text"],
    ["launch/launch"],
    ["base", "include"],
  ],
  library: [
    ["library/entry"],
    ["library/intercept"],
    ["library/calls", "library/patch", "library/cache"],
    ["library/home_call", "library/image"],
    ["library/process", "library/mask", "library/trap"],
    ["library/thread"],
    ["restorer"],
    ["base", "include"],
  ],
  keeper: [
    ["keeper/main"],
    ["keeper/loop"],
    ["keeper/control", "keeper/guest"],
    ["keeper/link", "keeper/enter"],
    ["keeper/ring", "keeper/ending"],
    ["keeper/keeper"],
    ["restorer"],
    ["base", "include"],
  ],
  shadow: [
    ["shadow/main"],
    ["shadow/serve"],
    ["shadow/calls"],
    ["shadow/execute"],
    ["shadow/children"],
    ["shadow/birth", "shadow/child"],
    ["shadow/home"],
    ["shadow/control"],
    ["shadow/tickets", "shadow/end"],
    ["shadow/threads"],
    ["shadow/backlog", "shadow/held", "shadow/wait"],
    ["shadow/grant", "shadow/signalfds", "shadow/paths", "shadow/transfers", "shadow/last_image"],
    ["shadow/message"],
    ["shadow/signals"],
    ["shadow/links"],
    ["shadow/worker"],
    ["shadow/descriptors"],
    ["shadow/wake", "shadow/memory", "shadow/park"],
    ["shadow/block", "shadow/state"],
    ["restorer"],
    ["base", "include"],
  ],
};

/** The rung on which a file stands, counted from the top; -1 where it has none. */
export function rungOf(ladder: Ladder, file: string): number {
  const name = file.replace(/^c\//, "").replace(/\.\w+$/, "");
  return ladder.findIndex((rooms) =>
    rooms.some((room) => name === room || name.startsWith(`${room}/`))
  );
}

/** Uses that climb a ladder, and files that have no place on it. */
export function climbs(
  ladder: Ladder,
  uses: readonly { from: string; to: string; names?: readonly string[] }[],
): string[] {
  const files = new Set(uses.flatMap(({ from, to }) => [from, to]));
  return [
    ...[...files].filter((file) => rungOf(ladder, file) < 0).map((file) => `${file} has no rung`),
    ...uses.filter(({ from, to }) =>
      rungOf(ladder, to) >= 0 && rungOf(ladder, from) > rungOf(ladder, to)
    ).map(({ from, to, names = [] }) => `${from} uses ${to}: ${names.join(", ")}`),
  ];
}

/** Headers that each source of a product includes, itself or by another, as the compiler saw them. */
export function includesOf(name: ProductName): { from: string; to: string }[] {
  return listObjects(name).flatMap(({ source, object }) => {
    const text = Deno.readTextFileSync(`${root}${object}.d`);
    const words = text.slice(text.indexOf(":") + 1).replaceAll("\\\n", " ").trim().split(/\s+/);
    // The compiler spells a path as it found it: c/library/../base/mem.h.
    const headers = words.map((word) => new URL(word, `file://${root}`).pathname)
      .filter((path) => path.startsWith(`${root}c/`) && path.endsWith(".h"))
      .map((path) => path.slice(root.length));
    return headers.map((to) => ({ from: source, to }));
  });
}

/** What is known of a product's graph. */
export async function inspect(name: ProductName): Promise<{ uses: Use[]; circles: string[][] }> {
  const uses = await usesOf(listObjects(name));
  return { uses, circles: circles(uses) };
}

if (import.meta.main) {
  const names = productNames.filter((name) => Deno.args.length === 0 || Deno.args.includes(name));
  await buildC(names);
  for (const name of names) {
    const graph = await inspect(name);
    console.log(`${name}: ${graph.uses.length} uses`);
    for (const circle of graph.circles) {
      console.log(`  circle of ${circle.length} files`);
      for (const { from, to, names } of graph.uses) {
        if (circle.includes(from) && circle.includes(to)) {
          console.log(`    ${from} -> ${to}: ${names.join(", ")}`);
        }
      }
    }
    const ladder = ladders[name];
    const up = climbs(ladder, graph.uses);
    console.log(`  ${up.length} uses climb`);
    for (const line of up) console.log(`    ${line}`);
    const headers = climbs(ladder, includesOf(name));
    console.log(`  ${headers.length} includes climb`);
    for (const line of headers) console.log(`    ${line}`);
  }
  const twice = await namesakes(names.flatMap((name) => listObjects(name)));
  console.log(`${twice.length} names are functions of two files`);
  for (const line of twice) console.log(`  ${line}`);
}
