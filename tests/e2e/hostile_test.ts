/**
 * Moves and checkpoints that the world gets in the way of.
 *
 * A full disk, and programs that end, stop or fork at that moment. No job is lost, and what is
 * told is clear.
 *
 * @module
 */
import assert from "node:assert/strict";
import { encodeLocal } from "../../lib/wire/local.ts";
import { guestStates } from "../../lib/wire/schema.ts";
import { haveNamespaces, type Host, Testbed } from "../testbed/mod.ts";

async function twoNodes(): Promise<Testbed> {
  const bed = await Testbed.create({ hosts: 2 });
  await bed.startDaemons();
  return bed;
}

const lines = (count: number): string =>
  Array.from({ length: count }, (_, index) => `line ${index + 1}\n`).join("");

/** A small file system of its own in the home directory, for the ordinary user alone. */
async function mountSmall(host: Host, name: string): Promise<void> {
  await host.must(["mkdir", name]);
  const [uid, gid] = (await host.must("id -u; id -g")).split("\n");
  const options = `size=65536,mode=700,uid=${uid},gid=${gid}`;
  const command = ["mount", "-t", "tmpfs", "-o", options, "none", `${host.home}/${name}`];
  await host.must(command, { asRoot: true });
}

Deno.test({
  name: "a full disk at home is told to the program as at home, and takes nothing else with it",
  ignore: !haveNamespaces,
  fn: async () => {
    await using bed = await twoNodes();
    const [home, away] = [bed.host(0), bed.host(1)];
    await mountSmall(home, "small");
    const script =
      "import sys,os,errno; fd=os.open('small/out',os.O_CREAT|os.O_WRONLY|os.O_TRUNC)\n" +
      "print('ready',flush=True); sys.stdin.readline(); total=0\n" +
      "try:\n  while True: total+=os.write(fd,b'x'*1000)\n" +
      "except OSError as e: print(errno.errorcode[e.errno],total,os.fstat(fd).st_size)\n" +
      "os.unlink('small/out'); os.close(fd)";
    const said: string[] = [];
    for (const moved of [false, true]) {
      const job = await home.launchKnown(["python3", "-c", script]);
      await job.output("ready\n");
      if (moved) await home.migrate(job.pid, away);
      await job.write("\n");
      assert.deepEqual(await job.ending(), { code: 0, signal: null }, job.stderr);
      said.push(job.stdout);
    }
    assert.equal(said[1], said[0]);
    assert.match(said[0] ?? "", /ENOSPC 65536 65536\n$/);

    const counter = await home.launchKnown(["counter", "60"]);
    await counter.output("line 3\n");
    const image = `${home.home}/small/image`;
    const refused = await home.lb("checkpoint", String(counter.pid), "--output", image);
    assert.equal(refused.code, 4, refused.stderr);
    assert.match(refused.stderr, /^lb: Cannot write the image .*no space.*\n +fix: /i);
    assert.equal(await home.exists("small/image"), false, "half an image is left");
    await home.migrate(counter.pid, away);
    assert.deepEqual(await counter.ending(), { code: 0, signal: null });
    assert.equal(counter.stdout, lines(60));
  },
});

Deno.test({
  name: "a daemon whose runtime directory is on a full disk goes on, and so do its jobs",
  ignore: !haveNamespaces,
  fn: async () => {
    await using bed = await Testbed.create({ hosts: 2 });
    const [home, away] = [bed.host(0), bed.host(1)];
    for (const host of [home, away]) await mountSmall(host, "run");
    await bed.startDaemons();
    for (const host of [home, away]) await host.run("cat /dev/zero > run/filler");
    const job = await home.launchKnown(["counter", "40", "--status", "8"]);
    await home.migrate(job.pid, away);
    await home.bringHome(job.pid);
    await home.migrate(job.pid, away);
    await home.daemon.waitForLog(/no space left/i);
    assert.deepEqual(await job.ending(), { code: 8, signal: null }, job.stderr);
    assert.equal(job.stdout, lines(40));
  },
});

Deno.test("SIGTERM, SIGSTOP or the end at the moment of a move loses neither job nor node", async (t) => {
  await using bed = await twoNodes();
  const [home, away] = [bed.host(0), bed.host(1)];
  await t.step("a program that ends", async () => {
    for (let round = 0; round < 6; round++) {
      const job = await home.launchKnown(["counter", "12", "--status", "9"]);
      await job.closeInput();
      await job.output(`line ${round + 7}\n`);
      await home.lb("migrate", String(job.pid), away.node); // may come too late
      assert.deepEqual(await job.ending(), { code: 9, signal: null }, job.stderr);
      assert.equal(job.stdout, lines(12));
    }
  });
  await t.step("a program that is killed", async () => {
    for (let round = 0; round < 4; round++) {
      const job = await home.launchKnown(["counter", "400"]);
      const move = home.lb("migrate", String(job.pid), away.node);
      await new Promise((resolve) => setTimeout(resolve, 60 * round));
      await job.kill("TERM");
      await move;
      assert.equal((await job.ending()).signal, "SIGTERM", job.stderr);
    }
  });
  await t.step("a program that is stopped", async () => {
    for (let round = 0; round < 3; round++) {
      const job = await home.launchKnown(["counter", "30"]);
      const move = home.lb("migrate", String(job.pid), away.node);
      await new Promise((resolve) => setTimeout(resolve, 60 * round));
      await job.kill("STOP");
      const { code, stderr } = await move;
      if (code !== 0) assert.match(stderr, /^lb: Cannot move .*\n +fix: /);
      await job.kill("CONT");
      assert.deepEqual(await job.ending(), { code: 0, signal: null }, job.stderr);
      assert.equal(job.stdout, lines(30));
    }
  });
  await t.step("a program that forks without end", async () => {
    const script =
      'i=0; while [ $i -lt 1500 ]; do i=$((i+1)); x=$(echo "line $i"); echo "$x"; done';
    const job = await home.launchKnown(["bash", "-c", script]);
    for (let round = 0; round < 6 && job.running; round++) {
      const { code, stderr } = await home.lb("migrate", String(job.pid), away.node);
      if (code !== 0) assert.match(stderr, /^lb: Cannot .*\n +fix: /);
    }
    assert.deepEqual(await job.ending(), { code: 0, signal: null }, job.stderr);
    assert.equal(job.stdout, lines(1500));
  });
  for (const host of [home, away]) {
    await host.waitForSnapshot("nothing left", (s) => s.queueLength + s.shadows.length === 0);
  }
});

Deno.test("parts wiped from the disk under running jobs: they move, come home, and more are launched", async () => {
  await using bed = await twoNodes();
  const [home, away] = [bed.host(0), bed.host(1)];
  const early = await home.launchKnown(["counter", "60", "--status", "3"]);
  for (const host of [home, away]) await host.must('rm -rf "$HOME"/.cache/lb');
  await home.migrate(early.pid, away);
  await early.output("line 12\n");
  await home.bringHome(early.pid);
  const late = await home.launchKnown(["counter", "50", "--status", "4"]);
  await home.migrate(late.pid, away);
  assert.deepEqual(await late.ending(), { code: 4, signal: null }, late.stderr);
  assert.equal(late.stdout, lines(50));
  assert.deepEqual(await early.ending(), { code: 3, signal: null }, early.stderr);
  assert.equal(early.stdout, lines(60));
});

/** Sends the daemon a message, whose first field is when the sender has started, and ends. */
const LAST_WORDS = `import socket,struct,sys
ticks=int(open('/proc/self/stat').read().rsplit(')',1)[1].split()[19])
message=bytearray.fromhex(sys.argv[1]); message[8:16]=struct.pack('<Q',ticks)
daemon=socket.socket(socket.AF_UNIX,socket.SOCK_SEQPACKET); daemon.connect('run/control.sock')
daemon.send(message)`;

Deno.test("what has told of itself and ended before the daemon read it is not listed for ever", async () => {
  await using bed = await Testbed.create({ hosts: 1 });
  const home = bed.host(0);
  await bed.startDaemons();
  await home.must(["kill", "-STOP", `${home.daemon.pid}`]);
  const some = { startTicks: 0n, pid: 0 };
  const shadow = { ...some, liveTicket: 1n, preparedTicket: 0n, state: guestStates.running };
  const names = { homeNode: home.node, runsOn: "192.0.2.1:9734", program: "gone" };
  const came = { ...some, ticket: 1n, cpuUs: 0n, request: 0n, systemCall: 0xffff_ffff };
  for (
    const message of [
      encodeLocal("Shadow", { ...shadow, ...names }),
      encodeLocal("CameHome", came),
    ]
  ) await home.must(["python3", "-c", LAST_WORDS, message.toHex()]);
  await home.must(["kill", "-CONT", `${home.daemon.pid}`]);
  await home.daemon.waitForLog(/came home/);
  await home.daemon.waitForLog(/shadow ended .*program=gone/);
  await home.waitForSnapshot(
    "an empty node",
    ({ processes, shadows }) => processes.length + shadows.length === 0,
  );
});
