import assert from "node:assert/strict";
import { HostError, UnsupportedError, WireError } from "../lib/base/errors.ts";
import { errors } from "../lib/wire/schema.ts";
import { type Artifact, extract, type ExtractSources, isNoexec } from "./artifacts.ts";
import { openFfi } from "./open.ts";
import { symbols } from "./symbols.ts";
import { cBlock, cText, fdArray, unwrap } from "./unwrap.ts";

Deno.test("unwrap() passes results on and makes errors of negative ones", () => {
  assert.equal(unwrap(7, "x"), 7);
  assert.equal(unwrap(7n, "x"), 7);
  assert.throws(
    () => unwrap(-2, "open /a"),
    (error) =>
      error instanceof HostError && error.errno === 2 &&
      error.message === "Cannot open /a: no such file or directory (ENOENT)",
  );
  assert.throws(() => unwrap(-4000n, "x"), /Cannot x: errno 4000/);
});

Deno.test("unwrap() gives our own errors their kind, text and fix", () => {
  assert.throws(() => unwrap(-errors.WIRE.code, "x"), WireError);
  assert.throws(() => unwrap(-errors.THREADS.code, "x"), UnsupportedError);
  for (const { code, text, fix } of Object.values(errors)) {
    assert.throws(() => unwrap(-code, "x"), { message: `Cannot x: ${text}`, fix });
  }
  assert.throws(() => unwrap(-9999, "x"), /Cannot x: error 9999/);
});

Deno.test("cBlock() ends each string with a NUL and takes none inside", () => {
  assert.deepEqual([...cBlock(["a", "", "é"])], [97, 0, 0, 0xc3, 0xa9, 0]);
  assert.equal(cBlock([]).length, 0);
  assert.deepEqual([...cText("b")], [98, 0]);
  assert.throws(() => cBlock(["a\0b"]), HostError);
  assert.deepEqual([...fdArray([1, -1])], [1, 0, 0, 0, 255, 255, 255, 255]);
});

Deno.test("symbols has every function of lb_ffi.h, with as many parameters", async () => {
  const text = await Deno.readTextFile(new URL("../c/ffi/lb_ffi.h", import.meta.url));
  const prototypes = new Map<string, string>();
  const pattern = /LB_FFI_EXPORT (u?int\d+_t) (\w+)\(([^)]*)\)/g;
  for (const [, result, name, parameters] of text.matchAll(pattern)) {
    const types = parameters === "void" ? [] : (parameters ?? "").split(",").map((parameter) => {
      const type = parameter.trim();
      return type.includes("*")
        ? "buffer"
        : type.replace(/^u?int(\d+)_t .*/s, (all, bits) =>
          `${all.startsWith("u") ? "u" : "i"}${bits}`);
    });
    const short = (result ?? "").replace(
      /^(u?)int(\d+)_t/,
      (_, u, bits) => `${u === "" ? "i" : "u"}${bits}`,
    );
    prototypes.set(name ?? "", `${short}(${types.join(", ")})`);
  }
  assert.ok(prototypes.size > 20);
  const ours = new Map(
    Object.entries(symbols).map(([name, { parameters, result }]) => [
      name,
      `${result}(${parameters.join(", ")})`,
    ]),
  );
  assert.deepEqual(
    Object.fromEntries([...ours].sort()),
    Object.fromEntries([...prototypes].sort()),
  );
});

Deno.test({
  name: "openFfi() opens the library of this build, once",
  sanitizeResources: false, // it stays open as long as the process lives
  fn: () => {
    const ffi = openFfi();
    assert.ok(ffi.lb_ffi_monotonic_ns() > 0n);
    assert.equal(openFfi(), ffi);
  },
});

const bytes = new TextEncoder().encode("the part, 23 bytes long");
const part: Artifact = {
  name: "lb-keeper",
  size: bytes.length,
  hash: "0123456789abcdef".repeat(4),
  read: () => bytes,
};

async function withSources(
  test: (dir: string, sources: ExtractSources) => void | Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir();
  const env: Record<string, string> = { XDG_CACHE_HOME: `${dir}/cache`, HOME: dir };
  try {
    await test(dir, {
      getEnv: (name) => env[name],
      uid: Deno.uid() ?? 0,
      readMounts: () => "",
      systemCache: `${dir}/system`,
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("extract() writes a part once, executable, into a directory named by content", () =>
  withSources((dir, sources) => {
    const other = { ...sources, uid: sources.uid, systemCache: `${dir}/system` };
    const path = extract(part, other);
    assert.match(path, /\/lb\/0123456789abcdef\/lb-keeper$/);
    assert.deepEqual(Deno.readFileSync(path), bytes);
    assert.equal((Deno.statSync(path).mode ?? 0) & 0o777, 0o755);
    const inode = Deno.statSync(path).ino;
    assert.equal(extract(part, other), path);
    assert.equal(Deno.statSync(path).ino, inode);
  }));

Deno.test("extract() writes a part again that was wiped, cut or changed", () =>
  withSources((_, sources) => {
    const path = extract(part, sources);
    for (
      const damage of [
        () => Deno.removeSync(path),
        () => Deno.truncateSync(path, 3),
        () => Deno.writeFileSync(path, bytes.map((byte, index) => index === 21 ? 0 : byte)),
        () => Deno.chmodSync(path, 0o644),
      ]
    ) {
      damage();
      assert.equal(extract(part, sources), path);
      assert.deepEqual(Deno.readFileSync(path), bytes);
      assert.equal((Deno.statSync(path).mode ?? 0) & 0o777, 0o755);
    }
    assert.deepEqual([...Deno.readDirSync(path.replace(/[^/]*$/, ""))].length, 1);
  }));

Deno.test("extract() passes over a directory that others may change", () =>
  withSources((dir, sources) => {
    const unprivileged = { ...sources, systemCache: "/dev/null" };
    Deno.mkdirSync(`${dir}/cache/lb`, { recursive: true });
    Deno.chmodSync(`${dir}/cache/lb`, 0o777);
    assert.equal(extract(part, unprivileged), `${dir}/.cache/lb/0123456789abcdef/lb-keeper`);
  }));

Deno.test("extract() passes over a link in the place of the directory", () =>
  withSources((dir, sources) => {
    Deno.mkdirSync(`${dir}/cache`);
    Deno.mkdirSync(`${dir}/elsewhere`);
    Deno.symlinkSync(`${dir}/elsewhere`, `${dir}/cache/lb`);
    const path = extract(part, { ...sources, systemCache: "/dev/null" });
    assert.equal(path, `${dir}/.cache/lb/0123456789abcdef/lb-keeper`);
  }));

Deno.test("extract() passes over a file system without execution", () =>
  withSources((dir, sources) => {
    const real = Deno.realPathSync(dir);
    const mounts = `/dev/a / ext4 rw 0 0\ntmpfs ${real}/cache tmpfs rw,noexec 0 0\n`;
    const path = extract(part, { ...sources, systemCache: "/dev/null", readMounts: () => mounts });
    assert.equal(path, `${dir}/.cache/lb/0123456789abcdef/lb-keeper`);
  }));

Deno.test("extract() uses LB_LIBDIR alone where it is set, and says why it will not do", () =>
  withSources((dir, sources) => {
    const withDir = (libdir: string) => ({
      ...sources,
      getEnv: (name: string) => name === "LB_LIBDIR" ? libdir : sources.getEnv(name),
    });
    assert.equal(
      extract(part, withDir(`${dir}/mine`)),
      `${dir}/mine/0123456789abcdef/lb-keeper`,
    );
    assert.throws(() => extract(part, withDir(`${dir}/a b`)), /a b: its name has a blank/);
    assert.throws(() => extract(part, withDir("relative")), /relative: it is not an absolute path/);
    assert.throws(() => extract(part, withDir("/proc/lb")), HostError);
  }));

Deno.test("isNoexec() takes the innermost and latest mount", () => {
  const mounts = "a / ext4 rw 0 0\nb /tmp tmpfs rw,noexec 0 0\nc /tmp/x\\040y tmpfs rw 0 0\n" +
    "d /home ext4 rw,noexec 0 0\ne /home ext4 rw 0 0\n";
  assert.equal(isNoexec("/usr/lib", mounts), false);
  assert.equal(isNoexec("/tmp/a", mounts), true);
  assert.equal(isNoexec("/tmp", mounts), true);
  assert.equal(isNoexec("/tmpfile", mounts), false);
  assert.equal(isNoexec("/tmp/x y/z", mounts), false);
  assert.equal(isNoexec("/home/ann", mounts), false);
});
