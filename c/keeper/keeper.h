/* keeper.h - The keeper: parent of one guest.
 *
 * From before it is restored until home knows how it ended.
 *
 * It owns three things beside the guest: a connection to its node's daemon (control.c), a socket
 * pair to the guest, and a duplicate of the link to the shadow (link.c). loop.c waits for
 * whatever happens to them; nothing else blocks, and nothing wakes it while all is well.
 */
#ifndef LB_KEEPER_H
#define LB_KEEPER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "fault.h"
#include "lb_image.h"
#include "lb_ring.h"
#include "lb_wire.h"

#define LB_KEEPER_RETRY_MS 1000 /* between attempts to reach a daemon that is away */
#define LB_KEEPER_ENDING_MS 50  /* from a link's end to asking: a guest that ends closes it, too */
#define LB_KEEPER_DEAD_MS \
	1000               /* from the verdict to SIGKILL: a guest that ends by itself has told
				 * home, which is then right to say that it is no more */
#define LB_NEVER INT64_MAX /* a time in ms of CLOCK_MONOTONIC that does not come */

/* What the command line asks for. */
struct lb_keeper_options {
	bool restart;             /* in front, from an image file */
	const char *control_path; /* NULL (restart only): there is no daemon */
	char node[LB_NODE_NAME_SIZE];
	char home_node[LB_NODE_NAME_SIZE];
	char from[LB_NODE_NAME_SIZE]; /* sends the memory; empty: home */
	uint64_t ticket;
	uint64_t start_ticks; /* of the home process */
	uint32_t home_pid;
	uint32_t io_timeout_ms;
	uint32_t reconnect_limit_ms;
	struct lb_fault_plan fault;
};

struct lb_keeper {
	struct lb_keeper_options options;
	bool finished;
	/* the guest */
	pid_t guest_pid;
	int guest_fd;  /* pidfd; -1 once it has been waited for */
	int keeper_fd; /* our end of the socket pair; -1 when the guest has closed its own */
	uint64_t guest_start_ticks;
	char program[LB_PROGRAM_NAME_SIZE];
	uint32_t state; /* enum lb_guest */
	bool parked;    /* restored: from here on home hears how it ended */
	bool left;      /* it says that it runs elsewhere now: home hears nothing from here */
	bool dead;      /* home says that its ticket is: it must not run, and home hears nothing */
	int64_t kill_at;
	int wait_status;
	/* the ring */
	struct lb_ring *ring; /* NULL: the guest has none */
	int64_t flush_at;     /* when to send what it holds; LB_NEVER: nothing, or the link is full */
	bool link_full;       /* wait until the link takes more */
	bool flushing;        /* the guest has ended: home must have all before it hears so */
	/* the link */
	int stream_fd;       /* carries the image; kept until PARKED to see its end, else -1 */
	int link_fd;         /* -1: none */
	bool link_watched;   /* false: it is known to be lost */
	int64_t lost_at;     /* when to believe that the guest is not just ending */
	bool need_link;      /* the daemon is asked, or to be asked, for one */
	int64_t need_until;  /* when the guest is given up for want of a link */
	int32_t links_ahead; /* links passed to the guest that it did not ask for (yet) */
	/* the daemon */
	int control_fd;                         /* -1: away */
	int64_t retry_at;                       /* when to connect, or to send what did not fit, again */
	bool tell_state, tell_need, tell_ended; /* not yet sent on this connection */
	bool ended_unanswered;
	int64_t ended_until; /* when to stop waiting for the answer */
};

/* ---- loop.c --------------------------------------------------------------------------------- */
/* Does it all: starts the guest from stream_fd (link_fd: -1, or the link of a later move or a
 * restart) and returns when it has ended and home knows, or cannot be told. Owns both
 * descriptors. Returns 0: wait_status says how it ended; or a negative error: it never ran. */
int lb_keeper_run(struct lb_keeper *keeper, int stream_fd, int link_fd);
int64_t lb_keeper_now_ms(void);
/* One line to standard error, which is the node's log, or the terminal for a restart. */
void lb_keeper_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- guest.c -------------------------------------------------------------------------------- */
/* What the guest's process starts with; the descriptors are at high numbers. */
struct lb_guest_start {
	int stream_fd, link_fd, keeper_fd;
	const struct lb_keeper_options *options;
};
/* Forks it. Returns 0 or a negative error. */
int lb_guest_start(struct lb_keeper *keeper, int stream_fd, int link_fd);
/* Looks at the image's header without consuming it: program, and what a restart's command line
 * left out. Returns false if there is none (the restorer says why). */
bool lb_guest_peek(struct lb_keeper *keeper, int stream_fd);
/* keeper_fd is readable: hears what the guest says. */
void lb_guest_read(struct lb_keeper *keeper);
/* Closes our copy of the stream. */
void lb_stream_forget(struct lb_keeper *keeper);
/* guest_fd is readable: reaps it and decides what is to be told. */
void lb_guest_reap(struct lb_keeper *keeper);
/* Home has all that it wrote: home is told how it ended. */
void lb_guest_tell_end(struct lb_keeper *keeper);
void lb_guest_kill(const struct lb_keeper *keeper);
/* A signal came to a keeper in front: it is the guest's. fd: signalfd. */
void lb_guest_forward_signal(const struct lb_keeper *keeper, int fd);

/* ---- ring.c --------------------------------------------------------------------------------- */
/* PARKED came with the guest's ring. Owns fd. */
void lb_ring_attach(struct lb_keeper *keeper, int fd);
void lb_ring_detach(struct lb_keeper *keeper);
/* The guest says that it has something to send. */
void lb_ring_written(struct lb_keeper *keeper);
/* Another link is about to be passed to the guest: nothing goes over it before the guest has said HELLO. */
void lb_ring_renewed(struct lb_keeper *keeper);
/* flush_at has come, or the link takes more: sends as much as the link takes. */
void lb_ring_flush(struct lb_keeper *keeper);
/* The guest has ended. Returns whether home may lack something: then a link is needed first. */
bool lb_ring_is_owed(struct lb_keeper *keeper);
/* A new link for a guest that has ended: sends the rest and waits until home has it. Owns fd.
 * Returns false when that link is lost too. */
bool lb_ring_finish(struct lb_keeper *keeper, int fd);

/* ---- enter.c (tests have their own) --------------------------------------------------------- */
/* In the guest's process, all signals blocked: becomes the process of the image. */
_Noreturn void lb_guest_enter(const struct lb_guest_start *start);

/* ---- link.c --------------------------------------------------------------------------------- */
/* The link has ended, as poll says: either it is lost or the guest is about to end. */
void lb_link_lost(struct lb_keeper *keeper);
/* The guest asks for a link. */
void lb_link_asked(struct lb_keeper *keeper);
/* Asks the daemon for a link. */
void lb_link_needed(struct lb_keeper *keeper);
/* The daemon has one: passes it to the guest. Owns fd. */
void lb_link_arrived(struct lb_keeper *keeper, int fd);

/* ---- control.c ------------------------------------------------------------------------------ */
/* Connects if it is time to, and sends what is to be told. */
void lb_control_push(struct lb_keeper *keeper);
/* control_fd is readable. */
void lb_control_read(struct lb_keeper *keeper);

#endif
