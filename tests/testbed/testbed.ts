/**
 * A testbed: several hosts on this machine. With root each host has its own network, mount, PID and
 * host-name namespace, its own `/tmp` and home directory, and is joined to the others by a bridge;
 * without root hosts are loopback addresses with separate directories and trees of processes, and what
 * needs more is refused with a reason.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { buildPrograms, programsDir } from "../programs/build.ts";
import { CpuGroup, removeGroups } from "./cpu_limit.ts";
import { DEFAULT_PORT } from "./daemon.ts";
import { Host, type HostControl, ORDINARY_UID, type Place } from "./host.ts";
import { type Namespace, openNamespace, Switch } from "./network.ts";
import { must } from "./shell.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** Folder of the lb that hosts run, with a final slash. */
function productDir(options: TestbedOptions): string {
  return options.faults === true ? `${root}dist/faults/` : `${root}dist/`;
}

let builtFaults: Promise<unknown> | undefined;

/** Builds the lb that fails on demand, which only few tests need; does it once a process. */
function buildFaults(): Promise<unknown> {
  builtFaults ??= must([Deno.execPath(), "run", "-A", `${root}tools/build.ts`, "--faults"]);
  return builtFaults;
}

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
  /** An lb whose parts do what LB_FAULT says. @default {false} */
  readonly faults?: boolean;
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
    if (options.faults === true) await buildFaults();
    await Deno.stat(`${productDir(options)}lb`).catch(() => {
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
      const place = await furnish(namespace, options, index);
      this.hosts.push(new Host(index, address, DEFAULT_PORT, place, control, this.hosts));
    }
  }

  async #openDirectories(options: TestbedOptions): Promise<void> {
    this.#directory = await Deno.makeTempDir({ prefix: `${this.#id}-` });
    const control = this.#control();
    const network = findNetwork(options.hosts);
    for (let index = 0; index < options.hosts; index++) {
      const home = `${this.#directory}/host${index}`;
      const temporary = `${home}/tmp`;
      await Deno.mkdir(temporary, { recursive: true });
      const socket = `${this.#directory}/host${index}.sock`;
      const tree = await openNamespace(`${programsDir}hosttree`, socket);
      this.#namespaces.push(tree);
      const place: Place = {
        enter: [`${programsDir}hostenter`, socket],
        tree: tree.pid,
        root: "",
        home,
        temporary,
        path: `${productDir(options).slice(0, -1)}:${
          programsDir.slice(0, -1)
        }:/usr/local/bin:/usr/bin:/bin`,
        cpu: cpuOf(options, index),
      };
      const address = `${network}${index + 1}`;
      this.hosts.push(new Host(index, address, DEFAULT_PORT, place, control, this.hosts));
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
        await namespace?.close();
      },
    };
  }

  /** Ends every process of the testbed and removes what it made. */
  async close(): Promise<void> {
    const closed = await Promise.allSettled(this.#namespaces.map((one) => one.close()));
    await this.#switch?.close();
    for (const one of closed) if (one.status === "rejected") throw one.reason;
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

/** Finds a network of loopback addresses, by its beginning, of which nobody has the usual port. */
function findNetwork(hosts: number): string {
  for (let tries = 0; tries < 20; tries++) {
    const [high = 0, low = 0] = crypto.getRandomValues(new Uint8Array(2));
    const network = `127.${1 + high % 254}.${low}.`;
    try {
      for (let index = 0; index < hosts; index++) {
        Deno.listen({ hostname: `${network}${index + 1}`, port: DEFAULT_PORT }).close();
      }
      return network;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  throw new Error(
    `Cannot find loopback addresses whose port ${DEFAULT_PORT} is free: end what listens on all of them`,
  );
}

function cpuOf(options: TestbedOptions, index: number): number | undefined {
  const cpus = allowedCpus();
  return options.pin === true ? cpus[index % cpus.length] : undefined;
}

/** Gives a new host its own directories, and the programs it is to have. */
async function furnish(
  namespace: Namespace,
  options: TestbedOptions,
  index: number,
): Promise<Place> {
  const withPrograms = options.programs === "all" || index === 0;
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
  await must([...enter, "sh", "-ec", commands.join("\n"), `${productDir(options)}lb`, programsDir]);
  return {
    enter,
    tree: null,
    root: `/proc/${namespace.pid}/root`,
    home: "/home/user",
    temporary: "/tmp",
    path: "/opt/lb:/opt/programs:/usr/local/bin:/usr/bin:/bin",
    cpu: cpuOf(options, index),
  };
}
