/**
 * Gives a testbed's host the file systems of disks.
 *
 * Their rules are not those of memory.
 *
 * @module
 */
import type { Host } from "./host.ts";
import { ORDINARY_UID } from "./host.ts";
import { capture } from "./shell.ts";

/** How each is made; xfs wants 300 MiB, most of which are a hole in the image. */
const makers = {
  ext4: { mebibytes: 64, command: "mkfs.ext4 -q -F" },
  xfs: { mebibytes: 300, command: "mkfs.xfs -q" },
  btrfs: { mebibytes: 128, command: "mkfs.btrfs -q" },
} as const;

/** A file system of a disk. */
export type DiskKind = keyof typeof makers;

/** Options of {@linkcode mountDisk}. */
export interface DiskOptions {
  readonly mebibytes?: number;
  /** Of mount(8), after "loop". */
  readonly options?: string;
}

/** Why this machine cannot have such a file system; undefined: it can. */
export async function noDiskReason(kind: DiskKind): Promise<string | undefined> {
  if (Deno.uid() !== 0) return "needs root, to mount a file system";
  const [maker = ""] = makers[kind].command.split(" ");
  const tools = await capture([
    "sh",
    "-c",
    `PATH=$PATH:/usr/sbin:/sbin; command -v ${maker} && losetup --find`,
  ]);
  return tools.code === 0 ? undefined : `needs ${maker} and a loop device`;
}

/** Mounts one over the other, `lower` of which stays as it is, at `name` in the host's home directory. */
export async function mountOverlay(host: Host, name: string, on: string): Promise<void> {
  await host.must(["mkdir", name, `${on}/lower`, `${on}/upper`, `${on}/work`]);
  const folders = `lowerdir=${on}/lower,upperdir=${on}/upper,workdir=${on}/work`;
  await host.must(["mount", "-t", "overlay", "-o", folders, "overlay", name], { asRoot: true });
}

/** Shows a folder at `name` in the host's home directory, where nothing of it can be written. */
export async function mountReadOnly(host: Host, name: string, folder: string): Promise<void> {
  await host.must(["mkdir", name]);
  await host.must(`mount --bind ${folder} ${name} && mount -o remount,ro,bind ${name}`, {
    asRoot: true,
  });
}

/**
 * Mounts a new file system at `name` in the host's home directory, for its ordinary user. Its loop device goes with
 * the mount, and that with the host.
 */
export async function mountDisk(
  host: Host,
  name: string,
  kind: DiskKind,
  { mebibytes = makers[kind].mebibytes, options }: DiskOptions = {},
): Promise<void> {
  const image = `/var/tmp/${name}.image`;
  const list = ["loop", ...options === undefined ? [] : [options]].join(",");
  await host.must(
    [
      "sh",
      "-ec",
      `PATH=$PATH:/usr/sbin:/sbin; truncate -s ${mebibytes}M ${image}; ${
        makers[kind].command
      } ${image}; mkdir ${name}
       mount -o ${list} ${image} ${name}; chown ${ORDINARY_UID}:${ORDINARY_UID} ${name}`,
    ],
    { asRoot: true },
  );
}
