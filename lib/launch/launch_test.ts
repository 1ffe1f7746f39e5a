import assert from "node:assert/strict";
import $ from "../../tools/commands.ts";
import { parseLaunch } from "../cli/launch.ts";
import { exitCodeOf } from "../base/errors.ts";
import { shellQuote, withLibrary } from "./environment.ts";

Deno.test("withLibrary() puts the library behind what is preloaded, once", () => {
  const library = "/cache/new/lb-preload.so";
  assert.equal(withLibrary(library, undefined), library);
  assert.equal(withLibrary(library, ""), library);
  assert.equal(withLibrary(library, "/a.so b.so:/c.so"), `/a.so:b.so:/c.so:${library}`);
  assert.equal(withLibrary(library, `${library}:/a.so`), `/a.so:${library}`);
  assert.equal(withLibrary(library, "/cache/old/lb-preload.so"), library);
});

Deno.test("shellQuote() gives a shell back what it was given", async () => {
  for (const text of ["plain/path.so", "a b", "it's", '$HOME `x` \\ "', "", "ü\n"]) {
    const { stdout } = await $`sh -c ${`printf %s ${shellQuote(text)}`}`.stdout("piped");
    assert.equal(stdout, text);
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
