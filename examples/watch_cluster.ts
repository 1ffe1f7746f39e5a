/**
 * Example: watches a cluster, a line for each node every second.
 *
 * Run it by `deno run -A examples/watch_cluster.ts [CONFIG [LOOKS]]` on a node: it asks that node's
 * daemon who the members are, and each of them how it is.
 *
 * @module
 */
import { LbError, loadConfig, readSnapshot, type Snapshot } from "lb";

const [file, looks = "Infinity"] = Deno.args;
const config = loadConfig(file);

/** Describes a node in one line. */
function lineOf({ node, state, queueLength, processes }: Snapshot): string {
  const guests = processes.filter(({ home }) => home !== node).length;
  return `${node.padEnd(24)} ${state}  ${queueLength} processes, ${guests} of them guests`;
}

/** Looks at all members once; who does not answer is named with the reason. */
async function look(): Promise<void> {
  const here = await readSnapshot(config);
  console.log(lineOf(here));
  for (const { node, status } of here.members ?? []) {
    if (node === here.node || status === "left") continue;
    try {
      console.log(lineOf(await readSnapshot(config, node)));
    } catch (error) {
      if (!(error instanceof LbError)) throw error;
      console.log(`${node.padEnd(24)} ${status}: ${error.message}`);
    }
  }
}

for (let left = Number(looks); left > 0; left--) {
  await look();
  if (left > 1) await new Promise((resolve) => setTimeout(resolve, 1000));
}
