/**
 * Joins the testbed's hosts by a bridge.
 *
 * In a namespace of its own; nothing is made outside.
 *
 * @module
 */
import { must } from "./shell.ts";

/** A namespace that `hostinit` holds open, or the tree of processes below `hosttree`. */
export interface Namespace {
  /** PID by which it can be entered, as seen from outside, or of the root of the tree. */
  readonly pid: number;
  /** Ends every process in it. */
  close(): Promise<void>;
}

/**
 * Starts `hostinit NAME` or `hosttree SOCKET`; the namespaces and all processes in them, or below it, end
 * with `close()`.
 */
export async function openNamespace(program: string, argument: string): Promise<Namespace> {
  const child = new Deno.Command(program, {
    args: [argument],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  await reader.cancel();
  const pid = Number(new TextDecoder().decode(value).trim());
  if (!Number.isInteger(pid) || pid <= 0) {
    await child.stdin.close();
    throw new Error(`Cannot make a host as \`${program} ${argument}\` printed no PID`);
  }
  return {
    pid,
    async close() {
      await child.stdin.close().catch(() => {/* it has ended before */});
      const { code } = await child.status;
      if (code !== 0) throw new Error(`Cannot end all processes of a host: see above`);
    },
  };
}

function inside(namespace: Namespace, ...argv: string[]): string[] {
  return ["nsenter", `--target=${namespace.pid}`, "--net", "--", ...argv];
}

/** The bridge that all hosts hang on. */
export class Switch {
  readonly #namespace: Namespace;

  private constructor(namespace: Namespace) {
    this.#namespace = namespace;
  }

  static async open(hostinit: string): Promise<Switch> {
    const namespace = await openNamespace(hostinit, "switch");
    const bridge = new Switch(namespace);
    await must(inside(namespace, "ip", "link", "add", "br0", "type", "bridge"));
    await must(inside(namespace, "ip", "link", "set", "br0", "up"));
    return bridge;
  }

  /**
   * Plugs a host in; its end is `eth0` with the given address.
   *
   * @param megabitsPerSecond Cap in each direction; none when undefined.
   */
  async plug(
    host: Namespace,
    port: string,
    address: string,
    megabitsPerSecond: number | undefined,
  ): Promise<void> {
    const bridge = this.#namespace;
    await must(
      inside(bridge, "ip", "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns")
        .concat(String(host.pid)),
    );
    await must(inside(bridge, "ip", "link", "set", port, "master", "br0", "up"));
    await must(inside(host, "ip", "addr", "add", `${address}/24`, "dev", "eth0"));
    await must(inside(host, "ip", "link", "set", "eth0", "up"));
    await must(inside(host, "ip", "link", "set", "lo", "up"));
    if (megabitsPerSecond === undefined) return;
    const cap = ["root", "tbf", "rate", `${megabitsPerSecond}mbit`, "burst", "128kb"];
    cap.push("latency", "100ms");
    await must(inside(bridge, "tc", "qdisc", "add", "dev", port, ...cap));
    await must(inside(host, "tc", "qdisc", "add", "dev", "eth0", ...cap));
  }

  /** Loses every packet of this port without a word, as a pulled cable behind a switch does. */
  async cut(port: string): Promise<void> {
    await must(inside(this.#namespace, "ip", "link", "set", port, "nomaster"));
  }

  async restore(port: string): Promise<void> {
    await must(inside(this.#namespace, "ip", "link", "set", port, "master", "br0"));
  }

  async close(): Promise<void> {
    await this.#namespace.close();
  }
}
