/**
 * Connections between daemons.
 *
 * One kept open to each associated node, those that others opened, and short ones to nodes that
 * are not associated; letters, requests and their answers travel on them.
 *
 * @module
 */
import { describe, HostError, WireError } from "../base/errors.ts";
import type { Announcement } from "../core/contract/names.ts";
import { version } from "../base/version.ts";
import { callHello, type Hello } from "../host/handshake.ts";
import { logger } from "../host/log.ts";
import { connectTcp, type TcpConnection, watchForSilence } from "../host/tcp.ts";
import type { Frame, FrameType, FrameValues } from "../wire/frame.ts";
import { frameTypes, limits } from "../wire/schema.ts";
import { announcementValues, letterByte, letterFrames, readAnnouncement } from "./announcements.ts";
import type { Context } from "./context.ts";

const log = logger("peers");

/** Sends the answer to a request. A lost connection is not an error: the asker notices. */
export type Reply = <T extends FrameType>(type: T, values: FrameValues<T>) => void;

/** Takes a request that another daemon, or a command, has sent. */
export type RequestHandler = (from: string, frame: Frame, reply: Reply) => void;

/** A connection to another daemon. */
interface Peer {
  readonly connection: TcpConnection;
  readonly node: string;
  /** It runs this version of lb: there may be frames that another one does not know. */
  readonly isSame: boolean;
  readonly pending: Map<bigint, (answer: Frame | Error) => void>;
}

/** All connections to other daemons. */
export class Peers {
  readonly #context: Context;
  readonly #onRequest: RequestHandler;
  /** By node, the outgoing one first. */
  readonly #peers = new Map<string, Peer[]>();
  readonly #outgoing = new Map<string, Peer>();
  readonly #connecting = new Set<string>();
  /** Why a node could not be reached, as last logged. */
  readonly #complaints = new Map<string, string>();
  /** Messages about members that are being written. */
  readonly #writes = new Set<Promise<void>>();
  #nextRequest = 1n;

  constructor(context: Context, onRequest: RequestHandler) {
    this.#context = context;
    this.#onRequest = onRequest;
  }

  /**
   * Connects to every associated node that has no outgoing connection, and leaves those that are not
   * associated any more; at start and every check.
   */
  connectAll(): void {
    for (const [node, peer] of this.#outgoing) {
      if (!this.#context.associated.includes(node)) peer.connection.close();
    }
    for (const node of this.#context.associated) this.#connectTo(node);
  }

  #connectTo(node: string): void {
    if (this.#context.stopped.aborted || this.#connecting.has(node)) return;
    if (this.#outgoing.has(node) || !this.#context.associated.includes(node)) return;
    this.#connecting.add(node);
    this.#open(node)
      .then((peer) => {
        this.#complaints.delete(node);
        this.#outgoing.set(node, peer);
        log.info("connected", { node });
        this.#context.dispatch({ type: "peerConnected", node });
        if (peer.isSame) this.#context.member({ type: "connected", node });
      })
      .catch((error) => {
        this.#context.member({ type: "lost", node });
        const reason = describe(error);
        if (this.#complaints.get(node) === reason) return;
        this.#complaints.set(node, reason);
        log.warning("associated node is out of reach", { node, reason });
      })
      .finally(() => this.#connecting.delete(node));
  }

  async #open(node: string): Promise<Peer> {
    const connection = await connectTcp(node, limits.helloTimeoutMs);
    let hello: Hello;
    try {
      hello = await callHello(connection, this.#context.credentials, "daemon");
      if (hello.node !== node) {
        throw new HostError(`Cannot use the node at ${node}: it calls itself ${hello.node}`, {
          fix:
            `Name it ${hello.node} here, in associated say, or set node = "${node}" in its config`,
        });
      }
    } catch (error) {
      connection.close();
      throw error;
    }
    return this.#adopt(connection, hello, true);
  }

  #adopt(connection: TcpConnection, { node, lbVersion }: Hello, first: boolean): Peer {
    const peer: Peer = { connection, node, isSame: lbVersion === version, pending: new Map() };
    const peers = this.#peers.get(node) ?? [];
    if (first) peers.unshift(peer);
    else peers.push(peer);
    this.#peers.set(node, peers);
    watchForSilence(connection, this.#context.config.ioTimeoutMs);
    void this.#read(peer);
    return peer;
  }

  /** Takes a connection that another daemon opened, after its proof. */
  accept(connection: TcpConnection, hello: Hello): void {
    if (hello.node === this.#context.node) {
      log.warning("another node uses this node's name", { node: hello.node });
      connection.close();
      return;
    }
    this.#adopt(connection, hello, false);
    // It is up: no reason to wait for the next check.
    this.#connectTo(hello.node);
  }

  async #read(peer: Peer): Promise<void> {
    let reason = "it closed the connection";
    try {
      for (;;) {
        const frame = await peer.connection.read();
        if (frame === null) break;
        this.#take(peer, frame);
      }
    } catch (error) {
      reason = describe(error);
      if (error instanceof WireError) {
        log.warning("connection closed", { node: peer.node, reason });
        await peer.connection.send("error", { message: reason.slice(0, 500) }).catch(() => {});
      } else if (!(error instanceof HostError)) throw error;
    } finally {
      this.#drop(peer, reason);
    }
  }

  #drop(peer: Peer, reason: string): void {
    peer.connection.close();
    const error = new HostError(`Cannot hear from ${peer.node}: ${reason}`, {
      fix: "Check the network and the other node's log",
    });
    for (const settle of [...peer.pending.values()]) settle(error);
    const wasOutgoing = this.#outgoing.get(peer.node) === peer;
    if (wasOutgoing) this.#outgoing.delete(peer.node);
    const rest = (this.#peers.get(peer.node) ?? []).filter((other) => other !== peer);
    if (rest.length > 0) this.#peers.set(peer.node, rest);
    else this.#peers.delete(peer.node);
    if (this.#context.stopped.aborted) return;
    if (wasOutgoing) log.info("connection lost", { node: peer.node, reason });
    if (rest.length === 0 && this.#context.associated.includes(peer.node)) {
      this.#context.dispatch({ type: "peerLost", node: peer.node });
    }
    if (!wasOutgoing) return;
    this.#context.member({ type: "lost", node: peer.node });
    // At once: a daemon that was restarted, or a connection cut on the way. Then at every check.
    this.#connectTo(peer.node);
  }

  #take(peer: Peer, frame: Frame): void {
    const { node } = peer;
    switch (frame.type) {
      case "under":
      case "full": {
        const announcement = readAnnouncement(frame.values, frameTypes[frame.type]);
        return this.#context.dispatch({ type: "peerLetter", node, announcement });
      }
      case "seek": {
        const announcement = readAnnouncement(frame.values, frame.values.letter);
        const type = frame.values.none === 0 ? "asked" : "askRefused";
        return this.#context.dispatch({ type, node, announcement });
      }
      case "started": {
        const announcement = readAnnouncement(frame.values, frame.values.letter);
        return this.#context.dispatch({ type: "peerGreeted", node, announcement });
      }
      case "error":
        log.warning("the other node reports an error", { node, reason: frame.values.message });
        return;
      case "accept":
      case "refuse":
      case "verdict":
        return peer.pending.get(frame.values.request)?.(frame);
      case "snapshot":
        if (frame.answer) return peer.pending.get(frame.values.request)?.(frame);
        break;
      case "hello":
      case "proof":
        throw new WireError(
          `Cannot accept frame ${frame.type} from ${node}: it is not its time`,
          {
            fix: "Run the same lb version on both nodes: compare `lb --version`",
          },
        );
    }
    this.#onRequest(node, frame, (type, values) => {
      peer.connection.send(type, values, { answer: true }).catch(() => {});
    });
  }

  /** Sends to one node if it is connected; a lost connection is noticed by its reader. */
  #send<T extends FrameType>(node: string, type: T, values: FrameValues<T>): void {
    this.#peers.get(node)?.[0]?.connection.send(type, values).catch(() => {});
  }

  #sendLetter(node: string, announcement: Announcement): void {
    this.#send(node, letterFrames[announcement.letter], announcementValues(announcement));
  }

  /** Broadcasts our letter to every associated node that is connected. */
  announce(announcement: Announcement): void {
    for (const node of this.#context.associated) {
      this.#sendLetter(node, announcement);
    }
  }

  /** Tells our letter to one node, as a greeting or as the answer to one. */
  tellLetter(node: string, greeting: boolean, announcement: Announcement): void {
    if (!greeting) return this.#sendLetter(node, announcement);
    const letter = letterByte(announcement.letter);
    this.#send(node, "started", { ...announcementValues(announcement), letter });
  }

  /**
   * Sends a message about members, over a connection of its own if there is none.
   *
   * @throws {HostError} If the node cannot be reached, or runs another version.
   */
  async gossip(node: string, values: FrameValues<"gossip">): Promise<void> {
    const existing = this.#peers.get(node)?.find(({ connection }) => !connection.closed);
    const peer = existing ?? await this.#open(node);
    if (existing === undefined) {
      // Long enough for the answer; by then an associated node has another one.
      setTimeout(() => peer.connection.close(), limits.answerTimeoutMs);
    }
    if (!peer.isSame) {
      throw new HostError(`Cannot talk to ${node} about members: it runs another version of lb`, {
        fix: "Run the same lb version on both nodes: compare `lb --version`",
      });
    }
    const write = peer.connection.send("gossip", values).catch(() => {}); // its reader notices
    this.#writes.add(write);
    void write.then(() => this.#writes.delete(write));
    await write;
  }

  /** Resolves when all messages about members so far are written, or lost. */
  async flushed(): Promise<void> {
    await Promise.all(this.#writes);
  }

  /**
   * Calls a node once.
   *
   * @throws {HostError} If it cannot be reached, or has another name or key.
   */
  async call(node: string): Promise<void> {
    const peer = await this.#open(node);
    if (!this.#context.associated.includes(node)) peer.connection.close();
  }

  /** Closes all connections to a node. */
  disconnect(node: string): void {
    for (const peer of this.#peers.get(node) ?? []) peer.connection.close();
  }

  /** Asks a node for a process, or tells it that there is none for it. */
  ask(node: string, announcement: Announcement, isAnswer: boolean): void {
    const letter = letterByte(announcement.letter);
    this.#send(node, "seek", {
      ...announcementValues(announcement),
      letter,
      none: isAnswer ? 1 : 0,
    });
  }

  /** Sends a frame that is not answered. */
  tell<T extends FrameType>(node: string, type: T, values: FrameValues<T>): void {
    this.#send(node, type, values);
  }

  /** A question to this node, as about an image that was restarted at home: it needs no connection. */
  #askItself(type: FrameType, values: object): Promise<Frame> {
    const { node } = this.#context;
    return new Promise((resolve) => {
      const frame = { type, answer: false, values } as unknown as Frame;
      this.#onRequest(node, frame, (type, values) => {
        resolve({ type, answer: true, values } as unknown as Frame);
      });
    });
  }

  /**
   * Asks another daemon, over a connection of its own if there is none, and waits for the answer.
   *
   * @param values The frame's fields but `request`, which is filled in.
   * @throws {HostError} If it cannot be reached or does not answer in time.
   */
  async request<T extends "offer" | "ended" | "command" | "inquiry" | "snapshot">(
    node: string,
    type: T,
    values: Omit<FrameValues<T>, "request">,
    { timeoutMs = limits.answerTimeoutMs }: { readonly timeoutMs?: number } = {},
  ): Promise<Frame> {
    const request = this.#nextRequest++;
    if (node === this.#context.node) return await this.#askItself(type, { ...values, request });
    const existing = this.#peers.get(node)?.[0];
    const peer = existing ?? await this.#open(node);
    let timer: number | undefined;
    try {
      return await new Promise<Frame>((resolve, reject) => {
        const settle = (answer: Frame | Error) => {
          if (answer instanceof Error) reject(answer);
          else resolve(answer);
        };
        peer.pending.set(request, settle);
        timer = setTimeout(() =>
          settle(
            new HostError(`Cannot hear from ${node}: it did not answer within ${timeoutMs} ms`, {
              fix: "Check the network and the other node's log",
            }),
          ), timeoutMs);
        const all = { ...values, request } as unknown as FrameValues<T>;
        peer.connection.send(type, all).catch(settle);
      });
    } finally {
      clearTimeout(timer);
      peer.pending.delete(request);
      // Nobody else uses it unless the node is associated or a second request has joined.
      const associated = this.#context.associated.includes(node);
      if (existing === undefined && !associated && peer.pending.size === 0) {
        peer.connection.close();
      }
    }
  }

  /** Associated nodes to which our connection is up. */
  get connected(): string[] {
    return [...this.#outgoing.keys()];
  }

  /** Closes every connection. */
  close(): void {
    for (const peer of [...this.#peers.values()].flat()) peer.connection.close();
  }
}
