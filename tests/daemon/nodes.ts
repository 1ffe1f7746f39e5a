/**
 * Daemons for tests, each a process of its own.
 *
 * On a loopback port, with its own directory.
 *
 * @module
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { readSnapshot } from "../../lib/host/command_client.ts";
import { type Config, loadConfig } from "../../lib/host/config.ts";
import type { Snapshot } from "../../lib/wire/snapshot.ts";

const mains = {
  lb: fileURLToPath(new URL("../../main.ts", import.meta.url)),
  faulty: fileURLToPath(new URL("../../tests/programs/faulty_daemon.ts", import.meta.url)),
};

/** What a test node is started with. */
export interface NodeOptions {
  readonly port: number;
  readonly associated?: readonly number[];
  /** @default {"shared"} Two nodes with the same word have the same key. */
  readonly key?: string;
  /** What is run; "faulty": its native calls fail now and then. @default {"lb"} */
  readonly main?: keyof typeof mains;
  /** How many descriptors it may have open. @default as many as the test's own */
  readonly descriptors?: number;
  /** Further lines of its config. */
  readonly extra?: string;
}

/** A daemon in a process of its own. */
export class TestNode {
  #child: Deno.ChildProcess | null = null;
  #log = "";
  #reading: Promise<unknown> = Promise.resolve();

  constructor(readonly dir: string, readonly options: NodeOptions) {}

  get name(): string {
    return `127.0.0.1:${this.options.port}`;
  }

  get config(): Config {
    return loadConfig(`${this.dir}/${this.options.port}.toml`);
  }

  /** Everything that the daemon has logged so far. */
  get log(): string {
    return this.#log;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Writes its config and starts it; resolves once it has printed READY, or has ended. */
  async start(): Promise<number | "ready"> {
    const { port, associated = [], key = "shared", main = "lb", extra = "", descriptors } =
      this.options;
    const names = associated.map((other) => `"127.0.0.1:${other}"`).join(", ");
    await Deno.writeTextFile(
      `${this.dir}/${port}.toml`,
      `listen = "${this.name}"\nassociated = [${names}]\nfrequency = 0.5\n` +
        `key-file = "${this.dir}/${key}.key"\nruntime-dir = "${this.dir}/${port}"\n${extra}`,
    );
    const limit = descriptors === undefined ? ":" : `ulimit -n ${descriptors}`;
    const line = [Deno.execPath(), "run", "-A", mains[main], "daemon"];
    const child = new Deno.Command("sh", {
      args: ["-c", `${limit}; exec "$@"`, "sh", ...line, "--config", `${this.dir}/${port}.toml`],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#child = child;
    const ready = Promise.withResolvers<"ready">();
    const collect = async (stream: ReadableStream<Uint8Array>, onText: (text: string) => void) => {
      for await (const text of stream.pipeThrough(new TextDecoderStream() as never)) {
        onText(text as unknown as string);
      }
    };
    this.#reading = Promise.all([
      collect(child.stdout, (text) => {
        if (text.includes(`READY ${this.name}\n`)) ready.resolve("ready");
      }),
      collect(child.stderr, (text) => this.#log += text),
    ]);
    const ended = child.status.then(async ({ code }) => {
      await this.#reading;
      return code;
    });
    return await Promise.race([ready.promise, ended]);
  }

  /** Asks for its snapshot. */
  async snapshot(): Promise<Snapshot> {
    return await readSnapshot(this.config);
  }

  /** Ends it; returns its exit code. */
  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<number> {
    const child = this.#child;
    this.#child = null;
    if (child === null) return 0;
    try {
      child.kill(signal);
    } catch {
      // It has ended already.
    }
    const { code } = await child.status;
    await this.#reading;
    return code;
  }
}

/** Runs a test with a directory of its own and ends every daemon afterwards. */
export async function withNodes(
  optionsList: readonly NodeOptions[],
  run: (nodes: TestNode[]) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir();
  const nodes = optionsList.map((options) => new TestNode(dir, options));
  try {
    for (const node of nodes) assert.equal(await node.start(), "ready", node.log);
    await run(nodes);
  } catch (error) {
    for (const node of nodes) console.error(`log of ${node.name}:\n${node.log}`);
    throw error;
  } finally {
    for (const node of nodes) await node.stop("SIGKILL");
    await Deno.remove(dir, { recursive: true });
  }
}

/** Waits until a condition holds; fails after ten seconds with what was seen last. */
export async function until<T>(
  look: () => Promise<T>,
  holds: (seen: T) => boolean,
  what: string,
): Promise<T> {
  const deadlineMs = performance.now() + 10_000;
  for (;;) {
    const seen = await look();
    if (holds(seen)) return seen;
    if (performance.now() > deadlineMs) {
      assert.fail(`${what} did not come true: ${JSON.stringify(seen)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Ports that are free now, for the nodes of one test. */
export function freePorts(count: number): number[] {
  const listeners = Array.from(
    { length: count },
    () => Deno.listen({ hostname: "127.0.0.1", port: 0 }),
  );
  const ports = listeners.map((listener) => listener.addr.port);
  for (const listener of listeners) listener.close();
  return ports;
}
