/**
 * The environment that puts a program under the node's balancing: the preloaded library, and where
 * it finds the daemon.
 *
 * @module
 */
import { type Config, triggerSignals } from "../host/config.ts";

/** Where a node's control socket is. */
export function controlPath(config: Config): string {
  return `${config.runtimeDir}/control.sock`;
}

/** Where the socket for local commands is. */
export function commandPath(config: Config): string {
  return `${config.runtimeDir}/lb.sock`;
}

/**
 * The variables to set, in addition to what is there.
 *
 * @param libraryPath Path of lb-preload.so.
 * @param preload LD_PRELOAD as it is; the library goes in front of it, once.
 */
export function launchVariables(
  config: Config,
  libraryPath: string,
  preload: string | undefined,
): Record<string, string> {
  const others = (preload ?? "").split(/[ :]+/).filter((path) => path !== "");
  // A job that lb started may start others by lb; a library of another lb version must not stay.
  const kept = others.filter((path) => !path.endsWith("/lb-preload.so"));
  const variables: Record<string, string> = {
    LD_PRELOAD: [libraryPath, ...kept].join(":"),
    LB_CONTROL: controlPath(config),
  };
  // Said only where it differs from what the library does by itself.
  if (config.sigtstp !== "checkpoint") variables["LB_SIGTSTP"] = config.sigtstp;
  if (config.triggerSignal !== "SIGURG") {
    variables["LB_TRIGGER"] = String(triggerSignals[config.triggerSignal]);
  }
  return variables;
}

/** Quotes a text for a shell. */
export function shellQuote(text: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
