/* keeper_world.h - A daemon, a home and guests around a keeper under test.
 *
 * The test program is the daemon and the home; the keeper runs in a child of it. The guest, which
 * would be restored from an image, is a function of the test, run by the keeper's own child.
 */
#ifndef KEEPER_WORLD_H
#define KEEPER_WORLD_H

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"
#include "enter.h"
#include "guest.h"
#include "keeper.h"
#include "loop.h"
#include "lb_state.h"
#include "proc_stat.h"

#define TICKET 0x1122334455667788u
#define SOON_MS 5000 /* for what must happen; the machine may be busy */
#define QUIET_MS 300 /* for what must not */
#define KEEPER_DEAD 99
#define SERVE 's' /* one byte that stands for the message SERVE */

typedef void guest_function(const struct lb_guest_start *start);

struct kept { /* the keeper under test and what the test holds of it */
	pid_t pid;
	int control; /* connection it made to us */
	int home;    /* home's end of its stream */
	uint32_t guest_pid;
};
extern struct kept kept;
extern guest_function *guest_script;

/* A folder of its own and a daemon in it; at the end neither. */
void world_start(void);
void world_stop(void);

void say(const struct lb_guest_start *start, uint32_t type);
void be_parked(const struct lb_guest_start *start);
void be_served(const struct lb_guest_start *start);
/* Takes a LINK from the keeper and says a word on it. */
void take_link(const struct lb_guest_start *start);
void guest_waits(const struct lb_guest_start *start);
void daemon_start(void);
void daemon_stop(void);
bool readable_within(int fd, int ms);
void accept_keeper(void);
/* The next message of the keeper, which must be of this type. */
void expect(uint32_t type, void *message, size_t size);
void expect_state(uint32_t state);
void expect_need(void);
void expect_ended(int wait_status);
void expect_hangup(void);
void send_ack(void);
void send_verdict(uint32_t verdict, uint64_t ticket);
/* Sends a Link and returns home's end of it. */
int send_link(void);
void expect_hello(int link);
void serve(void);
int keeper_status(void);
extern uint32_t io_timeout_ms; /* of keepers to come */
struct lb_image_header image_header(void);
/* Runs a keeper in a child, and ends: with 1 where lb_keeper_run() says that the guest never ran,
 * KEEPER_DEAD where it was killed as a dead copy, else with 0; in front, as a shell tells the
 * guest's end. */
void keeper_child(int stream_fd, int link_fd, bool restart, uint32_t limit_ms);
/* A move arrives: starts the keeper and sends the image's header. */
void arrive(guest_function *script, uint32_t limit_ms);
/* ... and is served. */
void arrive_served(guest_function *script, uint32_t limit_ms);
void end_guest(void);

#endif
