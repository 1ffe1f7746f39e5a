/**
 * Every function of lb-ffi.so, with its C prototype.
 *
 * c/ffi/lb_ffi.h says what they do. Text is a NUL-terminated buffer: see `cText()` and `cBlock()`.
 *
 * @module
 */

/** The table for `Deno.dlopen()`. */
export const symbols = {
  lb_ffi_abi_version: { parameters: [], result: "u32" },

  lb_ffi_exec: {
    parameters: [
      "buffer", // const char *path
      "buffer", // const uint8_t *argv_block
      "u32", // uint32_t argv_size
      "buffer", // const uint8_t *env_block
      "u32", // uint32_t env_size
    ],
    result: "i32", // negative error; does not return else
  },
  lb_ffi_exec_fds: {
    parameters: [
      "buffer", // const char *path, may be null
      "i32", // int32_t path_fd
      "buffer", // const uint8_t *argv_block
      "u32", // uint32_t argv_size
      "buffer", // const uint8_t *env_block
      "u32", // uint32_t env_size
      "buffer", // const int32_t *fds
      "u32", // uint32_t fds_count
    ],
    result: "i32", // negative error; does not return else
  },
  lb_ffi_spawn: {
    parameters: [
      "buffer", // const char *path, may be null
      "i32", // int32_t path_fd
      "buffer", // const uint8_t *argv_block
      "u32", // uint32_t argv_size
      "buffer", // const uint8_t *env_block
      "u32", // uint32_t env_size
      "buffer", // const int32_t *fds
      "u32", // uint32_t fds_count
      "i32", // int32_t log_fd
      "u32", // uint32_t flags
    ],
    result: "i32", // PID, or negative error
  },
  lb_ffi_reap: { parameters: ["u32" /* uint32_t pid */], result: "i32" /* wait status */ },
  lb_ffi_queue_order: {
    parameters: [
      "u32", // uint32_t pid
      "u64", // uint64_t start_ticks
      "i32", // int32_t signal
      "u64", // uint64_t value
    ],
    result: "i32", // 0, or negative error
  },
  lb_ffi_obstacle: { parameters: ["u32" /* uint32_t pid */], result: "i32" /* its code */ },
  lb_ffi_last_ran: {
    parameters: [
      "u32", // uint32_t pid
      "buffer", // uint64_t last_ran[2]
    ],
    result: "i32", // 0, or negative error
  },
  lb_ffi_start_ticks: { parameters: ["u32" /* uint32_t pid */], result: "i64" /* ticks */ },
  lb_ffi_look: {
    parameters: [
      "buffer", // uint8_t *looks: array of struct lb_ffi_look
      "u32", // uint32_t size
    ],
    result: "i32", // how many, or negative error
    nonblocking: true,
  },
  lb_ffi_sched_setaffinity: {
    parameters: [
      "u32", // uint32_t pid
      "buffer", // const uint8_t *mask
      "u32", // uint32_t mask_size
    ],
    result: "i32", // 0, or negative error
  },
  lb_ffi_sched_getaffinity: {
    parameters: [
      "u32", // uint32_t pid
      "buffer", // uint8_t *mask
      "u32", // uint32_t mask_size
    ],
    result: "i32", // bytes written, or negative error
  },

  lb_ffi_set_nice: {
    parameters: [
      "u32", // uint32_t pid
      "i32", // int32_t nice
    ],
    result: "i32", // 0, or negative error
  },

  lb_ffi_find_socket: {
    parameters: [
      "buffer", // const char *local_ip
      "u32", // uint32_t local_port
      "buffer", // const char *remote_ip
      "u32", // uint32_t remote_port
    ],
    result: "i32", // descriptor, which stays Deno's, or negative error
  },
  lb_ffi_take_socket: {
    parameters: [
      "buffer", // const char *local_ip
      "u32", // uint32_t local_port
      "buffer", // const char *remote_ip
      "u32", // uint32_t remote_port
    ],
    result: "i32", // descriptor, or negative error
  },
  lb_ffi_tune_stream: {
    parameters: [
      "i32", // int32_t fd
      "u32", // uint32_t user_timeout_ms
    ],
    result: "i32", // 0, or negative error
  },

  lb_ffi_control_listen: { parameters: ["buffer" /* const char *path */], result: "i32" },
  lb_ffi_control_listen_again: { parameters: ["buffer" /* const char *path */], result: "i32" },
  lb_ffi_control_next: {
    parameters: [
      "buffer", // uint8_t *event: struct lb_ffi_event
      "u32", // uint32_t event_size
    ],
    result: "i32", // 1, or negative error
    nonblocking: true,
  },
  lb_ffi_control_send: {
    parameters: [
      "u32", // uint32_t connection
      "buffer", // const uint8_t *message
      "u32", // uint32_t size
      "buffer", // const int32_t *fds
      "u32", // uint32_t fds_count
    ],
    result: "i32", // 0, or negative error
  },
  lb_ffi_control_close: { parameters: ["u32" /* uint32_t connection */], result: "i32" },
  lb_ffi_watch_pid: {
    parameters: [
      "u32", // uint32_t pid
      "u64", // uint64_t start_ticks
    ],
    result: "i32", // 0, or negative error
  },
  lb_ffi_unwatch_pid: { parameters: ["u32" /* uint32_t pid */], result: "i32" },
  lb_ffi_control_wake: { parameters: [], result: "i32" },

  lb_ffi_cpu_features: {
    parameters: [
      "buffer", // uint8_t *buffer: struct lb_ffi_cpu_features
      "u32", // uint32_t size
    ],
    result: "i32", // 0
  },
  lb_ffi_lock: { parameters: ["buffer" /* const char *path */], result: "i32" /* descriptor */ },
  lb_ffi_open: {
    parameters: [
      "buffer", // const char *path
      "i32", // int32_t flags
      "u32", // uint32_t mode
    ],
    result: "i32", // descriptor, or negative error
  },
  lb_ffi_memfd: {
    parameters: [
      "buffer", // const char *name
      "buffer", // const uint8_t *content
      "u32", // uint32_t size
    ],
    result: "i32", // descriptor, or negative error
  },
  lb_ffi_dup_above: {
    parameters: [
      "i32", // int32_t fd
      "i32", // int32_t lowest
    ],
    result: "i32", // descriptor, or negative error
  },
  lb_ffi_close: { parameters: ["i32" /* int32_t fd */], result: "i32" },
  lb_ffi_set_nofile: { parameters: [], result: "i64" /* new soft limit */ },
  lb_ffi_umask: { parameters: ["u32" /* uint32_t mask */], result: "i32" /* old mask */ },
  lb_ffi_close_on_exec: { parameters: ["u32" /* uint32_t first */], result: "i32" },
  lb_ffi_monotonic_ns: { parameters: [], result: "i64" },
  lb_ffi_boot_time: { parameters: [], result: "i64" /* ms since 1970 */ },
  lb_ffi_mem_available: { parameters: [], result: "i64" /* bytes */ },
  lb_ffi_notify: { parameters: ["buffer" /* const char *state */], result: "i32" },
  lb_ffi_self_check: { parameters: [], result: "i32" /* LB_FFI_CAN_* */ },
} as const satisfies Deno.ForeignLibraryInterface;
