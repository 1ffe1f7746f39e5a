/**
 * Serves commands that ask a daemon.
 *
 * Frames `command`, from `lb` on this node or another, or from a home daemon that passes one on to where
 * its process runs.
 *
 * @module
 */
import { describe, HostError, LbError } from "../base/errors.ts";
import { formatProcessId } from "../core/contract/process_id.ts";
import type { Effect } from "../core/contract/effect.ts";
import type { NodeName, ProcessId } from "../core/contract/names.ts";
import { formatAddress, parseAddress } from "../host/address.ts";
import { isFailure } from "../host/failure.ts";
import { logger } from "../host/log.ts";
import { readStat } from "../host/proc.ts";
import type { FrameValues } from "../wire/frame.ts";
import { commands, frameTypes } from "../wire/schema.ts";
import { noAnnouncement } from "./announcements.ts";
import type { Checkpoints } from "./checkpoints.ts";
import type { Cluster } from "./cluster.ts";
import type { Context } from "./context.ts";
import type { Guests } from "./guests.ts";
import type { Shadows } from "./shadows.ts";
import type { Inspections } from "./inspections.ts";
import type { Peers, Reply } from "./peers.ts";
import { isGuest, type ShadowRecord } from "./records.ts";
import type { PinsAndDrain } from "./pins_and_drain.ts";
import type { Treatments } from "./treatments.ts";

const log = logger("commands");

/** A move of 16 GiB at 20 MB/s: as long as the balancer waits. */
const FORWARDED_TIMEOUT_MS = 900_000;

/** Carries out commands and answers each by `accept` or `refuse`. */
export class Commands {
  readonly #context: Context;
  readonly #peers: Peers;
  readonly #inspections: Inspections;
  readonly #checkpoints: Checkpoints;
  readonly #guests: Guests;
  readonly #shadows: Shadows;
  readonly #pinsAndDrain: PinsAndDrain;
  readonly #cluster: Cluster;
  readonly #treatments: Treatments;
  readonly #requests = new Map<number, (failure: string | null, node: NodeName) => void>();
  #nextRequestId = 1;

  constructor(
    context: Context,
    parts: {
      peers: Peers;
      inspections: Inspections;
      checkpoints: Checkpoints;
      guests: Guests;
      shadows: Shadows;
      pinsAndDrain: PinsAndDrain;
      cluster: Cluster;
      treatments: Treatments;
    },
  ) {
    this.#context = context;
    this.#peers = parts.peers;
    this.#inspections = parts.inspections;
    this.#checkpoints = parts.checkpoints;
    this.#guests = parts.guests;
    this.#shadows = parts.shadows;
    this.#pinsAndDrain = parts.pinsAndDrain;
    this.#cluster = parts.cluster;
    this.#treatments = parts.treatments;
  }

  /** Frame M. */
  async run(values: FrameValues<"command">, reply: Reply): Promise<void> {
    const common = { request: values.request, ...noAnnouncement, letter: frameTypes.under };
    try {
      const detail = await this.#run(values);
      reply("accept", { ...common, detail });
    } catch (error) {
      if (!isFailure(error)) throw error;
      const fix = error instanceof LbError ? error.fix : "See the log of the daemon";
      reply("refuse", { ...common, reason: error.message.slice(0, 2000), fix });
    }
  }

  async #run(values: FrameValues<"command">): Promise<string> {
    const command = (Object.keys(commands) as (keyof typeof commands)[])
      .find((name) => commands[name] === values.command);
    switch (command) {
      case "migrate":
        return await this.#migrate(values);
      case "home":
        return await this.#home(values);
      case "checkpoint":
      case "snapshot":
        return await this.#checkpoint(values, command === "snapshot");
      case "pin":
      case "unpin":
        return await this.#pin(values, command === "pin");
      case "wake":
        return this.#wake(values);
      case "fate":
        return await this.#guests.fate(values.ticket);
      case "why":
        return await this.#why(values);
      case "drain":
      case "undrain":
        return this.#pinsAndDrain.drain(command === "drain", false);
      case "drainGuests":
        return this.#pinsAndDrain.drain(true, true);
      case "join":
        return await this.#cluster.join(this.#nodeName(values.destination));
      case "leave": {
        const text = await this.#cluster.leave();
        if (this.#context.records.drainsGuestsOnly) this.#pinsAndDrain.drain(false, false);
        return text;
      }
      case undefined:
        throw new HostError(`Cannot run command ${values.command}: it is unknown`, {
          fix: "Run the same lb version on both nodes: compare `lb --version`",
        });
    }
  }

  /** The process that a command is about: by identity, or by its PID on this node. */
  #find(values: FrameValues<"command">) {
    const { records } = this.#context;
    if (values.homeNode !== "") {
      const id = formatProcessId(values);
      return { running: this.#inspections.find(id), shadow: records.shadows.get(id) ?? null, id };
    }
    const shadow = records.findShadowByPid(values.pid);
    // An image that was continued at home has both here, its shadow and its guest.
    const running = records.findByPid(values.pid) ??
      (shadow === null ? null : this.#inspections.find(shadow.id));
    return { running, shadow, id: running?.id ?? shadow?.id ?? null };
  }

  #unknown(values: FrameValues<"command">): HostError {
    const what = values.homeNode === "" ? `process ${values.pid}` : formatProcessId(values);
    return new HostError(`Cannot find ${what}: it is not one that lb looks after here`, {
      fix: "`lb ps` lists them; programs started by `lb launch` are",
    });
  }

  async #migrate(values: FrameValues<"command">): Promise<string> {
    const { running, shadow, id } = this.#find(values);
    const to = values.destination === "" ? null : this.#nodeName(values.destination);
    if (running !== null) return await this.#request(running.id, to);
    if (shadow === null || id === null) throw this.#unknown(values);
    if (to === this.#context.node) return await this.#bringHome(shadow);
    try {
      return await this.#forward(shadow, values, to ?? "");
    } catch (error) {
      if (this.#inspections.find(id) === null) throw error;
      return await this.#request(id, to); // it has come home meanwhile
    }
  }

  /** Pins a process where it runs. */
  async #pin(values: FrameValues<"command">, isPinned: boolean): Promise<string> {
    const { running, shadow } = this.#find(values);
    if (running !== null) return this.#pinsAndDrain.pin(running.id, isPinned);
    if (shadow === null) throw this.#unknown(values);
    return await this.#forward(shadow, values, "");
  }

  async #why(values: FrameValues<"command">): Promise<string> {
    const { running, shadow } = this.#find(values);
    if (running !== null) {
      await this.#inspections.refresh(running.id);
      return this.#pinsAndDrain.why(running.id);
    }
    if (shadow === null) throw this.#unknown(values);
    const there = shadow.runsOn === null
      ? `${shadow.id} is an image that waits to be restarted: \`lb restart IMAGE\``
      : await this.#forward(shadow, values, "");
    return [there, ...this.#pinsAndDrain.history(shadow.id)].join("\n");
  }

  #nodeName(text: string): NodeName {
    const address = parseAddress(text);
    if (address === null) {
      throw new HostError(`Cannot find the node "${text}": it is not HOST or HOST:PORT`, {
        fix: "Name the node as its config does, such as 192.168.0.3:9734",
      });
    }
    return formatAddress(address);
  }

  /** Asks the balancer, which answers by requestDone or requestFailed. */
  async #request(id: ProcessId, node: NodeName | null): Promise<string> {
    const requestId = this.#nextRequestId++;
    return await new Promise<string>((resolve, reject) => {
      this.#requests.set(requestId, (failure, where) => {
        this.#requests.delete(requestId);
        if (failure === null) resolve(`${id} runs on ${where}`);
        else {
          reject(
            new HostError(`Cannot move ${id}: ${failure}`, {
              fix: `\`lb why ${id.split("/")[1]}\` tells more, and the logs of both nodes`,
            }),
          );
        }
      });
      this.#context.dispatch({ type: "moveRequested", requestId, id, node });
    });
  }

  /** Performs the effects `requestDone` and `requestFailed`. */
  finish(effect: Extract<Effect, { type: "requestDone" | "requestFailed" }>): void {
    const settle = this.#requests.get(effect.requestId);
    if (effect.type === "requestDone") settle?.(null, effect.node);
    else settle?.(effect.reason, "");
  }

  /** Passes a command on to the node where the process runs. */
  async #forward(
    shadow: ShadowRecord,
    values: FrameValues<"command">,
    destination: string,
  ): Promise<string> {
    if (shadow.runsOn === null) {
      throw new HostError(`Cannot reach ${shadow.id}: it is an image that waits to be restarted`, {
        fix: "Continue it by `lb restart IMAGE` on the node where it shall run",
      });
    }
    // Only the guest is needed for what leaves it where it is.
    if (values.command === commands.migrate) await refuseStopped(shadow, "move");
    const { ticket, startTicks, homePid, homeNode } = shadow;
    const answer = await this.#peers.request(shadow.runsOn, "command", {
      ...values,
      ticket,
      startTicks,
      homePid,
      homeNode,
      destination,
    }, { timeoutMs: FORWARDED_TIMEOUT_MS });
    if (answer.type === "accept") return answer.values.detail;
    const { reason, fix } = answer.type === "refuse"
      ? answer.values
      : { reason: `${shadow.runsOn} answered ${answer.type}`, fix: "" };
    throw new HostError(reason, { fix: fix === "" ? "See the log of both nodes" : fix });
  }

  async #home(values: FrameValues<"command">): Promise<string> {
    const { running, shadow } = this.#find(values);
    if (shadow !== null) return await this.#bringHome(shadow);
    if (running === null) throw this.#unknown(values);
    if (!isGuest(running)) return `${running.id} is at home`;
    return await this.#request(running.id, running.homeNode);
  }

  async #bringHome(shadow: ShadowRecord): Promise<string> {
    await refuseStopped(shadow, "bring home");
    await this.#wakeThere(shadow);
    await this.#shadows.bringHome(shadow);
    return `${shadow.id} runs on ${this.#context.node}`;
  }

  /** A guest goes on, as its home is about to call it. */
  #wake(values: FrameValues<"command">): string {
    const { running } = this.#find(values);
    if (running === null) throw this.#unknown(values);
    this.#treatments.wake(running.id);
    return `${running.id} goes on`;
  }

  /** The owner of the guest's node may have stopped it: it would not hear that it is to come home. */
  async #wakeThere(shadow: ShadowRecord): Promise<void> {
    const { runsOn, ticket, startTicks, homePid, homeNode } = shadow;
    if (runsOn === null || runsOn === this.#context.node) return;
    const identity = { ticket, startTicks, homePid, homeNode };
    const values = { ...identity, command: commands.wake, pid: 0, destination: "", path: "" };
    await this.#peers.request(runsOn, "command", values).catch((error) => {
      // Its link may be up all the same.
      log.warning("a guest's node does not answer", {
        process: shadow.id,
        reason: describe(error),
      });
    });
  }

  async #checkpoint(values: FrameValues<"command">, stay: boolean): Promise<string> {
    const { running, shadow } = this.#find(values);
    if (running === null && shadow === null) throw this.#unknown(values);
    if (running === null || isGuest(running)) {
      const isImage = shadow?.runsOn === null;
      throw new HostError(
        `Cannot write an image of ${(running ?? shadow)?.id}: it is ${
          isImage ? "an image already, which waits to be restarted" : "not at home"
        }`,
        {
          fix: isImage
            ? "Use that image, or continue it first: `lb restart IMAGE`"
            : "Bring it home first: `lb home PID`",
        },
      );
    }
    if (!values.path.startsWith("/")) {
      throw new HostError(`Cannot write the image "${values.path}": it is not an absolute path`, {
        fix: "Name an absolute path",
      });
    }
    const result = await this.#checkpoints.write(running, { path: values.path, stay });
    return `${values.path}: ${result.bytes} bytes`;
  }
}

/** A shadow that is stopped, by Ctrl-Z say, answers nobody until it goes on. */
async function refuseStopped({ id, homePid }: ShadowRecord, what: string): Promise<void> {
  if ((await readStat(homePid))?.state !== "T") return;
  throw new HostError(`Cannot ${what} ${id}: it is stopped`, {
    fix: `Continue it first: fg or bg in its shell, or kill -CONT ${homePid}`,
  });
}
