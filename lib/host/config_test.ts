import assert from "node:assert/strict";
import fc from "fast-check";
import { ConfigError } from "../base/errors.ts";
import { policies } from "../core/contract/policy.ts";
import { loadConfig, parseConfig } from "./config.ts";

const sources = {
  getEnv: (name: string) => ({ HOME: "/home/ann" } as Record<string, string>)[name],
  uid: 1000,
  systemFile: "/nonexistent/lb.toml",
};

function parse(text: string) {
  return parseConfig(text, "/etc/lb.toml", sources);
}

function rejects(text: string, pattern: RegExp): void {
  assert.throws(() => parse(text), (error) => {
    assert.ok(error instanceof ConfigError);
    assert.match(error.message, pattern);
    assert.notEqual(error.fix, "");
    return true;
  });
}

Deno.test("parseConfig() gives every key a default", () => {
  assert.deepEqual(parse(""), {
    file: "/etc/lb.toml",
    listen: { hostname: "127.0.0.1", port: 9734 },
    node: "127.0.0.1:9734",
    associated: [],
    associatedMax: 10,
    frequencySeconds: 5,
    select: "most-cpu",
    policy: policies.sharing,
    capacity: { cores: null, speed: 1 },
    thresholds: { thu: 0, thf: 1, thv: 2 },
    owner: null,
    keyFile: "/home/ann/.config/lb/cluster.key",
    runtimeDir: "/home/ann/.local/state/lb",
    sigtstp: "checkpoint",
    threads: "stay",
    triggerSignal: "SIGURG",
    reconnectLimitMs: 600_000,
    ioTimeoutMs: 10_000,
  });
});

Deno.test("parseConfig() takes the runtime directory of the session where there is one", () => {
  const getEnv = (name: string) =>
    ({ HOME: "/root", XDG_RUNTIME_DIR: "/run/user/0" } as Record<string, string>)[name];
  const config = parseConfig("", null, { getEnv, uid: 0 });
  assert.equal(config.runtimeDir, "/run/user/0/lb");
  assert.equal(config.keyFile, "/etc/lb/cluster.key");
});

Deno.test("parseConfig() reads the example with every key", async () => {
  const text = await Deno.readTextFile(new URL("../../config/lb.toml", import.meta.url));
  const config = parse(text);
  assert.deepEqual(config.associated, ["192.168.0.3:9734", "192.168.0.4:9735"]);
  // The keys that are commented out are real ones too.
  const everything = parse(text.replaceAll(/^# ([a-z-]+ = )/gm, "$1"));
  assert.equal(everything.keyFile, "/etc/lb/cluster.key");
  assert.equal(everything.runtimeDir, "/run/lb");
  assert.equal(everything.reconnectLimitMs, 600_000);
  assert.deepEqual(everything.policy, policies.sharing);
  // The tables, of which the word excludes one, have every default, too.
  const tables = [...text.matchAll(/^# {2}(.*)$/gm)].map(([, line]) => line).join("\n");
  assert.ok(tables.includes("[policy]") && tables.includes("moves-per-minute"), tables);
  const { policy, thresholds } = parse(`select = "age-cost"\n${tables}`);
  assert.deepEqual(policy, {
    ...policies.thesis,
    ageCost: true,
    movesPerMinute: 60,
    memoryFloor: 0.05,
    memoryStall: 0.1,
  });
  assert.deepEqual(thresholds, parse("").thresholds);
});

Deno.test("parseConfig() takes a policy by name, and a table that changes one", () => {
  assert.deepEqual(parse('policy = "lifetime"').policy, policies.lifetime);
  assert.deepEqual(parse('policy = "capacity"\ncores = 4\nspeed = 1.5').capacity, {
    cores: 4,
    speed: 1.5,
  });
  const { policy } = parse(
    '[policy]\nbase = "lifetime"\nlocation = "two-random"\nresidence = 2.5\nlink-rate = 12.5\n',
  );
  assert.deepEqual(policy, {
    ...policies.lifetime,
    location: "two-random",
    residenceMs: 2_500,
    linkBytesPerSecond: 12.5e6,
  });
});

Deno.test("parseConfig() keeps to the thesis where a file gives thresholds or a policy", () => {
  const thesis = { thu: 1, thf: 5, thv: 8 }, sharing = { thu: 0, thf: 1, thv: 2 };
  const limits = "[thresholds]\nthv = 9\n";
  for (
    const [text, policy, thresholds] of [
      [limits, policies.thesis, { ...thesis, thv: 9 }],
      ['policy = "thesis"', policies.thesis, thesis],
      ["[policy]\nprobes = 3", { ...policies.probing, counts: "processes" }, thesis],
      ['[policy]\nprobes = 3\ncounts = "threads"', policies.probing, thesis],
      ['policy = "sharing"', policies.sharing, sharing],
      [`policy = "sharing"\n${limits}`, policies.sharing, { ...sharing, thv: 9 }],
      ['select = "age-cost"', policies.sharing, sharing],
      ['select = "least-cpu"', { ...policies.sharing, ageCost: false }, sharing],
    ] as const
  ) {
    const config = parse(text);
    assert.deepEqual(config.policy, policy, text);
    assert.deepEqual(config.thresholds, thresholds, text);
  }
  assert.equal(parse('select = "least-cpu"').select, "least-cpu");
});

Deno.test("parseConfig() names what is wrong with a policy, and the choices", () => {
  rejects(
    'policy = "best"',
    /policy as it must be one of thesis, .*sharing: .*:1 has best/,
  );
  rejects("policy = 3", /policy as it must be one of/);
  rejects('[policy]\nlocation = "nearest"', /policy\.location .*preferred-list.*:2 has nearest/);
  rejects("[policy]\nmargin = nan", /policy\.margin/);
  rejects("[policy]\nresidence = -1", /policy\.residence/);
  rejects("[policy]\nmoves-per-minute = 0", /policy\.moves-per-minute/);
  rejects("[policy]\nmargin = 7", /policy\.margin as it must be at most 6/);
  rejects("[policy]\nresidense = 1", /'policy\.residense' is not/);
  rejects(
    '[policy]\nindex = "per-capacity"\nthresholds = "per-capacity"',
    /policy\.thresholds .* counts twice: .*:3/,
  );
  rejects("[policy]\nlink-rate = 10", /policy\.link-rate as it must be left out unless/);
  rejects('policy = "lifetime"\nselect = "most-cpu"', /select as it must be left out/);
  rejects("cores = 0", /cores/);
  rejects("speed = inf", /speed/);
});

Deno.test("parseConfig() places relative paths beside the file and ~/ at home", () => {
  const config = parse('key-file = "my.key"\nruntime-dir = "~/run"');
  assert.equal(config.keyFile, "/etc/my.key");
  assert.equal(config.runtimeDir, "/home/ann/run");
});

Deno.test("parseConfig() names file and line of an unknown key", () => {
  rejects("# a node\n\nfrequency = 2\nfrequncy = 3\n", /\/etc\/lb\.toml:4 .*'frequncy' is not/);
  rejects("[thresholds]\nthu = 1\nthx = 3\n", /\/etc\/lb\.toml:3 .*'thresholds.thx' is not/);
  rejects("\n[extra]\na = 1\n", /\/etc\/lb\.toml:2 .*'extra' is not/);
});

Deno.test("parseConfig() names file and line of a value of the wrong type", () => {
  rejects('\nfrequency = "5"', /frequency as it must be a number .*:2 has 5/);
  rejects("listen = 9734", /listen as it must be an address: \/etc\/lb\.toml:1 has 9734/);
  rejects('\n\nselect = "random"', /select as it must be one of .*:3 has random/);
  rejects('associated = "a"', /associated as it must be a list/);
  rejects('associated = ["a", 3]', /associated .* has 3/);
  rejects("thresholds = 3", /thresholds as it must be a table/);
  rejects("[thresholds]\nthu = 1.5", /thresholds.thu as it must be a whole number .*:2 has 1.5/);
});

Deno.test("parseConfig() takes threads that stay or move, and nothing else", () => {
  assert.equal(parse('threads = "stay"').threads, "stay");
  assert.equal(parse('threads = "move"').threads, "move");
  rejects('\nthreads = "go"', /threads as it must be one of stay, move: .*:2 has go/);
  rejects("threads = 4", /threads as it must be one of/);
});

Deno.test("parseConfig() names the line of what is not TOML", () => {
  rejects("frequency = 5\nlisten = \n", /\/etc\/lb\.toml:[23] as it must be TOML/);
});

Deno.test("parseConfig() wants thresholds in order", () => {
  rejects("[thresholds]\nthu = 5", /in order, thu < thf < thv: .*:1 has thu = 5, thf = 5, thv = 8/);
  rejects("[thresholds]\nthf = 9", /thu < thf < thv/);
});

Deno.test("parseConfig() accepts thresholds exactly when they are in order", () => {
  const threshold = fc.integer({ min: 0, max: 20 });
  fc.assert(fc.property(threshold, threshold, threshold, (thu, thf, thv) => {
    const text = `[thresholds]\nthu = ${thu}\nthf = ${thf}\nthv = ${thv}`;
    if (thu < thf && thf < thv) assert.deepEqual(parse(text).thresholds, { thu, thf, thv });
    else assert.throws(() => parse(text), ConfigError);
  }));
});

Deno.test("parseConfig() wants a name for a node that listens everywhere", () => {
  rejects('\nlisten = "0.0.0.0"', /listen as it must be one address unless node is set.*:2/);
  const config = parse('listen = "0.0.0.0"\nnode = "n1:9735"');
  assert.deepEqual(config.listen, { hostname: "0.0.0.0", port: 9734 });
  assert.equal(config.node, "n1:9735");
  rejects('listen = "[::]:1"\nnode = "0.0.0.0"', /node as it must be the address/);
});

Deno.test("parseConfig() rejects a node that is associated twice", () => {
  rejects('associated = ["n1", "n1:9734"]', /without repetition: .* has n1:9734/);
});

Deno.test("parseConfig() rejects a runtime directory too long for a socket's path", () => {
  rejects(`runtime-dir = "/${"x".repeat(100)}"`, /runtime-dir as it must be short enough/);
});

Deno.test("parseConfig() never fails in any other way than by a ConfigError", () => {
  const key = fc.constantFrom(
    ...[
      "listen",
      "node",
      "associated",
      "associated-max",
      "frequency",
      "select",
      "key-file",
      "runtime-dir",
    ],
    ...["sigtstp", "threads", "trigger-signal", "reconnect-limit", "io-timeout"],
    ...["thresholds", "other"],
  );
  const value = fc.oneof(
    fc.string().map((text) => JSON.stringify(text)),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
    fc.constantFrom("true", "[]", "[1]", '["a"]', "{ thu = 1 }", "2026-01-01", "nan", "inf"),
  );
  fc.assert(fc.property(fc.array(fc.tuple(key, value), { maxLength: 4 }), (rows) => {
    try {
      parse(rows.map(([name, text]) => `${name} = ${text}`).join("\n"));
    } catch (error) {
      assert.ok(error instanceof ConfigError, String(error));
    }
  }));
});

Deno.test("loadConfig() prefers the option, then LB_CONFIG, then the user's file", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${dir}/.config/lb`, { recursive: true });
    const write = (path: string, seconds: number) =>
      Deno.writeTextFile(`${dir}/${path}`, `frequency = ${seconds}`);
    await write("option.toml", 1);
    await write("variable.toml", 2);
    await write(".config/lb/lb.toml", 3);
    await write("system.toml", 4);
    const load = (path: string | undefined, env: Record<string, string>) =>
      loadConfig(path, {
        getEnv: (name) => ({ HOME: dir, ...env } as Record<string, string>)[name],
        uid: 1000,
        systemFile: `${dir}/system.toml`,
      }).frequencySeconds;
    const env = { LB_CONFIG: `${dir}/variable.toml` };
    assert.equal(load(`${dir}/option.toml`, env), 1);
    assert.equal(load(undefined, env), 2);
    assert.equal(load(undefined, {}), 3);
    await Deno.remove(`${dir}/.config/lb/lb.toml`);
    assert.equal(load(undefined, {}), 4);
    await Deno.remove(`${dir}/system.toml`);
    assert.equal(load(undefined, {}), 5);
    assert.throws(() => load(`${dir}/absent.toml`, {}), /must be readable: .*absent\.toml/);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
