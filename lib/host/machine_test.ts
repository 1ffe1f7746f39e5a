/** Tests of what is read of a machine: processors, pressure, memory. */

import assert from "node:assert/strict";
import { ConfigError } from "../base/errors.ts";
import {
  parseCpuList,
  parseCpuTimes,
  parseMemory,
  parsePressure,
  readMachine,
  requirePressure,
} from "./machine.ts";

Deno.test("parseCpuList() reads ranges and single processors", () => {
  assert.deepEqual(parseCpuList("0-2,5"), [0, 1, 2, 5]);
  assert.deepEqual(parseCpuList("7\n"), [7]);
  assert.deepEqual(parseCpuList(""), []);
});

Deno.test("parseCpuTimes() adds up the given processors, without what a hypervisor took", () => {
  const text = "cpu  300 0 30 900 30 3 3 9 0 0\ncpu0 100 10 10 300 10 1 1 5 7 0\n" +
    "cpu1 200 0 20 600 20 2 2 4 0 0\nintr 5\n";
  assert.deepEqual(parseCpuTimes(text, new Set([0])), { busySeconds: 1.22, idleSeconds: 3.1 });
  assert.deepEqual(parseCpuTimes(text, new Set([0, 1])), { busySeconds: 3.46, idleSeconds: 9.3 });
  assert.deepEqual(parseCpuTimes(text, new Set([4])), { busySeconds: 0, idleSeconds: 0 });
});

Deno.test("parsePressure() takes the total of the line some, in seconds", () => {
  const text = "some avg10=4.02 avg60=31.07 avg300=31.38 total=2500000\nfull avg10=0.00 total=7\n";
  assert.equal(parsePressure(text), 2.5);
  assert.equal(parsePressure("full avg10=0.00 avg60=0.00 avg300=0.00 total=7\n"), null);
});

Deno.test("parseMemory() reads a line of /proc/meminfo, and says which is missing", () => {
  assert.equal(parseMemory("MemTotal:  2 kB\nMemAvailable:    3 kB\n", "MemAvailable"), 3072);
  assert.throws(() => parseMemory("MemTotal: 2 kB\n", "MemAvailable"), /must have MemAvailable/);
});

Deno.test("readMachine() finds this machine with memory and processors that have worked", () => {
  const { busySeconds, availableBytes, totalBytes } = readMachine();
  assert.ok(busySeconds > 0 && availableBytes > 0 && totalBytes >= availableBytes);
});

Deno.test("requirePressure() asks for nothing that the policy does not look at", () => {
  requirePressure({ index: "queue-length", memoryStall: 0 }, null);
  const real = Deno.readTextFileSync;
  Deno.readTextFileSync = () => {
    throw new Deno.errors.NotFound("No such file or directory");
  };
  try {
    assert.throws(
      () => requirePressure({ index: "pressure", memoryStall: 0 }, "/etc/lb.toml"),
      (error) =>
        error instanceof ConfigError && /policy\.index of .*lb\.toml as .*cpu/.test(error.message),
    );
    assert.throws(
      () => requirePressure({ index: "queue-length", memoryStall: 0.1 }, null),
      /policy\.memory-stall of the defaults as \/proc\/pressure\/memory must tell/,
    );
  } finally {
    Deno.readTextFileSync = real;
  }
});
