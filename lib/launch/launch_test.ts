import assert from "node:assert/strict";
import { parseLaunch } from "../cli/launch.ts";
import { exitCodeOf } from "../base/errors.ts";
import { parseConfig } from "../host/config.ts";
import { launchVariables, shellQuote } from "./environment.ts";
import { findObstacle, findProgram } from "./program.ts";

async function inTempDir(test: (dir: string) => void | Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await test(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

function write(path: string, content: string | Uint8Array, mode: number): void {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  Deno.writeFileSync(path, bytes);
  Deno.chmodSync(path, mode);
}

/** The beginning of a program: an ELF header and its program headers' types. */
function elf(types: readonly number[], { bits = 64, machine = 62 } = {}): Uint8Array {
  const bytes = new Uint8Array(64 + 56 * types.length);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, bits === 64 ? 2 : 1, 1]);
  view.setUint16(18, machine, true);
  view.setBigUint64(32, 64n, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, types.length, true);
  types.forEach((type, index) => view.setUint32(64 + 56 * index, type, true));
  return bytes;
}

Deno.test("findProgram() looks a name up in PATH and takes a path as it is", () =>
  inTempDir((dir) => {
    Deno.mkdirSync(`${dir}/a`);
    Deno.mkdirSync(`${dir}/b`);
    write(`${dir}/a/data`, "x", 0o644);
    write(`${dir}/b/data`, "x", 0o755);
    write(`${dir}/b/prog`, "x", 0o755);
    const path = `${dir}/absent:${dir}/a:${dir}/b`;
    assert.deepEqual(findProgram("prog", path), { kind: "found", path: `${dir}/b/prog` });
    // Like a shell: what cannot be executed does not end the search.
    assert.deepEqual(findProgram("data", path), { kind: "found", path: `${dir}/b/data` });
    assert.equal(findProgram("data", `${dir}/a`).kind, "notExecutable");
    assert.equal(findProgram(`${dir}/a`, path).kind, "notExecutable");
    assert.equal(findProgram(".", path).kind, "missing");
    assert.equal(findProgram(`${dir}/b/prog`, "").kind, "found");
    assert.equal(findProgram(`${dir}/b/prog/x`, "").kind, "missing");
    assert.equal(findProgram("", path).kind, "missing");
    assert.equal(findProgram("absent", path).kind, "missing");
    assert.equal(findProgram("sh", undefined).kind, "found");
  }));

Deno.test("findObstacle() tells programs that the library cannot be loaded into", () =>
  inTempDir((dir) => {
    const loads = [1, 1];
    write(`${dir}/dynamic`, elf([6, 3, ...loads]), 0o755);
    write(`${dir}/static`, elf(loads), 0o755);
    write(`${dir}/old`, elf([3], { bits: 32, machine: 3 }), 0o755);
    write(`${dir}/arm`, elf([3], { machine: 183 }), 0o755);
    assert.equal(findObstacle(`${dir}/dynamic`, ""), null);
    assert.equal(findObstacle(`${dir}/static`, ""), "is statically linked");
    assert.equal(findObstacle(`${dir}/old`, ""), "is not a 64-bit x86 program");
    assert.equal(findObstacle(`${dir}/arm`, ""), "is not a 64-bit x86 program");
    assert.equal(findObstacle("/bin/sh", ""), null);
  }));

Deno.test("findObstacle() looks at the interpreter of a script", () =>
  inTempDir((dir) => {
    write(`${dir}/static`, elf([1]), 0o755);
    write(`${dir}/script`, `#! ${dir}/static -x\n`, 0o755);
    write(`${dir}/outer`, `#!${dir}/script`, 0o755);
    write(`${dir}/env`, "#!/usr/bin/env -S A=1 static\n", 0o755);
    write(`${dir}/plain`, "echo hi\n", 0o755);
    write(`${dir}/loop`, `#!${dir}/loop\n`, 0o755);
    const obstacle = `is a script of ${dir}/static, which is statically linked`;
    assert.equal(findObstacle(`${dir}/script`, ""), obstacle);
    assert.equal(findObstacle(`${dir}/outer`, ""), obstacle);
    assert.equal(findObstacle(`${dir}/env`, dir), obstacle);
    assert.equal(findObstacle(`${dir}/plain`, ""), null);
    assert.equal(findObstacle(`${dir}/loop`, ""), null);
  }));

Deno.test("findObstacle() never fails, whatever the file holds", () =>
  inTempDir((dir) => {
    const whole = elf([3, 1]);
    for (let size = 0; size <= whole.length; size++) {
      write(`${dir}/part`, whole.subarray(0, size), 0o755);
      findObstacle(`${dir}/part`, "");
    }
    for (const text of ["#!", "#!\n", "#! ", "#!/usr/bin/env", "#!/usr/bin/env -i A=b\n"]) {
      write(`${dir}/part`, text, 0o755);
      findObstacle(`${dir}/part`, "");
    }
  }));

const config = parseConfig('runtime-dir = "/run/lb"', "/etc/lb.toml", {
  getEnv: () => "/root",
  uid: 0,
});

Deno.test("launchVariables() puts the library in front of what is preloaded, once", () => {
  const library = "/cache/new/lb-preload.so";
  const preloads = (before: string | undefined) =>
    launchVariables(config, library, before)["LD_PRELOAD"];
  assert.equal(preloads(undefined), library);
  assert.equal(preloads(""), library);
  assert.equal(preloads("/a.so b.so:/c.so"), `${library}:/a.so:b.so:/c.so`);
  assert.equal(preloads(`${library}:/a.so`), `${library}:/a.so`);
  assert.equal(preloads("/cache/old/lb-preload.so"), library);
  assert.deepEqual(launchVariables(config, library, undefined), {
    LD_PRELOAD: library,
    LB_CONTROL: "/run/lb/control.sock",
  });
});

Deno.test("launchVariables() tells the library what differs from its defaults", () => {
  const changed = { ...config, sigtstp: "stop", triggerSignal: "SIGWINCH" } as const;
  const variables = launchVariables(changed, "/l.so", undefined);
  assert.equal(variables["LB_SIGTSTP"], "stop");
  assert.equal(variables["LB_TRIGGER"], "28");
});

Deno.test("shellQuote() gives a shell back what it was given", async () => {
  for (const text of ["plain/path.so", "a b", "it's", '$HOME `x` \\ "', "", "ü\n"]) {
    const { stdout } = await new Deno.Command("sh", {
      args: ["-c", `printf %s ${shellQuote(text)}`],
    }).output();
    assert.equal(new TextDecoder().decode(stdout), text);
  }
});

Deno.test("parseLaunch() leaves everything behind the program's name to the program", () => {
  const base = { config: undefined, noDaemon: false };
  assert.deepEqual(parseLaunch(["prog", "--config", "x", "--"]), {
    ...base,
    program: "prog",
    args: ["--config", "x", "--"],
  });
  assert.deepEqual(parseLaunch(["--no-daemon", "--config=f", "--", "--help"]), {
    config: "f",
    noDaemon: true,
    program: "--help",
    args: [],
  });
  assert.deepEqual(parseLaunch(["--config", "f", "p"]), {
    ...base,
    config: "f",
    program: "p",
    args: [],
  });
  assert.equal(parseLaunch(["--help"]), "help");
  assert.equal(parseLaunch(["--version", "p"]), "version");
});

Deno.test("parseLaunch() fails with 125, which no option error of PROG is", () => {
  for (const args of [[], ["--"], ["--config"], ["--unknown", "p"], ["-x", "p"]]) {
    assert.throws(() => parseLaunch(args), (error) => exitCodeOf(error) === 125);
  }
});
