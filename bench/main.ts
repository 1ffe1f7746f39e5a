/**
 * `npm run bench -- NAME`: runs one bench.
 *
 * Its last line is one JSON object with every figure.
 *
 * @module
 */
import { clusterVsSim } from "./cluster.ts";
import { forward } from "./forward.ts";
import { freeze } from "./freeze.ts";
import { overhead } from "./overhead.ts";
import { policy } from "./policy.ts";
import { theory } from "./theory.ts";
import { thesis } from "./thesis.ts";
import { threads } from "./threads.ts";

const benches: Readonly<
  Record<string, (words: readonly string[]) => Promise<Record<string, unknown>>>
> = {
  thesis,
  cluster: clusterVsSim,
  overhead,
  forward,
  freeze,
  theory,
  policy,
  threads,
};

const [name, ...words] = Deno.args.filter((argument) => argument !== "--");
const bench = name === undefined ? undefined : benches[name];
if (bench === undefined) {
  console.error(`usage: npm run bench -- NAME, where NAME is ${Object.keys(benches).join(" or ")}`);
  Deno.exit(2);
}
console.log(JSON.stringify({ bench: name, ...await bench(words) }));
