/* link.c - Loses and replaces the guest's link.
 *
 * A new one comes from the daemon, through the keeper, to the guest.
 *
 * A link is missed by us (the peer's end is closed) or by the guest (its call failed), or by
 * both, in any order. The guest says LOST and then takes exactly one LINK, so what counts is how
 * many links it was given beyond those it asked for: a LOST that follows an unasked link is
 * answered already.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ending.h"
#include "keeper.h"
#include "lb_state.h"
#include "link.h"
#include "ring.h"

void lb_link_needed(struct lb_keeper *keeper)
{
	keeper->link.lost_at = LB_NEVER;
	if (keeper->link.needed || keeper->left || keeper->dead)
		return;
	if (keeper->guest_fd < 0 && !keeper->flushing)
		return;
	keeper->link.needed = true;
	keeper->tell_need = true;
	keeper->link.need_until = lb_keeper_now_ms() + keeper->options.reconnect_limit_ms;
}

void lb_keeper_link_lost(struct lb_keeper *keeper)
{
	keeper->link.watched = false; /* else poll would say so again, at once, for ever */
	keeper->link.lost_at = lb_keeper_now_ms() + LB_KEEPER_ENDING_MS;
}

void lb_link_asked(struct lb_keeper *keeper)
{
	keeper->link.ahead--;
	if (keeper->link.ahead < 0)
		lb_link_needed(keeper);
}

/* Makes a guest that is computing look at keeper_fd. */
static void poke(const struct lb_keeper *keeper)
{
	siginfo_t info;

	memset(&info, 0, sizeof info);
	info.si_signo = SIGURG;
	info.si_code = SI_QUEUE;
	info.si_errno = LB_SIGNAL_MARK;
	info.si_pid = getpid();
	info.si_uid = getuid();
	info.si_value.sival_ptr = (void *)(uintptr_t)LB_POKE_LINK;
	syscall(SYS_pidfd_send_signal, keeper->guest_fd, SIGURG, &info, 0);
}

void lb_link_arrived(struct lb_keeper *keeper, int fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} ancillary;
	struct lb_keeper_message message = { .type = LB_KEEPER_LINK };
	struct iovec io = { &message, sizeof message };
	struct msghdr header = { .msg_iov = &io,
		.msg_iovlen = 1,
		.msg_control = ancillary.bytes,
		.msg_controllen = sizeof ancillary.bytes };

	if (keeper->flushing && keeper->link.needed) {
		keeper->link.needed = false;
		if (lb_ring_finish(keeper, fd)) {
			keeper->link.need_until = LB_NEVER;
			lb_guest_tell_end(keeper);
		} else {
			keeper->link.needed = true;
			keeper->tell_need = true;
			keeper->retry_at = lb_keeper_now_ms() + LB_KEEPER_RETRY_MS;
		}
		return;
	}
	if (!keeper->link.needed || keeper->keeper_fd < 0) {
		close(fd); /* late: it came twice, or the guest has ended */
		return;
	}
	lb_ring_renewed(keeper);
	memset(&ancillary, 0, sizeof ancillary);
	ancillary.align.cmsg_level = SOL_SOCKET;
	ancillary.align.cmsg_type = SCM_RIGHTS;
	ancillary.align.cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(&ancillary.align), &fd, sizeof fd);
	if (sendmsg(keeper->keeper_fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
		/* The guest does not read, or is about to end: ask again later. */
		close(fd);
		keeper->tell_need = true;
		keeper->retry_at = lb_keeper_now_ms() + LB_KEEPER_RETRY_MS;
		return;
	}
	if (keeper->link.fd >= 0)
		close(keeper->link.fd);
	keeper->link.fd = fd;
	keeper->link.watched = true;
	keeper->link.needed = false;
	keeper->tell_need = false;
	keeper->link.need_until = LB_NEVER;
	keeper->link.lost_at = LB_NEVER; /* that was the old one */
	keeper->link.ahead++;
	if (keeper->link.ahead > 0)
		poke(keeper);
}
