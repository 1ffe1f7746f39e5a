/**
 * Names of files and of environment variables that both languages spell.
 *
 * @module
 */

/** Names of files, and of what is in them. */
export const names = {
  library: "lb-preload.so", // in LD_PRELOAD, and where the binary's parts are extracted
  controlLink: "control", // beside the library: leads to the node's control socket
  controlSocket: "control.sock", // in the runtime directory
  configFile: "lb.toml", // in the folder `lb` of the user's configuration
  systemConfigFile: "/etc/lb.toml",
  runtimeDirKey: "runtime-dir", // of the config
  systemCache: "/var/cache",
  state: "lb-state", // the memfd in which a shadow finds its state
} as const;

/** Names of environment variables. */
export const variables = {
  config: "LB_CONFIG", // path of the config file
  libraryDir: "LB_LIBDIR", // where the binary's parts are extracted
  state: "LB_STATE", // descriptor of a shadow's state
  fault: "LB_FAULT", // fault point and action (tests only)
} as const;
