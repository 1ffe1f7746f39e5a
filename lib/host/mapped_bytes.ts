/**
 * Counts what of a process's mappings a move sends.
 *
 * @module
 */

/** Mappings of files from this size on are sent without holes: c/library/image/extents.c. */
const SPARSE_SIZE_MIN = 4 << 20;
const BLOCK_SIZE = 512; // of st_blocks: stat(3type)

/** What is to be sent of mapped files, at most. */
export function fileBytes(maps: string): number {
  let bytes = 0;
  for (const line of maps.split("\n")) {
    const match = /^(\S+) \S+ \S+ \S+ (\d+) +(\/.*)$/.exec(line);
    if (match === null) continue;
    const [, range = "", inode, path] = match;
    const size = Number(sizeOf(range));
    bytes += size < SPARSE_SIZE_MIN ? size : Math.min(size, dataBytes(path ?? "", Number(inode)));
  }
  return bytes;
}

/** Bytes of an address range as /proc/PID/maps writes it. */
export function sizeOf(range: string): bigint {
  const [start, end] = range.split("-");
  return BigInt(`0x${end}`) - BigInt(`0x${start}`);
}

/** What a file has data of; Infinity: that is not known. */
function dataBytes(path: string, inode: number): number {
  try {
    const { ino, blocks } = Deno.statSync(path);
    return ino === inode && blocks !== null ? blocks * BLOCK_SIZE : Infinity;
  } catch {
    return Infinity;
  }
}
