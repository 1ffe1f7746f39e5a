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
/* From the verdict to SIGKILL: a guest that ends by itself has told home, which is then right to say that it is no
 * more. */
#define LB_KEEPER_DEAD_MS 1000
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

/* The link over which the guest reaches home: our duplicate of it, and what is to become of it. */
struct lb_guest_link {
	int fd;             /* -1: none */
	bool watched;       /* false: it is known to be lost */
	bool is_full;       /* wait until it takes more of the ring */
	int64_t lost_at;    /* when to believe that the guest is not just ending */
	bool needed;        /* the daemon is asked, or to be asked, for another */
	int64_t need_until; /* when the guest is given up for want of one */
	int32_t ahead;      /* those passed to the guest that it did not ask for (yet) */
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
	bool flushing;        /* the guest has ended: home must have all before it hears so */
	/* the links */
	int stream_fd; /* carries the image; kept until PARKED to see its end, else -1 */
	struct lb_guest_link link;
	/* the daemon */
	int control_fd;                         /* -1: away */
	int64_t retry_at;                       /* when to connect, or to send what did not fit, again */
	bool tell_state, tell_need, tell_ended; /* not yet sent on this connection */
	bool ended_unanswered;
	int64_t ended_until; /* when to stop waiting for the answer */
};

int64_t lb_keeper_now_ms(void);
/* One line to standard error, which is the node's log, or the terminal for a restart. */
void lb_keeper_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
