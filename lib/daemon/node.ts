/**
 * One node: its sockets, its parts and who gets which message.
 *
 * @module
 */
import { describe, HostError, WireError } from "../base/errors.ts";
import type { MembershipEvent } from "../core/membership/types.ts";
import type { ProcessId } from "../core/contract/names.ts";
import type { Sample } from "../core/contract/process.ts";
import type { Config } from "../host/config.ts";
import { FrameConnection } from "../host/connection.ts";
import type { ControlHandlers, ControlPeer } from "../host/control.ts";
import { acceptHello } from "../host/handshake.ts";
import { logger } from "../host/log.ts";
import * as native from "../host/native.ts";
import { acceptLoop, sendAtOnce, TcpConnection } from "../host/tcp.ts";
import type { Frame } from "../wire/frame.ts";
import type { LocalMessage } from "../wire/local.ts";
import { limits, verdicts } from "../wire/schema.ts";
import { noAnnouncement } from "./announcements.ts";
import { Arrivals } from "./arrivals.ts";
import { Cluster } from "./cluster.ts";
import { Commands } from "./commands.ts";
import type { Context } from "./context.ts";
import { Endings } from "./endings.ts";
import { Homes } from "./homes.ts";
import { Links } from "./links.ts";
import { Looks } from "./looks.ts";
import { Meter } from "./meter.ts";
import { Moves } from "./moves.ts";
import { Orders } from "./orders.ts";
import { Peers, type Reply } from "./peers.ts";
import { localAsProcess } from "./records.ts";
import { register, registerStaying } from "./registration.ts";
import { Reload } from "./reload.ts";
import { Sockets } from "./sockets.ts";
import { Standing } from "./standing.ts";
import { Treatments } from "./treatments.ts";
import { Watches } from "./watches.ts";
import type { Driver } from "./driver.ts";
import { encodeSnapshot, makeSnapshot } from "./snapshot.ts";

const log = logger("node");

/** Connections that have not proved the key; more are closed at once. */
const HALF_OPEN_MAX = 256;
/** Room in a frame beside the snapshot: the request, a size and the code. */
const FRAME_REST_SIZE = 64;

/** A running node. */
export class Node {
  readonly #context: Context;
  readonly #driver: Driver;
  readonly #peers: Peers;
  readonly #orders: Orders;
  readonly #endings: Endings;
  readonly #moves: Moves;
  readonly #arrivals: Arrivals;
  readonly #homes: Homes;
  readonly #links: Links;
  readonly #commands: Commands;
  readonly #standing: Standing;
  readonly #meter: Meter;
  readonly #treatments: Treatments;
  readonly #cluster: Cluster;
  readonly #reload: Reload;
  readonly #open = new Set<FrameConnection>();
  readonly #watches = new Watches((pid, startTicks) => this.#exited(pid, startTicks));
  readonly #looks: Looks;
  readonly #sockets: Sockets;
  #halfOpen = 0;
  #timer: number | null = null;
  #listeners: { close(): void }[] = [];

  constructor(context: Context, driver: Driver) {
    this.#context = context;
    this.#driver = driver;
    const { watch } = this.#watches;
    this.#orders = new Orders(context);
    this.#peers = new Peers(context, (from, frame, reply) => this.#request(from, frame, reply));
    this.#cluster = new Cluster(context, this.#peers);
    this.#homes = new Homes(context, this.#orders, watch);
    this.#endings = new Endings(context, this.#peers, (ending) => this.#homes.ended(ending));
    this.#treatments = new Treatments(context);
    this.#moves = new Moves(context, this.#peers, this.#orders, this.#treatments);
    this.#looks = new Looks(this.#moves);
    this.#sockets = new Sockets(context, (conn) => {
      void this.#serve(new FrameConnection(conn, "a local command"), "");
    });
    this.#arrivals = new Arrivals(context, this.#orders, this.#endings, watch);
    this.#links = new Links(context, this.#peers);
    this.#standing = new Standing(context);
    this.#meter = new Meter(context);
    this.#reload = new Reload(context, {
      driver,
      cluster: this.#cluster,
      peers: this.#peers,
      standing: this.#standing,
    });
    this.#commands = new Commands(context, {
      standing: this.#standing,
      cluster: this.#cluster,
      peers: this.#peers,
      moves: this.#moves,
      arrivals: this.#arrivals,
      homes: this.#homes,
      treatments: this.#treatments,
    });
    driver.start({
      announce: ({ announcement }) => {
        const { queueLength, isDraining } = driver.view;
        log.debug("letter", { letter: announcement.letter, queueLength, isDraining });
        this.#peers.announce(announcement);
      },
      tellLetter: (effect) =>
        this.#peers.tellLetter(effect.node, effect.greeting, effect.announcement),
      inspect: ({ ids }) => void this.#sample(ids),
      ask: ({ to, announcement }) => this.#peers.ask(to, announcement, false),
      refuseAsk: ({ to, announcement }) => this.#peers.ask(to, announcement, true),
      offer: (effect) => void this.#moves.offer(effect),
      withdrawOffer: (effect) => this.#moves.withdraw(effect),
      answerOffer: (effect) => this.#arrivals.answer(effect),
      orderMove: (effect) => void this.#moves.move(effect),
      treatGuests: (effect) => this.#treatments.perform(effect),
      requestDone: (effect) => this.#commands.finish(effect),
      requestFailed: (effect) => this.#commands.finish(effect),
    });
  }

  /** Takes up what an earlier run left and begins to serve. */
  async start(listener: Deno.TcpListener): Promise<void> {
    const { control, stopped } = this.#context;
    this.#sockets.open();
    this.#listeners = [listener, this.#sockets];
    this.#recover();
    const failed = (error: unknown) => {
      if (!stopped.aborted) throw error; // a bug: crash with its stack
    };
    control.run(this.#handlers()).catch(failed);
    const onError = (reason: string) => log.warning("cannot accept connections", { reason });
    acceptLoop(listener, (conn) => void this.#accept(conn), onError).catch(failed);
    this.#context.dispatch({ type: "associated", nodes: this.#context.associated });
    for (const event of this.#cluster.events()) this.#context.dispatch(event);
    this.#peers.connectAll();
    // So that the first check has something to compare with.
    const { locals, guests } = this.#context.records;
    await this.#meter.tell(await this.#sample([...locals.keys(), ...guests.keys()]));
    this.#schedule();
  }

  /** Gives the membership an event. */
  member(event: MembershipEvent): void {
    this.#cluster.step(event);
  }

  /** Ends it. Programs, shadows and keepers go on and find the next daemon by themselves. */
  async stop(): Promise<void> {
    this.#driver.stop();
    this.#cluster.stop();
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const listener of this.#listeners) listener.close();
    for (const connection of this.#open) connection.close();
    this.#peers.close();
    this.#context.records.flush();
    await this.#context.control.stop();
  }

  /** Takes over a config that was read again. */
  reload(config: Config): void {
    this.#reload.take(config);
    this.#settle();
    this.#schedule(); // the time until the next check may be another one
  }

  #settle(): void {
    const processes = this.#reload.settle();
    if (processes.length > 0) void this.#sample(processes.map(({ id }) => id));
  }

  #schedule(): void {
    if (this.#context.stopped.aborted) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      void this.#check().finally(() => this.#schedule());
    }, this.#context.config.frequencySeconds * 1000);
  }

  /** The periodic check. */
  async #check(): Promise<void> {
    const { records, dispatch } = this.#context;
    this.#settle();
    this.#sockets.check();
    this.#watches.retry();
    this.#peers.connectAll();
    this.#endings.retry();
    this.#arrivals.check();
    this.#moves.check();
    this.#standing.check();
    this.#cluster.step({ type: "check" });
    const ids = [...records.locals.keys(), ...records.guests.keys()];
    this.#looks.keep(ids);
    const samples = await this.#sample(ids);
    await this.#meter.tell(samples);
    this.#treatments.apply(this.#driver.view.owner?.treatment ?? "none");
    dispatch({ type: "check" });
  }

  /** Looks at processes and tells the balancer what it found. */
  async #sample(ids: readonly ProcessId[]): Promise<readonly Sample[]> {
    const samples = await this.#looks.sample(ids);
    this.#context.dispatch({ type: "sampled", samples });
    return samples.filter(({ isGone }) => !isGone);
  }

  #recover(): void {
    const { records, dispatch } = this.#context;
    for (const record of [...records.locals.values()]) {
      if (!this.#watches.watch(record.homePid, record.startTicks)) records.locals.delete(record.id);
      else dispatch({ type: "processArrived", process: localAsProcess(record) });
    }
    this.#homes.recover();
    this.#arrivals.recover();
    for (const event of this.#standing.events()) dispatch(event);
    records.save();
  }

  // ---- the control socket ----

  #handlers(): ControlHandlers {
    return {
      message: (peer, message, fds) => {
        for (const fd of fds) native.close(fd); // no message to the daemon carries any
        this.#local(peer, message);
      },
      hangup: (peer) => {
        this.#homes.hangup(peer);
        this.#arrivals.hangup(peer);
      },
      exited: (pid, startTicks, waitStatus) => this.#exited(pid, startTicks, waitStatus),
      failed: (reason) => log.error("cannot deal with an event", { reason }),
      malformed: (peer, reason) =>
        log.warning("malformed message on the control socket", { pid: peer.pid, reason }),
    };
  }

  #local(peer: ControlPeer, message: LocalMessage): void {
    switch (message.name) {
      case "Register":
        return register(this.#context, peer, message, this.#watches.watch);
      case "Stays":
        return registerStaying(this.#context, peer, message, this.#watches.watch);
      case "Fetch":
        if (message.orderId === 0n) return void this.#moves.byHand(peer);
        return void this.#orders.fetch(peer, message);
      case "Report":
        return this.#orders.report(peer, message);
      case "Shadow":
        return this.#homes.shadow(peer, message);
      case "Verdict":
        return this.#homes.verdict(peer, message);
      case "LostLink":
        return void this.#links.lost(peer, message);
      case "CameHome":
        return this.#homes.cameHome(peer, message);
      case "Keeper":
        return this.#arrivals.keeper(peer, message);
      case "GuestEnded":
        return this.#arrivals.ended(peer, message);
      case "NeedLink":
        return void this.#links.need(peer, message);
      default:
        log.warning("unexpected message on the control socket", {
          pid: peer.pid,
          message: message.name,
        });
        this.#context.control.close(peer.connection);
    }
  }

  #exited(pid: number, startTicks: bigint, waitStatus: number | null = null): void {
    const { records, dispatch } = this.#context;
    this.#orders.gone(pid);
    const local = records.findByPid(pid);
    if (local !== null && records.locals.has(local.id) && local.startTicks === startTicks) {
      records.locals.delete(local.id);
      records.save();
      dispatch({ type: "processEnded", id: local.id });
    }
    this.#homes.exited(pid);
    this.#arrivals.exited(pid, waitStatus);
  }

  // ---- TCP and the socket for commands ----

  async #accept(conn: Deno.TcpConn): Promise<void> {
    const { hostname, port } = conn.remoteAddr;
    const connection = new TcpConnection(conn, `${hostname}:${port}`);
    if (this.#halfOpen >= HALF_OPEN_MAX) {
      log.warning("too many connections without a proof", { from: hostname });
      return connection.close();
    }
    this.#halfOpen++;
    this.#open.add(connection);
    try {
      const hello = await acceptHello(connection, this.#context.credentials)
        .finally(() => this.#halfOpen--);
      connection.peer = hello.node;
      sendAtOnce(conn);
      if (hello.role === "daemon") this.#peers.accept(connection, hello);
      else if (hello.role === "memory") await this.#arrivals.takeMemory(connection, hello);
      else if (hello.role === "link" || hello.role === "restart") {
        await this.#homes.takeLink(connection, hello);
      } else await this.#serve(connection, hello.node);
    } catch (error) {
      connection.close();
      if (!(error instanceof WireError || error instanceof HostError)) throw error;
      // Not its port, so that equal ones count up: anybody may connect.
      const reason = describe(error).replaceAll(`${hostname}:${port}`, hostname);
      log.warning("connection refused", { peer: connection.peer.replace(`:${port}`, ""), reason });
    } finally {
      this.#open.delete(connection);
    }
  }

  /** Serves a command's connection until it ends. */
  async #serve(connection: FrameConnection, from: string): Promise<void> {
    this.#open.add(connection);
    try {
      for (;;) {
        const frame = await connection.read();
        if (frame === null) break;
        if (frame.type !== "snapshot" && frame.type !== "command") {
          throw notARequest(frame.type, from);
        }
        this.#request(from, frame, (type, values) => {
          connection.send(type, values, { answer: true }).catch(() => {});
        });
      }
    } catch (error) {
      if (error instanceof WireError) {
        log.warning("connection closed", { peer: connection.peer, reason: error.message });
        await connection.send("error", { message: error.message.slice(0, 500) }).catch(() => {});
      } else if (!(error instanceof HostError)) throw error;
    } finally {
      this.#open.delete(connection);
      connection.close();
    }
  }

  /** A request from another daemon (`from` is its name) or from a command on this node (""). */
  #request(from: string, frame: Frame, reply: Reply): void {
    switch (frame.type) {
      case "snapshot":
        return void this.#snapshot(frame.values.request, reply);
      case "command":
        return void this.#commands.run(frame.values, reply);
      case "offer":
        return this.#arrivals.offered(from, frame.values, reply);
      case "gossip":
        return this.#cluster.receive(from, frame.values);
      case "withdraw":
        return this.#arrivals.withdrawn(frame.values.ticket);
      case "ended": {
        const { request, ...ending } = frame.values;
        this.#homes.ended(ending);
        return reply("accept", { request, ...noAnnouncement, letter: 0, detail: "" });
      }
      case "inquiry": {
        const { request, ...identity } = frame.values;
        const verdict = verdicts[this.#arrivals.judge(identity)];
        return reply("verdict", { request, ticket: identity.ticket, verdict });
      }
      default:
        throw notARequest(frame.type, from);
    }
  }

  /** Looks first: a process that came since the last check has no figures yet. */
  async #snapshot(request: bigint, reply: Reply): Promise<void> {
    const { records, config } = this.#context;
    await this.#sample(this.#driver.view.processes.map(({ id }) => id));
    const { frequencySeconds } = config;
    const members = this.#cluster.view;
    const snapshot = makeSnapshot(this.#driver.view, records, { frequencySeconds, members });
    reply("snapshot", {
      request,
      json: encodeSnapshot(snapshot, limits.frameSizeMax - FRAME_REST_SIZE),
    });
  }
}

function notARequest(type: string, from: string): WireError {
  return new WireError(`Cannot accept frame ${type} from "${from}": it is not for it to send`, {
    fix: "Run the same lb version on both nodes: compare `lb --version`",
  });
}
