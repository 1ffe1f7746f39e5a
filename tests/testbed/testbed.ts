/**
 * A testbed: several hosts on this machine. With root each host has its own network, mount, PID and
 * host-name namespace, its own `/tmp` and home directory, and is joined to the others by a bridge;
 * without root hosts are loopback addresses with separate directories, and what needs more is
 * refused with a reason.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { buildPrograms, programsDir } from "../programs/build.ts";
import { CpuGroup, removeGroups } from "./cpu_limit.ts";
import { Host, type HostControl, ORDINARY_UID, type Place } from "./host.ts";
import { type Namespace, openNamespace, Switch } from "./network.ts";
import { must } from "./shell.ts";

const productDir = fileURLToPath(new URL("../../dist/", import.meta.url));

/** Whether hosts will be namespaces; if not, {@linkcode noNamespacesReason} says why. */
export const haveNamespaces: boolean = Deno.uid() === 0;
export const noNamespacesReason = "needs root, for network and mount namespaces";

/** What a testbed is made of. */
export interface TestbedOptions {
  readonly hosts: number;
  /** Cap of each host's link in each direction. @default none */
  readonly megabitsPerSecond?: number;
  /** Gives each host one core, in turn. @default {false} */
  readonly pin?: boolean;
  /** Which hosts have the test programs in their PATH. @default {"first"} */
  readonly programs?: "first" | "all";
  /** Loopback addresses even where namespaces are possible. @default {false} */
  readonly loopback?: boolean;
}

/** Several hosts; `await using` ends everything on them. */
export class Testbed implements AsyncDisposable {
  readonly hosts: Host[] = [];
  readonly #id: string;
  readonly #namespaces: Namespace[] = [];
  #switch: Switch | undefined;
  #directory: string | undefined;

  private constructor(id: string) {
    this.#id = id;
  }

  static async create(options: TestbedOptions): Promise<Testbed> {
    await Deno.stat(`${productDir}lb`).catch(() => {
      throw new Error("Cannot make a testbed as dist/lb is not built: run `npm run build`");
    });
    await buildPrograms();
    const bed = new Testbed(`lb-bed-${crypto.randomUUID().slice(0, 8)}`);
    try {
      if (haveNamespaces && options.loopback !== true) await bed.#openNamespaces(options);
      else await bed.#openDirectories(options);
    } catch (error) {
      await bed.close();
      throw error;
    }
    return bed;
  }

  host(index: number): Host {
    const host = this.hosts[index];
    if (host === undefined) throw new Error(`The testbed has no host ${index}`);
    return host;
  }

  /** Starts a daemon on every host. */
  async startDaemons(options: Parameters<Host["startDaemon"]>[0] = {}): Promise<void> {
    await Promise.all(this.hosts.map((host) => host.startDaemon(options)));
  }

  async #openNamespaces(options: TestbedOptions): Promise<void> {
    const hostinit = `${programsDir}hostinit`;
    this.#switch = await Switch.open(hostinit);
    const control = this.#control();
    for (let index = 0; index < options.hosts; index++) {
      const namespace = await openNamespace(hostinit, `host${index}`);
      this.#namespaces.push(namespace);
      const address = `10.77.0.${index + 1}`;
      await this.#switch.plug(namespace, `port${index}`, address, options.megabitsPerSecond);
      const place = await furnish(namespace, options.programs === "all" || index === 0, {
        cpu: cpuOf(options, index),
      });
      this.hosts.push(new Host(index, address, 9734, place, control, this.hosts));
    }
  }

  async #openDirectories(options: TestbedOptions): Promise<void> {
    this.#directory = await Deno.makeTempDir({ prefix: `${this.#id}-` });
    const control = this.#control();
    // Another testbed may have the usual port of these addresses; this one was free just now.
    const probe = Deno.listen({ hostname: "127.0.0.2", port: 0 });
    const { port } = probe.addr as Deno.NetAddr;
    probe.close();
    for (let index = 0; index < options.hosts; index++) {
      const home = `${this.#directory}/host${index}`;
      const temporary = `${home}/tmp`;
      await Deno.mkdir(temporary, { recursive: true });
      const place: Place = {
        enter: [],
        root: "",
        home,
        temporary,
        path: `${productDir.slice(0, -1)}:${programsDir.slice(0, -1)}:/usr/local/bin:/usr/bin:/bin`,
        mark: { LB_BED: this.#id },
        cpu: cpuOf(options, index),
      };
      this.hosts.push(new Host(index, `127.0.0.${index + 2}`, port, place, control, this.hosts));
    }
  }

  #control(): HostControl {
    const bridge = (): Switch => {
      if (this.#switch === undefined) throw new Error(`Cannot cut a link: ${noNamespacesReason}`);
      return this.#switch;
    };
    return {
      limitCpu: (index, limit) => CpuGroup.make(`${this.#id}-${index}`, limit),
      cut: (index) => bridge().cut(`port${index}`),
      restore: (index) => bridge().restore(`port${index}`),
      kill: async (index) => {
        const namespace = this.#namespaces[index];
        if (namespace === undefined) throw new Error(`Cannot kill a host: ${noNamespacesReason}`);
        await namespace.close();
      },
    };
  }

  /** Ends every process of the testbed and removes what it made. */
  async close(): Promise<void> {
    for (const namespace of this.#namespaces) await namespace.close();
    await this.#switch?.close();
    if (this.#directory !== undefined) await killMarked(this.#id);
    for (const host of this.hosts) await host.ended();
    if (this.#directory !== undefined) await Deno.remove(this.#directory, { recursive: true });
    await removeGroups(this.#id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** The CPUs that this process may use, which need not start at 0. */
export function allowedCpus(): number[] {
  const line = /^Cpus_allowed_list:\s*(.*)$/m.exec(Deno.readTextFileSync("/proc/self/status"))?.[1];
  return (line ?? "0").split(",").flatMap((range) => {
    const [first = 0, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

function cpuOf(options: TestbedOptions, index: number): number | undefined {
  const cpus = allowedCpus();
  return options.pin === true ? cpus[index % cpus.length] : undefined;
}

/** Gives a new host its own directories, and the programs it is to have. */
async function furnish(
  namespace: Namespace,
  withPrograms: boolean,
  { cpu }: { cpu: number | undefined },
): Promise<Place> {
  const enter = [`${programsDir}hostenter`, String(namespace.pid)];
  const own = ["/tmp", "/var/tmp", "/home", "/opt", "/run", "/dev/shm"];
  // The products may lie below one of the directories that get covered: hold them open before.
  const commands = ['exec 3<"$0" 4<"$1"'];
  commands.push(
    ...own.map((path) => `mount -t tmpfs -o mode=1777 tmpfs ${path}`),
    `install -d -m 755 -o ${ORDINARY_UID} -g ${ORDINARY_UID} /home/user`,
    `install -d -m 755 /opt/lb /opt/programs`,
    `touch /opt/lb/lb && mount -c --bind /proc/self/fd/3 /opt/lb/lb`,
  );
  if (withPrograms) commands.push("mount -c --bind /proc/self/fd/4 /opt/programs");
  await must([...enter, "sh", "-ec", commands.join("\n"), `${productDir}lb`, programsDir]);
  return {
    enter,
    root: `/proc/${namespace.pid}/root`,
    home: "/home/user",
    temporary: "/tmp",
    path: "/opt/lb:/opt/programs:/usr/local/bin:/usr/bin:/bin",
    mark: {},
    cpu,
  };
}

/** Kills what carries a testbed's mark in its environment, until nothing does. */
async function killMarked(id: string): Promise<void> {
  const wanted = `LB_BED=${id}`;
  for (let round = 0; round < 20; round++) {
    let found = 0;
    for await (const entry of Deno.readDir("/proc")) {
      if (!/^\d+$/.test(entry.name)) continue;
      const environment = await Deno.readTextFile(`/proc/${entry.name}/environ`).catch(() => "");
      if (!environment.split("\0").includes(wanted)) continue;
      found++;
      try {
        Deno.kill(Number(entry.name), "SIGKILL");
      } catch {
        // It ended in between.
      }
    }
    if (found === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`Cannot end all processes of testbed ${id}`);
}
