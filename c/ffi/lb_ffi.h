/* lb_ffi.h - lb-ffi.so: what Deno calls. The only exported symbols of that library.
 *
 * Rules for every function: arguments are fixed-width scalars and buffers, never structs by
 * value or callbacks; text is NUL-terminated UTF-8. A negative result is -errno, or one of our
 * codes (LB_E_*); an out-buffer is then untouched. A descriptor that is returned is
 * close-on-exec and the caller's to close (lb_ffi_close). Only lb_ffi_control_next blocks (call
 * it nonblocking: true); it may wait on one thread while every other function is called on
 * another.
 *
 * A `block` is a list of strings: each with its NUL, one after another; its size counts every
 * NUL. A size of 0 is the empty list. An environment block holds "NAME=value" strings and
 * replaces the environment.
 */
#ifndef LB_FFI_H
#define LB_FFI_H

#include <stdint.h>

#include "lb_wire.h"

#define LB_FFI_EXPORT __attribute__((visibility("default")))

/* LB_ABI_VERSION of lb_wire.h: the caller compares it before it calls anything else. */
LB_FFI_EXPORT uint32_t lb_ffi_abi_version(void);

/* ---- process.c: becoming and starting programs ---------------------------------------------- */

/* Becomes another program, in place (`lb launch`). SIGPIPE, which Deno ignores, gets its default
 * action back; signals that whoever started us ignores stay ignored (nohup), as does the signal
 * mask. Returns only on error, and then SIGPIPE is ignored again. */
LB_FFI_EXPORT int32_t lb_ffi_exec(
	const char *path, const uint8_t *argv_block, uint32_t argv_size, const uint8_t *env_block, uint32_t env_size);

/* As lb_ffi_exec, but descriptors fds[0], fds[1], ... become 3, 4, ... and every other one above
 * 2 is closed in the new program (`lb restart`). path NULL: the program is the open file
 * path_fd; else path_fd is -1. */
LB_FFI_EXPORT int32_t lb_ffi_exec_fds(const char *path, int32_t path_fd, const uint8_t *argv_block, uint32_t argv_size,
	const uint8_t *env_block, uint32_t env_size, const int32_t *fds, uint32_t fds_count);

#define LB_FFI_SPAWN_SETSID 1u /* in a session of its own */
#define LB_FFI_FDS_MAX 16u

/* Starts a program: fds[0], fds[1], ... become its 3, 4, ... with O_NONBLOCK cleared (also for
 * the caller: it belongs to the open file, so nothing may be reading it here); all others are
 * closed. Standard input is /dev/null; output and error are log_fd, or /dev/null when log_fd is
 * -1. All signals have their default action and none is blocked. path NULL: the program is the
 * open file path_fd; else path_fd is -1. Returns the PID once the program runs, or the error of
 * whatever failed, exec included. The caller learns of the end by lb_ffi_watch_pid (which reaps
 * it), or reaps it by lb_ffi_reap. */
LB_FFI_EXPORT int32_t lb_ffi_spawn(const char *path, int32_t path_fd, const uint8_t *argv_block, uint32_t argv_size,
	const uint8_t *env_block, uint32_t env_size, const int32_t *fds, uint32_t fds_count, int32_t log_fd,
	uint32_t flags);

/* Reaps a process that lb_ffi_spawn started. Returns its wait status, or -EAGAIN while it runs. */
LB_FFI_EXPORT int32_t lb_ffi_reap(uint32_t pid);

/* Queues `signal` with si_code SI_QUEUE and this value, if `pid` is the process that started at
 * start_ticks (field 22 of /proc/PID/stat; 0: do not check). Returns 0, -ESRCH (gone, or another
 * process), -EAGAIN (too many signals are queued). */
LB_FFI_EXPORT int32_t lb_ffi_queue_order(uint32_t pid, uint64_t start_ticks, int32_t signal, uint64_t value);

/* Since when `pid` sleeps: last_ran[0] is when it last ran, in ns of CLOCK_MONOTONIC, last_ran[1]
 * how often it had given up its processor by then. Returns 0, or -EAGAIN: it does not sleep, or
 * the kernel does not tell. */
LB_FFI_EXPORT int32_t lb_ffi_last_ran(uint32_t pid, uint64_t *last_ran); /* two of them */

/* Returns the start time of `pid` in clock ticks since boot, or a negative error. */
LB_FFI_EXPORT int64_t lb_ffi_start_ticks(uint32_t pid);

/* Why the loader does not load the library into the program of a process: enum lb_obstacle of lb_wire.h, by its file;
 * or a negative error. */
LB_FFI_EXPORT int32_t lb_ffi_obstacle(uint32_t pid);

/* ---- look.c: the figures of many processes ---------------------------------------------------- */

struct lb_ffi_look {
	uint32_t pid;  /* in: whom to look at; all else is out */
	int32_t error; /* 0, or negative: -ESRCH: there is no such process */
	uint64_t start_ticks;
	uint64_t cpu_ticks; /* user and system, of 10 ms */
	uint64_t ran_ns;    /* all its threads together; 0: this kernel does not tell */
	uint64_t waited_ns; /* for a processor, likewise */
	uint64_t at_ns;     /* when it was looked at, of CLOCK_BOOTTIME, as start_ticks are */
	uint64_t rss_bytes;
	uint32_t threads;
	uint32_t state; /* R, S, D, T, t, Z, ... */
};
_Static_assert(sizeof(struct lb_ffi_look) == 64, "look is 64 bytes");

/* Fills an array of them, `size` bytes long. Returns how many there are. */
LB_FFI_EXPORT int32_t lb_ffi_look(uint8_t *looks, uint32_t size);

/* Sets or gets the CPUs a process may run on: bit n of byte n/8 is CPU n. Get returns the bytes
 * written. */
LB_FFI_EXPORT int32_t lb_ffi_sched_setaffinity(uint32_t pid, const uint8_t *mask, uint32_t mask_size);
LB_FFI_EXPORT int32_t lb_ffi_sched_getaffinity(uint32_t pid, uint8_t *mask, uint32_t mask_size);

/* Sets the nice value of a process, setpriority(2). Returns 0, or -EACCES where lowering it again
 * is not allowed. */
LB_FFI_EXPORT int32_t lb_ffi_set_nice(uint32_t pid, int32_t nice);

/* ---- stream.c: TCP connections that Deno made ----------------------------------------------- */

/* Returns the number under which Deno has this process's TCP socket with these two ends, as below. */
LB_FFI_EXPORT int32_t lb_ffi_find_socket(
	const char *local_ip, uint32_t local_port, const char *remote_ip, uint32_t remote_port);

/* Takes this process's TCP socket with these two ends (IPv4 or IPv6 text without a zone; an
 * IPv4-mapped IPv6 address is its IPv4 address) away from Deno: returns a duplicate with O_NONBLOCK
 * cleared and leaves an unconnected socket under Deno's number. Have no read or write pending and
 * close Deno's connection next; that does not touch the stream any more.
 * -ENOENT: there is none; -EINVAL: not an address. */
LB_FFI_EXPORT int32_t lb_ffi_take_socket(
	const char *local_ip, uint32_t local_port, const char *remote_ip, uint32_t remote_port);

/* Keepalive, TCP_USER_TIMEOUT (0: leave it) and TCP_NODELAY. */
LB_FFI_EXPORT int32_t lb_ffi_tune_stream(int32_t fd, uint32_t user_timeout_ms);

/* ---- control.c: the node's control socket --------------------------------------------------- */

/* Kinds of an event, and which of its fields count; the others are 0. */
#define LB_FFI_EVENT_MESSAGE 1u /* connection, peer_pid, peer_uid, fds, size, message */
/* connection, peer_pid, peer_uid: closed by the peer, or by us because it sent a malformed message */
#define LB_FFI_EVENT_HANGUP 2u
#define LB_FFI_EVENT_PID_EXITED 3u /* pid, start_ticks, wait_status; the watch is over */
#define LB_FFI_EVENT_WOKEN 4u      /* lb_ffi_control_wake was called */

#define LB_FFI_CONNECTIONS_MAX 4096u
#define LB_FFI_WATCHES_MAX 16384u

struct lb_ffi_event {
	uint32_t kind;
	uint32_t connection; /* from 1, never used again */
	uint32_t peer_pid;   /* as the kernel vouches for it at connect(2) */
	uint32_t peer_uid;
	uint64_t start_ticks; /* as given to lb_ffi_watch_pid */
	uint32_t pid;
	int32_t wait_status; /* as wait(2) has it; -1: not a child of this process */
	uint32_t fds_count;
	uint32_t size;                         /* of the message */
	int32_t fds[LB_LOCAL_DESCRIPTORS_MAX]; /* the caller closes them; unused ones are -1 */
	uint8_t message[LB_LOCAL_MESSAGE_SIZE_MAX];
};
_Static_assert(sizeof(struct lb_ffi_event) == 568, "event is 568 bytes: 40 + 16 + 512");

/* Creates the socket (mode 0600; a file at `path` is replaced, so hold the node's lock). Once a
 * process. */
LB_FFI_EXPORT int32_t lb_ffi_control_listen(const char *path);

/* Creates the socket again, as its file is gone; connections and watches stay. */
LB_FFI_EXPORT int32_t lb_ffi_control_listen_again(const char *path);

/* Blocks until the next event and fills struct lb_ffi_event. Returns 1, or a negative error.
 * Connections of another user are refused here and never seen. */
LB_FFI_EXPORT int32_t lb_ffi_control_next(uint8_t *event, uint32_t event_size);

/* Sends one message with descriptors (they stay the caller's too). Never blocks: -EAGAIN when
 * the peer does not read, -ENOTCONN when the connection is gone. Returns 0. */
LB_FFI_EXPORT int32_t lb_ffi_control_send(
	uint32_t connection, const uint8_t *message, uint32_t size, const int32_t *fds, uint32_t fds_count);

/* Closes a connection; no HANGUP follows. Returns 0 or -ENOTCONN. */
LB_FFI_EXPORT int32_t lb_ffi_control_close(uint32_t connection);

/* Asks for PID_EXITED when the process ends (at once if it is a zombie). Returns 0; -ESRCH: it
 * is gone, or its start time is not start_ticks (0: do not check); -EEXIST: watched already;
 * -ENOSPC: too many. */
LB_FFI_EXPORT int32_t lb_ffi_watch_pid(uint32_t pid, uint64_t start_ticks);
LB_FFI_EXPORT int32_t lb_ffi_unwatch_pid(uint32_t pid);

/* Ends a lb_ffi_control_next, running or the next one, with WOKEN. */
LB_FFI_EXPORT int32_t lb_ffi_control_wake(void);

/* ---- node.c: this node and its files -------------------------------------------------------- */

struct lb_ffi_cpu_features { /* what CPUID says; 0 where the leaf does not exist */
	uint64_t xcr0;
	uint32_t leaf1_ecx, leaf1_edx;
	uint32_t leaf7_ebx, leaf7_ecx, leaf7_edx;
	uint32_t leaf7_1_eax;
	uint32_t extended1_ecx, extended1_edx; /* leaf 0x80000001 */
	uint32_t xsave_size;                   /* leaf 0xd.0 ebx: bytes for the features in xcr0 */
	uint32_t zero;
	char vendor[16];
};
_Static_assert(sizeof(struct lb_ffi_cpu_features) == 64, "cpu features are 64 bytes");

/* Fills struct lb_ffi_cpu_features. Returns 0. */
LB_FFI_EXPORT int32_t lb_ffi_cpu_features(uint8_t *buffer, uint32_t size);

/* Takes the lock file (created 0600, holds our PID then) or says -EWOULDBLOCK. The lock lasts until the descriptor
 * is closed. */
LB_FFI_EXPORT int32_t lb_ffi_lock(const char *path);

/* open(2) with O_CLOEXEC; flags and mode as the kernel has them. */
LB_FFI_EXPORT int32_t lb_ffi_open(const char *path, int32_t flags, uint32_t mode);
/* An anonymous file with this content, at offset 0. */
LB_FFI_EXPORT int32_t lb_ffi_memfd(const char *name, const uint8_t *content, uint32_t size);
/* Duplicates a descriptor at the first free number from `lowest` on; unlike all others it stays
 * open in the program of lb_ffi_exec (`lb shadow`). */
LB_FFI_EXPORT int32_t lb_ffi_dup_above(int32_t fd, int32_t lowest);
LB_FFI_EXPORT int32_t lb_ffi_close(int32_t fd);

/* Raises the soft limit of open files to the hard one. Returns the new soft limit (INT64_MAX:
 * none). */
LB_FFI_EXPORT int64_t lb_ffi_set_nofile(void);
/* umask(2). Returns the old mask. */
LB_FFI_EXPORT int32_t lb_ffi_umask(uint32_t mask);
/* Has every descriptor from `first` on closed by the next exec, in whatever child that is. */
LB_FFI_EXPORT int32_t lb_ffi_close_on_exec(uint32_t first);

/* CLOCK_MONOTONIC in nanoseconds. */
LB_FFI_EXPORT int64_t lb_ffi_monotonic_ns(void);
/* When this node booted, in milliseconds since 1970 by today's wall clock (it shifts when that
 * is set). */
LB_FFI_EXPORT int64_t lb_ffi_boot_time(void);
/* MemAvailable of /proc/meminfo in bytes. */
LB_FFI_EXPORT int64_t lb_ffi_mem_available(void);

/* sd_notify(3): sends e.g. "READY=1" to $NOTIFY_SOCKET. Returns 1, or 0 when nobody asked for
 * it. */
LB_FFI_EXPORT int32_t lb_ffi_notify(const char *state);

/* What this kernel can do for lb, as bits: each was tried in a child process. */
#define LB_FFI_CAN_DISPATCH 1u      /* prctl(PR_SET_SYSCALL_USER_DISPATCH) traps a call */
#define LB_FFI_CAN_SET_MM 2u        /* prctl(PR_SET_MM, PR_SET_MM_MAP): CONFIG_CHECKPOINT_RESTORE */
#define LB_FFI_CAN_PIDFD 4u         /* pidfd_open(2) and pidfd_send_signal(2) */
#define LB_FFI_CAN_CLOSE_RANGE 8u   /* close_range(2) */
#define LB_FFI_CAN_PAGEMAP 16u      /* /proc/self/pagemap and /proc/self/mem can be read */
#define LB_FFI_CAN_PAGEMAP_SCAN 32u /* ioctl(PAGEMAP_SCAN), Linux 6.7: faster, not needed */
LB_FFI_EXPORT int32_t lb_ffi_self_check(void);

#endif
