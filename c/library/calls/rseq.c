/* rseq.c - rseq(2) away from home, where the program registers an area itself.
 *
 * Runs in:  the SIGSYS handler, all signals blocked.
 */
#include <asm/unistd.h>

#include "syscall.h"

#include "calls/own.h"
#include "trap/stub.h"
#include "trap/trap.h"

#define UNREGISTER 1

int64_t lb_own_rseq(struct lb_trap *trap)
{
	int64_t result;

	if (lb_thread()->has_child)
		return lb_here(trap);
	result = lb_syscall4(__NR_rseq, trap->args[0], trap->args[1], trap->args[2], trap->args[3]);
	if (result < 0)
		return result;
	lb_thread()->rseq.address = trap->args[2] & UNREGISTER ? 0 : trap->args[0];
	lb_thread()->rseq.size = (uint32_t)trap->args[1];
	lb_thread()->rseq.signature = (uint32_t)trap->args[3];
	return result;
}
