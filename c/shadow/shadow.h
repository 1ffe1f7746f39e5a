/* shadow.h - The shadow: what stands at home for a guest.
 *
 * Same PID, same descriptors; it executes the guest's calls, passes signals on, and ends as the guest ends.
 *
 * One thread. All signals are blocked except while it waits (main.c) and inside a call that may block
 * (execute.c); handlers only record (signals.c). Links come and go (links.c); which copy of the process counts
 * is decided here and nowhere else (tickets.c).
 */
#ifndef LB_SHADOW_H
#define LB_SHADOW_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "lb_link.h"
#include "lb_state.h"
#include "lb_wire.h"

#define LB_LINKS 4 /* the live one, and candidates that have not said HELLO yet */
#define LB_OWN_FDS 16
#define LB_PAGE 4096u
/* Room behind the longest message for what may follow while a call is executed: CANCEL. */
#define LB_LINK_SPARE 4096u

struct lb_shadow_link {
	int fd; /* -1: unused */
	uint64_t ticket;
	size_t have;    /* bytes received */
	size_t taken;   /* bytes of messages already handled */
	uint8_t *bytes; /* a CALL's data then starts on a page */
};

struct lb_shadow {
	struct lb_state state;
	struct lb_state *saved;   /* the memfd's: mapped, as a write(2) obeys the program's RLIMIT_FSIZE */
	uint64_t prepared_ticket; /* 0: none */
	char prepared_node[LB_NODE_NAME_SIZE];
	struct lb_shadow_link links[LB_LINKS];
	struct lb_shadow_link *live; /* NULL: waiting for the first, or lost */
	bool waiting;                /* no guest yet: an image file; it may stay so for ever */
	int64_t lost_since_ms;
	/* calls */
	uint64_t last_seq;                         /* of the last CALL executed; its reply is kept */
	uint64_t executing_seq;                    /* 0: none */
	const struct lb_shadow_link *executing_in; /* its input lies in this link's area; NULL: none */
	bool cancelled;                            /* the executing CALL is to end with EINTR */
	/* daemon */
	int control_fd; /* -1: away */
	int64_t retry_ms;
	bool reported;
	bool bring_home; /* asked for while there was no link */
	bool ended;      /* wait_status is valid */
	int64_t ended_ms;
	uint32_t wait_status;
};
extern struct lb_shadow lb_shadow;

/* ---- main.c */
int64_t lb_now_ms(void);
/* Handles everything that is there without waiting; during a call too. */
void lb_serve_events(void);

/* A signal every second while something is to be tried again or given up: calls may block for long. */
void lb_wake_up(void);
/* The timer behind it is gone, until it is needed again: the program must not inherit it. */
void lb_wake_never(void);

/* ---- links.c */
void lb_links_init(void);
struct lb_shadow_link *lb_link_add(int fd, uint64_t ticket); /* NULL: no room; fd is closed then */
void lb_link_close(struct lb_shadow_link *link);
/* Receives what is there. Returns false when the link is broken. */
bool lb_link_fill(struct lb_shadow_link *link);
/* The next complete message, NULL: none yet. `*bad`: the peer does not speak our language. */
const struct lb_link_header *lb_link_next(struct lb_shadow_link *link, bool *bad);
/* Sends all of it; urgent: ring the doorbell with the last byte. Returns false when the link is broken. */
bool lb_link_write(struct lb_shadow_link *link, const void *data, size_t size, bool urgent);
bool lb_link_tell(struct lb_shadow_link *link, uint32_t type, const void *body, size_t size, bool urgent);
/* For an image on it, which has time limits; and back. */
void lb_link_lend(int fd);
void lb_link_give_back(int fd);
/* The live link is gone: asks the daemon. */
void lb_link_lost(void);

/* ---- tickets.c */
void lb_state_save(void);
uint32_t lb_ticket_verdict(uint64_t ticket);
void lb_ticket_hello(struct lb_shadow_link *link, const struct lb_link_hello *hello);
void lb_ticket_activate(struct lb_shadow_link *link, const struct lb_link_ticket *body);
void lb_ticket_prepare(struct lb_shadow_link *link, const struct lb_link_ticket *body);
void lb_ticket_abort(struct lb_shadow_link *link, const struct lb_link_ticket *body);

/* ---- serve.c */
/* Handles the messages that lie in a link. */
void lb_serve_link(struct lb_shadow_link *link);
void lb_serve_begin(struct lb_shadow_link *link); /* sends SERVE: this link is the live one */
struct lb_link_serve lb_serve_words(void);

/* ---- backlog.c: what the guest did without waiting */
bool lb_backlog_handles(uint32_t type); /* is it a message of the backlog? */
/* Takes one message; its data must stay where it is until the flush. Returns false when it is malformed. */
bool lb_backlog_handle(const struct lb_link_header *message);
/* Executes what was taken: before anything else is done for the guest, and before the link's area moves. */
void lb_backlog_flush(void);
/* As that, and the guest learns how far home is: by a message, or by the reply that follows. */
void lb_backlog_applied(bool by_reply);
/* A new copy: its backlog begins. */
void lb_backlog_begin(void);
/* Is this the call that is to hear of a write that failed? Then *result is its result. */
bool lb_backlog_owes(uint32_t number, int64_t fd, int64_t *result);
void lb_backlog_replaced(int64_t fd); /* dup2(2) has put another file there */
/* Writes that failed and that the program has not heard of; NULL: none. */
struct lb_untold {
	int error;
	unsigned count;
	char path[256];
};
const struct lb_untold *lb_backlog_untold(void);

/* ---- grant.c */
void lb_reserve_init(void);
bool lb_reserve_use(void);       /* gives up the reserve: the disk is full. False: there was none */
void lb_reserve_drop(void);      /* this shadow ends: the descriptors are not to outlive it */
uint32_t lb_reserve_spent(void); /* 1: it was given up, and nothing is granted any more */
int64_t lb_grant(int fd, struct lb_home_file *answer);
/* The same of what has just been opened, as far as nothing has to be made for it. */
void lb_grant_opened(int fd, struct lb_home_file *answer);
/* LB_HOME_AHEAD: `size` bytes at `to` for the offset and what lies there. Returns bytes, or -errno. */
int64_t lb_read_ahead(int fd, void *to, size_t size, uint64_t offset);

/* ---- execute.c */
/* Executes one CALL; the reply (with `out_size` output bytes, at most LB_LINK_DATA_SIZE_MAX) goes to *reply and
 * `out`, which is so far behind a page as lb_transfer_offset() says. Returns false when the request is malformed. */
bool lb_execute(const struct lb_link_call *call, const uint8_t *in, struct lb_link_reply *reply, uint8_t *out);

/* ---- transfers.c: reads and writes */
struct lb_transfer {
	bool is_regular;    /* of a regular file */
	size_t count;       /* pieces */
	uint8_t *out;       /* NULL: it writes */
	uint8_t *scattered; /* memory of the pieces; NULL: they are in the messages */
	size_t scattered_size;
};
/* Where in a page the call's output begins. */
unsigned lb_transfer_offset(const struct lb_link_call *call);
/* From the call's arguments to those of the system call; nothing for another call. Returns 0 or -ENOMEM. */
int lb_transfer_make(const struct lb_link_call *call, int64_t *arguments, uint8_t *out, struct lb_transfer *transfer);
void lb_transfer_done(const struct lb_transfer *transfer, int64_t result);

/* ---- paths.c: this process's own files of /proc */
/* The path of a call, in its argument *path. Returns false when it does not exist for the program. */
bool lb_path_make(const struct lb_link_call *call, const int64_t *arguments, int64_t *path);
bool lb_path_is_program(const char *path); /* /proc/self/exe and the like, where its file is held */
bool lb_path_lists_fds(int fd);            /* open on /proc/self/fd or /proc/self/fdinfo */
const char *lb_path_program(void);         /* it, whatever has become of its name */
const char *lb_path_program_named(void);   /* it, by its name while that still leads there: for comm of an exec */

/* Waits until there is something to read, be it the end; the links and the daemon are served meanwhile. */
void lb_wait_readable(int fd);

/* ---- children.c: a child of the guest that runs in its parent's place */
void lb_children_init(void);
bool lb_child_runs(void);
/* Has the child execute the call. Returns false when there is none. */
bool lb_child_takes(const struct lb_link_call *call, const uint8_t *in, struct lb_link_reply *reply, uint8_t *out);
/* LB_HOME_VFORK and what follows it. Returns false when the request is malformed. */
bool lb_children_call(const struct lb_link_call *call, const int64_t *arguments, struct lb_link_reply *reply);
bool lb_make_pair(int ends[2]); /* two connected sockets out of the program's way */

/* ---- birth.c: a child that is a copy of the guest */
void lb_birth_init(void);
void lb_birth(struct lb_link_reply *reply); /* LB_HOME_FORK */
int lb_birth_kept_fd(void);                 /* in the child: what its image refers to; 0: nothing */
void lb_birth_drop(void);                   /* what is kept for the next one: this shadow ends */

/* ---- child.c: in that child itself */
_Noreturn void lb_child_run(int *fd, const struct lb_home_child *wanted);
bool lb_child_here(void);
/* Its own LB_HOME_* calls. Returns false for any other. */
bool lb_child_call(const struct lb_link_call *call, const int64_t *arguments, struct lb_link_reply *reply);
/* Executes a call that may wait for long. */
int64_t lb_child_block(const int64_t *arguments);

/* ---- message.c: sendmsg(2) and recvmsg(2) */
struct lb_message {
	struct msghdr header;
	struct iovec piece;
	struct lb_link_message *extra; /* in the reply's output */
};
bool lb_is_message(uint32_t number);
/* From the call's arguments to those of the system call. Returns false when the request is malformed. */
bool lb_message_make(const struct lb_link_call *call, int64_t *arguments, struct lb_message *message);
bool lb_message_allowed(const struct lb_link_call *call, struct lb_message *message);
void lb_message_done(const struct lb_link_call *call, struct lb_message *message, int64_t result);

/* ---- signalfds.c: descriptors of signalfd(2), which read the signals that wait for this process */
uint64_t lb_signalfds(void); /* signals that they tell of; bit s-1 stands for signal s */
void lb_signalfds_init(void);
/* Has this call made one, or brought one along? */
bool lb_signalfds_came(const struct lb_link_call *call, struct lb_message *message, int64_t result);

/* ---- held.c: signals that wait here for one of those */
/* LB_HOME_HOLD. Returns false for any other call. */
bool lb_held_call(const struct lb_link_call *call, const int64_t *arguments, uint8_t *out, struct lb_link_reply *reply);
/* To this process, or to this thread, whose own queue comes before the process's. */
void lb_held_queue(const siginfo_t *info, bool to_thread);

/* ---- descriptors.c: our own ones, which the program does not see */
void lb_own_fd(int *fd); /* registers a variable that holds one */
bool lb_is_own_fd(int64_t fd);
/* Makes room at a number that the program wants for itself. Returns false if there is none elsewhere. */
bool lb_own_fd_yield(int fd);
/* In a child: its parent's, but for the program's file, which is the child's too until it executes another. */
void lb_own_fds_close(const int *except);
/* Between these two a descriptor can be made although the program has all that it may have. Calls may be nested. */
void lb_fds_begin(void);
void lb_fds_end(void);
/* The limit stays raised over an exec, whose loader needs descriptors: whoever reads the state puts it back. */
void lb_fds_keep(void);
void lb_fds_put_back(void);
/* Behind the program's limit, after it may have changed. */
void lb_own_fds_place(void);
/* What getdents(2) gave of the descriptor, without ours if that is a list of descriptors. Returns its size. */
int64_t lb_fds_hide(uint32_t number, int fd, uint8_t *entries, int64_t size);
int lb_fd_move_up(int fd); /* to a high number, close-on-exec; closes the old one; negative on error */
int64_t lb_close_range(uint64_t first, uint64_t last, uint64_t flags);
void lb_cloexec_restore(void);
void lb_cloexec_record(void); /* records and clears them, for an exec that keeps all */

/* ---- signals.c */
void lb_signals_init(void);
void lb_signals_set(const struct lb_link_actions *actions);
/* What stays blocked while this process waits: what signalfds tell of; and when no more can be recorded, the rest. */
uint64_t lb_signals_wait_mask(void);
/* All that waits here of these goes to the guest, whatever is done by default: it may wait for them. */
void lb_signals_release(uint64_t set);
void lb_signals_unblock(void);
void lb_signals_block(void);
/* Takes pending signals without running handlers: those that a call has just caused. */
void lb_signals_collect(void);
/* Passes on what was recorded; stops this process where the guest is to be stopped. */
void lb_signals_relay(void);
/* A new link: what was sent over the last one behind so many signals may be lost with it, and is told again. */
void lb_signals_again(uint64_t had);
/* In a child: default actions, but for those signals that are ignored; nothing is passed on. */
void lb_signals_leave(uint64_t ignored);
/* A child that has failed to begin: nobody has heard of it, and nobody will. */
void lb_signals_drop_child(pid_t pid);
/* A SIGPIPE that a call of our own has just caused. */
void lb_signals_drop_pipe(void);
/* Makes recorded signals pending again, for the exec of homecoming. */
void lb_signals_give_back(void);
extern volatile sig_atomic_t lb_interrupted;
void lb_signals_watch(int fd, bool on); /* SIGIO when fd becomes readable */
/* number, six arguments; LB_NOT_MADE, and no effect, when a signal comes before the call is made. */
#define LB_NOT_MADE (-512) /* ERESTARTSYS, which no call returns: include/linux/errno.h, Linux 6.12 */
int64_t lb_block(volatile sig_atomic_t *interrupted, const int64_t *arguments);

/* ---- control.c */
void lb_control_push(void); /* connects if it is time to, tells what is to be told */
void lb_control_read(void);
void lb_control_changed(void); /* tells the daemon the new state */
void lb_control_lost_link(void);
void lb_control_close(void);

/* ---- home.c, end.c */
void lb_home(struct lb_shadow_link *link);
/* In a child: becomes the copy of the guest that comes over `fd`. directly: not by the program's file. */
_Noreturn void lb_home_child(int fd, bool directly);
bool lb_end_tell_untold(void); /* one line to the user, if there is something to say */
_Noreturn void lb_end_exit(int64_t code);
_Noreturn void lb_end_status(uint32_t wait_status);
_Noreturn void lb_end_lost(const char *why);

#endif
