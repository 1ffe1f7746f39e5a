/* forward.h - What the files that intercept and forward calls share.
 *
 * See intercept/dispatch.c for the tour.
 */
#ifndef LB_FORWARD_H
#define LB_FORWARD_H

#include <linux/uio.h>

#include "mask/aside.h"
#include "mask/mask.h"
#include "process/process.h"
#include "trap/frame.h"
#include "trap/trap.h"

struct lb_row {
	uint8_t where;
	uint8_t flags;
	uint32_t operands[6];
};

/* One argument of a call that goes home: a value, or memory of this process as a list of pieces. */
struct lb_operand_value {
	uint8_t kind; /* enum lb_arg_kind */
	uint64_t value;
	const struct iovec *pieces;
	size_t piece_count;
	uint64_t skip; /* bytes at the start of the pieces that are not part of it */
	uint64_t size;
	struct iovec own; /* room for the usual single piece */
};
struct lb_request {
	uint32_t number;
	uint32_t flags;       /* LB_CALL_* */
	bool cancellable;     /* pending signals of the program may end it */
	bool no_restart;      /* LB_NO_RESTART */
	uint32_t result_size; /* LB_RESULT: bytes a unit of it; more are not written to the program. 0: all */
	uint64_t mask;        /* the program's signal mask, when cancellable */
	uint64_t held;        /* signals that end it as well, to go home: the call is made again then */
	uint16_t page_offset; /* struct lb_link_call */
	struct lb_operand_value args[LB_CALL_ARGS];
	uint32_t reply_flags; /* out: LB_REPLY_* */
	/* out, when the result is -EFAULT because memory of the program is not there: */
	bool made;        /* the call was made: its output could not be handed out */
	uint64_t reached; /* bytes of that argument until memory is missing */
	int64_t result;   /* what the call that was made returned */
};

/* forward_table.c */
const struct lb_row *lb_row_of(uint32_t number) LB_HIDDEN; /* NULL: none */
bool lb_ioctl_row(uint64_t request, struct lb_row *row) LB_HIDDEN;
bool lb_fcntl_row(uint64_t command, struct lb_row *row) LB_HIDDEN;
uint64_t lb_request_of(const struct lb_trap *trap) LB_HIDDEN; /* what a call of many meanings asks for */

struct __kernel_timespec;
/* forward_time.c: from a point in time of the program's clock to this node's. */
void lb_clock_to_node(int clock, struct __kernel_timespec *time) LB_HIDDEN;

/* socket_waits.c: time limits of sockets */
short lb_socket_events(uint32_t number) LB_HIDDEN;  /* what such a call waits for, as poll(2) has it; 0: another call */
int64_t lb_socket_error(uint32_t number) LB_HIDDEN; /* what it says when its time is over */
int64_t lb_socket_limit_ns(uint32_t number, uint64_t fd) LB_HIDDEN; /* negative: there is none */
/* Away, in place of `call`: with what is left of its time, if it is made again. */
int64_t lb_socket_call(struct lb_trap *trap, int64_t (*call)(struct lb_trap *trap)) LB_HIDDEN;

/* In the lowest page, which vm.mmap_min_addr keeps empty. */
#define LB_NOWHERE 16

/* forward_call.c: calls that go home */
int64_t lb_forward_row(struct lb_trap *trap, const struct lb_row *row) LB_HIDDEN;
/* The same with another signal mask during the call. -EINTR: a handler is to run under that mask. */
int64_t lb_forward_masked(struct lb_trap *trap, const struct lb_row *row, uint64_t mask) LB_HIDDEN;
int64_t lb_request_run(struct lb_request *request) LB_HIDDEN;
extern uint32_t lb_last_reply_flags LB_HIDDEN; /* LB_REPLY_* of the last call */
void lb_request_value(struct lb_request *request, unsigned index, uint64_t value) LB_HIDDEN;
void lb_request_memory(
	struct lb_request *request, unsigned index, uint8_t kind, uint64_t address, uint64_t size) LB_HIDDEN;
/* Reads an array of iovec into the request's argument 1. Returns the total size or a negative error. */
int64_t lb_request_pieces(struct lb_request *request, uint8_t kind, uint64_t address, uint64_t count) LB_HIDDEN;
/* Makes a call at home for the library itself: number and up to 4 plain values; not cancellable. */
int64_t lb_home_values(uint32_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d) LB_HIDDEN;

/* forward_transfer.c: a read or write */
#define MAX_RW_COUNT 0x7ffff000ULL /* what one read(2) or write(2) moves at most: include/linux/fs.h, 6.12 */
bool lb_is_iov(const struct lb_row *row) LB_HIDDEN; /* its data is a vector */
/* What is to move, as argument 1 has it: argument 2 and how home is to place the data. */
void lb_transfer_describe(struct lb_request *request, bool is_vector) LB_HIDDEN;
/* In pieces that fit into one message, as long as each is complete. */
int64_t lb_transfer_run(struct lb_request *request, const struct lb_row *row) LB_HIDDEN;

/* forward_gap.c: a read or write whose memory is not there; what the kernel would have returned */
int64_t lb_gap_write(struct lb_request *request, bool is_vector) LB_HIDDEN;
int64_t lb_gap_read(const struct lb_request *request) LB_HIDDEN;
/* -EFAULT, or what is wrong with the descriptor: the kernel looks at that first. */
int64_t lb_gap_error(int64_t fd, bool writes) LB_HIDDEN;

/* forward_fork.c and forward_child.c: a child that shares this process's memory while its parent waits. All calls are
 * the child's while has_child of its struct lb_thread is set. */
struct lb_clone { /* arguments of clone3(2); stack: its upper end, 0: the parent's goes on */
	uint64_t flags, exit_signal, stack, pidfd, parent_tid, child_tid;
};
int64_t lb_child_begin(struct lb_trap *trap, const struct lb_clone *clone) LB_HIDDEN;
/* fork_home.c: a child that is a copy of this process, made at home */
int64_t lb_fork_at_home(struct lb_trap *trap, const struct lb_clone *clone) LB_HIDDEN;
/* READY: the child waits for its image. body: uint64_t, of which one home keeps a copy */
int lb_fork_stream(const void *body, uint32_t size) LB_HIDDEN;
/* A call that is not what it is for an ordinary process. Returns whether it is decided; then *result. */
bool lb_child_decides(struct lb_trap *trap, int64_t *result) LB_HIDDEN;
/* Gives the context back to the parent if the child has ended. Returns whether it has. */
bool lb_child_settle(struct ucontext *context) LB_HIDDEN;

/* user_memory.c: memory of the program, which may be bad: -EFAULT then */
int64_t lb_user_read(void *to, uint64_t from, size_t size) LB_HIDDEN;
int64_t lb_user_write(uint64_t to, const void *from, size_t size) LB_HIDDEN;
int64_t lb_user_string(char *to, uint64_t from, size_t size) LB_HIDDEN; /* length, or negative */
/* Both return the bytes that were copied: fewer than all where memory is not there. */
uint64_t lb_user_gather(void *to, const struct lb_operand_value *from) LB_HIDDEN;
uint64_t lb_user_scatter(const struct lb_operand_value *to, const void *from, uint64_t size) LB_HIDDEN;

/* forward_signal.c */
/* What rt_sigprocmask(2) with these arguments makes of the mask `old`; without a new set that mask. 0 or -errno. */
int64_t lb_mask_wanted(const struct lb_trap *trap, uint64_t old, uint64_t *wanted) LB_HIDDEN;
/* A pending signal that the program does not block and that would be acted on; 0: none. */
uint64_t lb_signals_waiting(uint64_t mask) LB_HIDDEN;
uint64_t lb_signals_wanted(uint64_t mask) LB_HIDDEN; /* all that would be acted on if they came */
/* What they mean for a call that they interrupt: the first that has a handler decides. */
enum lb_effect { LB_NO_HANDLER, LB_HANDLER_RESTARTS, LB_HANDLER_INTERRUPTS };
enum lb_effect lb_signals_effect(uint64_t waiting) LB_HIDDEN;
/* held.c: signals that wait at home for a signalfd(2). Before the program makes a call at home under this mask, or lets
 * signals through: what it blocks and a signalfd tells of waits at home, all else comes here. */
void lb_held_update(uint64_t mask) LB_HIDDEN;
void lb_held_release(uint64_t set) LB_HIDDEN; /* these come here, until the next lb_held_update() */
/* After each call: has the process got a signalfd by it? */
void lb_held_after(uint64_t mask) LB_HIDDEN;
void lb_actions_sync(void) LB_HIDDEN; /* tells home when dispositions have changed */

/* proc_files.c: /proc/self and /proc/<own PID> */
bool lb_proc_is_local(const char *path, uint64_t flags) LB_HIDDEN; /* its content is made here */
int64_t lb_proc_open(const char *path, uint64_t flags) LB_HIDDEN;  /* one of those; path is in a buffer of PATH_MAX */
/* PROCMAP_QUERY of /proc/self/maps that was opened away. */
bool lb_proc_asks_maps(uint64_t fd, uint64_t request) LB_HIDDEN;
int64_t lb_proc_ask_maps(uint64_t request, uint64_t query) LB_HIDDEN;
/* Is it that, and does home not hold the file? Then what was known of it has to do. */
bool lb_proc_is_exe(const char *path) LB_HIDDEN;
bool lb_proc_is_foreign(const char *path) LB_HIDDEN; /* /proc/self/mem and such: only right at home */

/* link.c, beside lb_preload.h */
struct lb_reply_view {
	int64_t result;
	uint32_t flags;
	uint32_t out_size;
	const uint8_t *out; /* valid until the next receive */
};
/* Sends one CALL message that lies in one piece at `message`; resends it after a reconnect. Waits for its
 * REPLY. wanted: signals that may cancel it (0: none). *cancelled tells whether a CANCEL was sent. Does not
 * fail: when this copy is dead it exits. */
void lb_link_call(const void *message, size_t size, uint64_t seq, uint64_t wanted, bool *cancelled,
	struct lb_reply_view *view) LB_HIDDEN;
/* Handles asynchronous messages that came along with a reply: their doorbell may be lost. */
void lb_link_drain(void) LB_HIDDEN;
/* Keepalive, timeouts and the doorbell of lb_self.link_fd. */
void lb_link_prepare_socket(void) LB_HIDDEN;
__attribute__((noreturn)) void lb_link_exit_dead(void) LB_HIDDEN;

#endif
