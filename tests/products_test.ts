/**
 * The C products as the linker left them.
 *
 * What they need, what they show, what they carry.
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import $ from "../tools/commands.ts";
import { symbols } from "../ffi/symbols.ts";

const dist = fileURLToPath(new URL("../dist/", import.meta.url));

async function run(program: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await $`${program} ${args}`.cwd(dist)
    .stdout("piped").stderr("piped").noThrow();
  assert.equal(code, 0, stderr);
  return stdout;
}

/** Names of the symbols that a library defines, or wants, for others to see. */
async function dynamicSymbols(file: string, kind: "defined" | "undefined"): Promise<string[]> {
  const text = await run("nm", "-D", `--${kind}-only`, file);
  return text.trim().split("\n").filter((line) => line !== "")
    .map((line) => line.trim().split(/\s+/).slice(-2).join(" ")).sort();
}

Deno.test("the restorer needs no loader: no symbol is wanted, nothing is relocated", async () => {
  const elf = "obj/restorer/restorer.elf";
  assert.equal(await run("nm", "-u", elf), "");
  assert.match(await run("readelf", "-rW", elf), /no relocations/i);
  const sections = await run("readelf", "-SW", elf);
  for (const [, name, size] of sections.matchAll(/ (\.data|\.bss)\s+\S+\s+\S+\s+\S+\s+(\S+)/g)) {
    assert.equal(parseInt(size ?? "0", 16), 0, `${name} is not empty`);
  }
});

Deno.test("the restorer's first byte is its entry, and its bytes are in shadow and keeper", async () => {
  const entry = await run("nm", "obj/restorer/restorer.elf");
  assert.match(entry, /^0+ T lb_restorer_entry$/m);
  const blob = await Deno.readFile(`${dist}restorer.bin`);
  const text = (bytes: Uint8Array) => new TextDecoder("latin1").decode(bytes);
  assert.ok(blob.length > 500 && blob.length < 16_384, `${blob.length} bytes`);
  for (const file of ["lb-shadow", "lb-keeper"]) {
    assert.ok(
      text(await Deno.readFile(dist + file)).includes(text(blob)),
      `${file} has another one`,
    );
  }
});

Deno.test("the shadow leaves room in its range for a heap, a stack and parked threads", async () => {
  const loads = [...(await run("readelf", "-lW", "lb-shadow")).matchAll(/^ +LOAD +(\S+ +){5}/gm)]
    .map(([line]) => line.trim().split(/ +/).map(Number));
  const end = Math.max(...loads.map(([, , address = 0, , , size = 0]) => address + size));
  assert.ok(end > 1 << 20 && end < 10 << 20, `${end} bytes`);
});

Deno.test("the calls that are to be trapped lie behind all other code of the library", async () => {
  const sections = await run("readelf", "-SW", "lb-preload.so");
  const executable = [...sections.matchAll(/\] (\S+) +PROGBITS .* AX /g)].map(([, name]) => name);
  assert.ok(executable.includes(".text"), sections);
  assert.equal(executable.at(-1), "lb_traps");
});

/** Signals are kept aside for the trigger; CPU time includes what was used on other nodes. */
const INTERPOSED = [
  "__sysv_signal",
  "bsd_signal",
  "getrusage",
  "sigaction",
  "sigignore",
  "siginterrupt",
  "signal",
  "sigpending",
  "sigset",
  "sigtimedwait",
  "sigwait",
  "sigwaitinfo",
  "ssignal",
  "sysv_signal",
  "times",
];

Deno.test("the preloaded library shows what it stands in front of, and insists on nothing", async () => {
  assert.deepEqual(
    await dynamicSymbols("lb-preload.so", "defined"),
    INTERPOSED.map((name) => `T ${name}`),
  );
  // Weak ones may be absent: a program with another libc, or an older one.
  for (const symbol of await dynamicSymbols("lb-preload.so", "undefined")) {
    assert.match(symbol, /^w /);
  }
  const dynamic = await run("readelf", "-dW", "lb-preload.so");
  assert.doesNotMatch(dynamic, /NEEDED/);
  assert.match(dynamic, /INITFIRST/);
  assert.doesNotMatch(await run("readelf", "-lW", "lb-preload.so"), /GNU_STACK.*RWE/);
});

Deno.test("lb-ffi.so shows what ffi/symbols.ts names and nothing else", async () => {
  assert.deepEqual(
    await dynamicSymbols("lb-ffi.so", "defined"),
    Object.keys(symbols).map((name) => `T ${name}`).sort(),
  );
});

Deno.test("keeper and shadow are static programs: they run whatever the other node has", async () => {
  for (const file of ["lb-keeper", "lb-shadow"]) {
    const headers = await run("readelf", "-lW", file);
    assert.doesNotMatch(headers, /INTERP/);
    assert.doesNotMatch(headers, /GNU_STACK.*RWE/);
  }
});
