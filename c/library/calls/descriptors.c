/* descriptors.c - Calls on descriptors whose arguments say whether a row carries them.
 *
 * Runs in:  the SIGSYS handler, all signals blocked.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/in.h>
#include <linux/tcp.h>
#include <asm/socket.h>
#include <asm/unistd.h>

#include "calls/forward.h"
#include "calls/own.h"
#include "calls/proc_files.h"
#include "home_call/table.h"
#include "trap/trap.h"

#define NETFILTER_FIRST 64 /* IPT_BASE_CTL, EBT_BASE_CTL and the like */
#define NETFILTER_END 160
#define FCNTL_LAST 1038u /* F_SET_FILE_RW_HINT */
#define FCNTL_END 1100u

int64_t lb_own_ioctl(struct lb_trap *trap)
{
	struct lb_row row;

	if (lb_proc_asks_maps(trap->args[0], trap->args[1]))
		return lb_proc_ask_maps(trap->args[1], trap->args[2]);
	return lb_ioctl_row(trap->args[1], &row) ? lb_forward_row(trap, &row) : LB_NEEDS_HOME;
}

int64_t lb_own_fcntl(struct lb_trap *trap)
{
	struct lb_row row;

	if (lb_fcntl_row(trap->args[1], &row))
		return lb_forward_row(trap, &row);
	/* A command of a newer kernel may take a pointer. */
	if ((uint32_t)trap->args[1] > FCNTL_LAST && (uint32_t)trap->args[1] < FCNTL_END)
		return LB_NEEDS_HOME;
	return lb_forward(trap);
}

/* Options whose value points to more memory: those are only right at home. */
static bool is_nested_option(const struct lb_trap *trap)
{
	uint32_t level = (uint32_t)trap->args[1];
	uint32_t option = (uint32_t)trap->args[2];

	switch (level) {
	case SOL_SOCKET:
		return option == SO_ATTACH_FILTER || option == SO_ATTACH_REUSEPORT_CBPF || option == SO_GET_FILTER;
	case IPPROTO_TCP:
		return option == TCP_ZEROCOPY_RECEIVE;
	default:
		return option >= NETFILTER_FIRST && option < NETFILTER_END;
	}
}

int64_t lb_own_setsockopt(struct lb_trap *trap)
{
	return is_nested_option(trap) ? LB_NEEDS_HOME : lb_forward(trap);
}

int64_t lb_own_getsockopt(struct lb_trap *trap)
{
	return is_nested_option(trap) ? LB_NEEDS_HOME : lb_forward(trap);
}
