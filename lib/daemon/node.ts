/**
 * Composes a node of its parts.
 *
 * With its sockets, its start and its end.
 *
 * @module
 */
import { describe, HostError, WireError } from "../base/errors.ts";
import type { MembershipEvent } from "../core/membership/types.ts";
import type { Config } from "../host/config.ts";
import { FrameConnection } from "../host/connection.ts";
import { acceptHello } from "../host/handshake.ts";
import { logger } from "../host/log.ts";
import { acceptLoop, sendAtOnce, TcpConnection } from "../host/tcp.ts";
import { Checkpoints } from "./checkpoints.ts";
import { Checks } from "./checks.ts";
import { Cluster } from "./cluster.ts";
import { Commands } from "./commands.ts";
import type { Context } from "./context.ts";
import type { Driver } from "./driver.ts";
import { Endings } from "./endings.ts";
import { Guests } from "./guests.ts";
import { Incoming } from "./incoming.ts";
import { Inspections } from "./inspections.ts";
import { Links } from "./links.ts";
import { Looks } from "./looks.ts";
import { Meter } from "./meter.ts";
import { Orders } from "./orders.ts";
import { Outgoing } from "./outgoing.ts";
import { Peers } from "./peers.ts";
import { PinsAndDrain } from "./pins_and_drain.ts";
import { recover } from "./recovery.ts";
import { Reload } from "./reload.ts";
import { notARequest, Router } from "./router.ts";
import { Shadows } from "./shadows.ts";
import { Sockets } from "./sockets.ts";
import { Treatments } from "./treatments.ts";
import { Watches } from "./watches.ts";

const log = logger("node");

/** Connections that have not proved the key; more are closed at once. */
const HALF_OPEN_MAX = 256;

/** A running node. */
export class Node {
  readonly #context: Context;
  readonly #driver: Driver;
  readonly #peers: Peers;
  readonly #incoming: Incoming;
  readonly #shadows: Shadows;
  readonly #cluster: Cluster;
  readonly #reload: Reload;
  readonly #checks: Checks;
  readonly #router: Router;
  readonly #sockets: Sockets;
  readonly #recover: () => void;
  readonly #open = new Set<FrameConnection>();
  #halfOpen = 0;
  #listeners: { close(): void }[] = [];

  constructor(context: Context, driver: Driver) {
    this.#context = context;
    this.#driver = driver;
    const watches = new Watches((pid, startTicks) => this.#router.exited(pid, startTicks));
    const { watch } = watches;
    const orders = new Orders(context);
    const peers = new Peers(context, (from, frame, reply) => {
      this.#router.request(from, frame, reply);
    });
    const cluster = new Cluster(context, peers);
    const shadows = new Shadows(context, orders, watch);
    const endings = new Endings(context, peers, (ending) => shadows.ended(ending));
    const treatments = new Treatments(context);
    const inspections = new Inspections(context, orders);
    const outgoing = new Outgoing(context, { peers, orders, treatments, inspections });
    const checkpoints = new Checkpoints(context, orders, inspections);
    const looks = new Looks(inspections);
    const sockets = new Sockets(context, (conn) => {
      void this.#serve(new FrameConnection(conn, "a local command"), "");
    });
    const guests = new Guests(context, orders, endings, watch);
    const incoming = new Incoming(context, guests);
    const links = new Links(context, peers);
    const pinsAndDrain = new PinsAndDrain(context);
    const meter = new Meter(context);
    const reload = new Reload(context, { driver, cluster, peers, pinsAndDrain });
    const settle = () => this.#settle();
    // deno-fmt-ignore
    const checks = new Checks(context, {
      cluster, driver, endings, guests, incoming, looks, meter, outgoing, peers, pinsAndDrain, settle, sockets,
      treatments, watches,
    });
    // deno-fmt-ignore
    const commands = new Commands(context, {
      pinsAndDrain, cluster, peers, inspections, checkpoints, guests, shadows, treatments,
    });
    // deno-fmt-ignore
    this.#router = new Router(context, {
      checkpoints, checks, cluster, commands, guests, incoming, links, orders, shadows, watches,
    });
    [this.#peers, this.#incoming, this.#shadows] = [peers, incoming, shadows];
    [this.#cluster, this.#reload, this.#checks] = [cluster, reload, checks];
    this.#sockets = sockets;
    this.#recover = () => recover(context, { guests, pinsAndDrain, shadows, watches });
    driver.start({
      announce: ({ announcement }) => {
        const { queueLength, isDraining } = driver.view;
        log.debug("letter", { letter: announcement.letter, queueLength, isDraining });
        peers.announce(announcement);
      },
      tellLetter: (effect) => peers.tellLetter(effect.node, effect.greeting, effect.announcement),
      inspect: ({ ids }) => void checks.sample(ids),
      ask: ({ to, announcement }) => peers.ask(to, announcement, false),
      refuseAsk: ({ to, announcement }) => peers.ask(to, announcement, true),
      offer: (effect) => void outgoing.offer(effect),
      withdrawOffer: (effect) => outgoing.withdraw(effect),
      answerOffer: (effect) => incoming.answer(effect),
      orderMove: (effect) => void outgoing.move(effect),
      treatGuests: (effect) => treatments.perform(effect),
      requestDone: (effect) => commands.finish(effect),
      requestFailed: (effect) => commands.finish(effect),
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
    control.run(this.#router.handlers).catch(failed);
    const onError = (reason: string) => log.warning("cannot accept connections", { reason });
    acceptLoop(listener, (conn) => void this.#accept(conn), onError).catch(failed);
    this.#context.dispatch({ type: "associated", nodes: this.#context.associated });
    for (const event of this.#cluster.events()) this.#context.dispatch(event);
    this.#peers.connectAll();
    await this.#checks.begin();
    this.#checks.schedule();
  }

  /** Gives the membership an event. */
  member(event: MembershipEvent): void {
    this.#cluster.step(event);
  }

  /** Ends it. Programs, shadows and keepers go on and find the next daemon by themselves. */
  async stop(): Promise<void> {
    this.#driver.stop();
    this.#cluster.stop();
    this.#checks.stop();
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
    this.#checks.schedule(); // the time until the next check may be another one
  }

  #settle(): void {
    const processes = this.#reload.settle();
    if (processes.length > 0) void this.#checks.sample(processes.map(({ id }) => id));
  }

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
      else if (hello.role === "memory") await this.#incoming.takeMemory(connection, hello);
      else if (hello.role === "link" || hello.role === "restart") {
        await this.#shadows.takeLink(connection, hello);
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
        this.#router.request(from, frame, (type, values) => {
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
}
