/* lb_state.h - What library, shadow and homecoming pass to each other at home.
 *
 * The library leaves it in its memory for the shadow that it loads, and finds the shadow's own when the process is
 * home. `lb shadow` leaves it in a memfd, whose number is in the environment variable LB_STATE=<fd>. All descriptors
 * named here are at high numbers and are closed before the program goes on at home. Private to one node and one
 * lb build; never on a wire.
 */
#ifndef LB_STATE_H
#define LB_STATE_H

#include <stdint.h>

#include "lb_link.h"
#include "lb_wire.h"

#define LB_STATE_MAGIC 0x3145544154534c62ULL
#define LB_STATE_TEXT_SIZE 8192
#define LB_SHADOW_MEMORY (10ULL << 20) /* all of it is 9 MB: size(1) */

struct lb_state {
	uint64_t magic;
	uint32_t abi_version;
	uint32_t home_pid;
	uint64_t start_ticks;
	uint64_t live_ticket;
	uint64_t live_copy; /* of HELLO; 0: the copy that the stream of a first move made */
	uint64_t order_id;  /* of the move that made this shadow, for the Report */
	uint64_t freeze_ns; /* CLOCK_MONOTONIC when the process was frozen */
	uint64_t bytes;     /* image bytes sent */
	int32_t link_fd;    /* -1: none yet (image file): wait for a link */
	int32_t shadow_fd;  /* the shadow's binary, until it runs where it is to run */
	uint32_t reconnect_limit_ms;
	uint32_t io_timeout_ms;
	struct lb_link_actions actions;
	uint64_t last_seq; /* last CALL executed */
	char home_node[LB_NODE_NAME_SIZE];
	char runs_on[LB_NODE_NAME_SIZE];
	char program[LB_PROGRAM_NAME_SIZE];
	char comm[16];
	char control_path[LB_CONTROL_PATH_SIZE_MAX];
	uint32_t argc; /* strings in text: the program's arguments */
	uint32_t text_size;
	char text[LB_STATE_TEXT_SIZE]; /* argument strings, NUL-terminated, cut to fit */
	uint64_t backlog_at;           /* bytes of the live copy's backlog that are executed (lb_link.h) */
	uint64_t held;                 /* signals that wait here for a signalfd: LB_HOME_HOLD */
	uint64_t signals_told;         /* SIGNAL messages that were sent to the live copy */
	uint64_t nofile[2];            /* the program's RLIMIT_NOFILE, which is raised on the way home; 0: it is not */
	uint64_t range_start; /* where the shadow lies: lb_image.h; 0: nowhere, it cannot bring its guest home */
	/* Of the program: RLIMIT_AS and DATA. The soft ones are raised while its memory is here, too. */
	uint64_t limits[2][2];
	uint64_t parked; /* address of the library's slots (lb_park.h), for a shadow that was loaded */
	uint32_t parked_count;
	uint32_t has_program;                /* 1: /proc/self/exe is the program's */
	uint32_t fault_number, fault_action; /* tests only: the plan of base/fault.h, as it goes on there */
};

/* Between a guest and its keeper, SOCK_SEQPACKET; LINK carries the new descriptor by SCM_RIGHTS. */
enum lb_keeper_message_type {
	LB_KEEPER_LOST = 1,    /* guest: my link is broken: get me another */
	LB_KEEPER_LINK = 2,    /* keeper: here it is */
	LB_KEEPER_LEFT = 3,    /* guest: my process runs elsewhere now, I exit: report nothing to home */
	LB_KEEPER_PARKED = 4,  /* guest: restored, waiting for SERVE; carries the ring (lb_ring.h), if there is one */
	LB_KEEPER_SERVED = 5,  /* guest: goes on */
	LB_KEEPER_WRITTEN = 6, /* guest: the ring has something to send */
};
struct lb_keeper_message {
	uint32_t type;
	uint32_t value;
};

/* si_errno of a signal that lb has queued: kill(2) and sigqueue(3) of a program set it to 0. */
#define LB_SIGNAL_MARK 0x6c62
/* Values of a queued SIGURG that are not order ids (those are >= 65536). */
enum lb_poke {
	LB_POKE_LINK = 1, /* keeper: a new link waits in keeper_fd */
};
#define LB_ORDER_ID_MIN 65536u

#endif
