/** Tests of what a config that is read again may change. */
import assert from "node:assert/strict";
import { type Config, parseConfig } from "../host/config.ts";
import { balancerConfig, keyOf, reconfigure, withoutItself } from "./configs.ts";

const node = "10.0.0.1:9734";

function config(text: string): Config {
  return parseConfig(`listen = "10.0.0.1"\nruntime-dir = "/run/lb"\n${text}`, null, {
    getEnv: (name) => name === "HOME" ? "/home/user" : undefined,
    uid: 1000,
  });
}

Deno.test("reconfigure() takes thresholds and nodes over and names what needs a restart", () => {
  const current = config('associated = ["10.0.0.2"]\n[thresholds]\nthv = 7');
  const wanted = config(
    'associated = ["10.0.0.3", "10.0.0.1"]\nkey-file = "/other"\n[thresholds]\nthv = 9',
  );
  const { next, changed, fixed } = reconfigure({ config: current, node }, wanted);
  assert.deepEqual(next.associated, ["10.0.0.3:9734"]);
  assert.deepEqual(next.thresholds, { thu: 1, thf: 5, thv: 9 });
  assert.equal(next.keyFile, current.keyFile);
  assert.deepEqual(changed.toSorted(), ["associated", "thresholds"]);
  assert.deepEqual(fixed.map(keyOf), ["key-file"]);
});

Deno.test("reconfigure() finds no change where there is none", () => {
  const current = withoutItself(config('associated = ["10.0.0.1", "10.0.0.2"]'), node);
  const wanted = config('associated = ["10.0.0.1", "10.0.0.2"]');
  const { changed, fixed } = reconfigure({ config: current, node }, wanted);
  assert.deepEqual([changed, fixed], [[], []]);
});

Deno.test("balancerConfig() draws tickets that differ and are never 0", () => {
  const { nextTicket } = balancerConfig({
    config: config(""),
    node,
    associated: [],
    records: { ownerSinceMs: null },
  });
  const tickets = new Set(Array.from({ length: 1000 }, () => nextTicket()));
  assert.equal(tickets.size, 1000);
  assert.equal(tickets.has(0n), false);
});
