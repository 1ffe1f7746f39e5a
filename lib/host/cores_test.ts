/** Tests of the count of cores. */

import assert from "node:assert/strict";
import { groupLimits, measureCores, parseCpuMax } from "./cores.ts";

Deno.test("parseCpuMax() reads a limit in cores, and that there is none", () => {
  assert.equal(parseCpuMax("40000 100000\n"), 0.4);
  assert.equal(parseCpuMax("200000 100000"), 2);
  for (const text of ["max 100000\n", "", "x y", "100000"]) assert.equal(parseCpuMax(text), null);
});

/** Makes files in a new directory that stands for the root. */
function makeRoot(files: Readonly<Record<string, string>>): string {
  const root = Deno.makeTempDirSync();
  for (const [path, text] of Object.entries(files)) {
    Deno.mkdirSync(`${root}${path.slice(0, path.lastIndexOf("/"))}`, { recursive: true });
    Deno.writeTextFileSync(root + path, text);
  }
  return root;
}

Deno.test("groupLimits() reads the groups of version 2 from the own one up", () => {
  const root = makeRoot({
    "/proc/self/cgroup": "0::/user/a:b\n",
    "/sys/fs/cgroup/user/a:b/cpu.max": "max 100000\n",
    "/sys/fs/cgroup/user/cpu.max": "150000 100000\n",
  });
  assert.deepEqual([...groupLimits(root)], [1.5]);
  Deno.removeSync(root, { recursive: true });
});

Deno.test("groupLimits() reads the groups of version 1, alone or beside an empty version 2", () => {
  const group = "/sys/fs/cgroup/cpu,cpuacct/user/a";
  const root = makeRoot({
    "/proc/self/cgroup": "4:memory:/other\n3:cpuset:/\n1:cpu,cpuacct:/user/a\n0::/\n",
    [`${group}/cpu.cfs_quota_us`]: "4000\n",
    [`${group}/cpu.cfs_period_us`]: "10000\n",
    "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
    "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
  });
  assert.deepEqual([...groupLimits(root)], [0.4]);
  assert.deepEqual([...groupLimits("/nowhere")], []);
  Deno.removeSync(root, { recursive: true });
});

Deno.test("measureCores() is positive and no more than this machine has", () => {
  const cores = measureCores();
  assert.ok(cores > 0 && cores <= navigator.hardwareConcurrency);
});
