/**
 * The table of subcommands.
 *
 * Dispatch, `lb --help` and the completion scripts all come from it.
 *
 * A row's file is loaded when its subcommand runs, so that none pays for the others.
 *
 * @module
 */
import type { Command } from "./command.ts";

/** A row of the table. */
export interface Row {
  /** What the subcommand does, for `lb --help`. */
  readonly summary: string;
  /** How it is called, without `lb NAME`. */
  readonly usage: string;
  /** Loads its file. */
  readonly load: () => Promise<{ readonly command: Pick<Command, "run"> }>;
}

/** Every subcommand, in the order of `lb --help`. */
export const table: Readonly<Record<string, Row>> = {
  daemon: {
    usage: "[--detach]",
    summary: "run a node",
    load: () => import("./daemon.ts"),
  },
  launch: {
    usage: "[--] PROG [ARG...]",
    summary: "run a program that may move to other nodes",
    load: () => import("./launch.ts"),
  },
  env: {
    usage: "",
    summary: "print the exports that do the same as lb launch",
    load: () => import("./env.ts"),
  },
  ps: {
    usage: "[HOST[:PORT]]",
    summary: "list processes, where they run, why one cannot move",
    load: () => import("./ps.ts"),
  },
  monitor: {
    usage: "[HOST[:PORT]]",
    summary: "watch a node",
    load: () => import("./monitor.ts"),
  },
  migrate: {
    usage: "PID [HOST[:PORT]]",
    summary: "move one process now",
    load: () => import("./migrate.ts"),
  },
  home: {
    usage: "PID",
    summary: "bring a process home",
    load: () => import("./home.ts"),
  },
  why: {
    usage: "PID",
    summary: "tell what keeps a process where it is",
    load: () => import("./why.ts"),
  },
  pin: {
    usage: "PID",
    summary: "keep a process on the node where it runs",
    load: () => import("./pin.ts"),
  },
  unpin: {
    usage: "PID",
    summary: "let the balancer move a pinned process again",
    load: () => import("./unpin.ts"),
  },
  drain: {
    usage: "[HOST[:PORT]] [--undo]",
    summary: "move every process away from a node, and take none",
    load: () => import("./drain.ts"),
  },
  join: {
    usage: "HOST[:PORT]",
    summary: "make this node a member of a cluster",
    load: () => import("./join.ts"),
  },
  leave: {
    usage: "[--now]",
    summary: "take this node out of its cluster",
    load: () => import("./leave.ts"),
  },
  checkpoint: {
    usage: "PID --output IMAGE",
    summary: "write a process to an image file",
    load: () => import("./checkpoint.ts"),
  },
  restart: {
    usage: "IMAGE",
    summary: "go on from an image, in place",
    load: () => import("./restart.ts"),
  },
  shadow: {
    usage: "IMAGE",
    summary: "serve an image's system calls at home",
    load: () => import("./shadow.ts"),
  },
  topology: {
    usage: "KIND ...",
    summary: "print the preferred list of every node of a network",
    load: () => import("./topology.ts"),
  },
  simulate: {
    usage: "[--nodes N] [--load SHARE]",
    summary: "run a cluster of any size in virtual time",
    load: () => import("./simulate.ts"),
  },
  keygen: {
    usage: "[FILE]",
    summary: "make the key that the nodes of a cluster share",
    load: () => import("./keygen.ts"),
  },
  doctor: {
    usage: "",
    summary: "tell what this machine lacks, if anything",
    load: () => import("./doctor.ts"),
  },
  completions: {
    usage: "SHELL",
    summary: "print a completion script for bash, zsh or fish",
    load: () => import("./completions.ts"),
  },
};

/** The text of `lb --help`. */
export function overview(): string {
  const names = Object.entries(table).map(([name, { usage }]) => `${name} ${usage}`.trimEnd());
  const width = Math.max(...names.map((name) => name.length));
  const lines = Object.values(table).map(({ summary }, index) =>
    `  lb ${(names[index] ?? "").padEnd(width)}  ${summary}`
  );
  return [
    "lb: process migration and load balancing between Linux machines",
    "",
    ...lines,
    "",
    "Each of them tells more with --help. First steps:",
    "",
    "  lb doctor                 what this machine lacks, if anything",
    "  lb daemon --detach        make this machine a node",
    "  lb launch ./matmul 1000   run a program that may move to another node",
    "  lb ps                     what runs, and where",
    "",
    "Exit codes: 2 usage, 3 config, 4 this node (kernel, disk, network), 5 a peer's message,",
    "6 not supported, 70 a bug of lb. lb launch: 125 lb's own error, 126 cannot execute,",
    "127 not found, else the program's own.",
  ].join("\n");
}
