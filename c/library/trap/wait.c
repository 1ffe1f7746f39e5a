/* wait.c - The deadline of a wait that a signal of ours has interrupted.
 *
 * It is kept until the program makes the call again, which is the next thing that it does.
 *
 * Runs in:  the SIGSYS and the trigger's handler, all signals blocked.
 */
#include "trap/wait.h"

#include "process/clock.h"
#include "trap/frame.h"

struct wait {
	bool valid;
	uint64_t rip, rsp; /* right behind the call */
	uint32_t number;
	int64_t deadline_ns; /* of the program's CLOCK_MONOTONIC */
};
static struct wait interrupted;
static struct wait waits_here; /* made on this node, where nobody sees how it ends: valid by lb_wait_again() alone */

void lb_wait_keep(uint64_t rip, uint64_t rsp, uint32_t number, int64_t deadline_ns)
{
	interrupted = (struct wait){ true, rip, rsp, number, deadline_ns };
}

void lb_wait_shorten(int64_t ns)
{
	interrupted.deadline_ns -= ns;
}

void lb_wait_drop(void)
{
	interrupted.valid = false;
}

bool lb_wait_kept(uint64_t rip, uint64_t rsp, uint32_t number, int64_t *deadline_ns)
{
	*deadline_ns = interrupted.deadline_ns;
	return interrupted.valid && interrupted.rip == rip && interrupted.rsp == rsp && interrupted.number == number;
}

int64_t lb_wait_deadline_ns(const struct lb_trap *trap, int64_t limit_ns)
{
	const struct sigcontext *registers = &trap->context->uc_mcontext;
	int64_t deadline_ns = (int64_t)lb_program_monotonic_ns() + limit_ns;
	int64_t kept_ns;

	if (lb_wait_kept(registers->rip, registers->rsp, trap->number, &kept_ns) && kept_ns < deadline_ns)
		deadline_ns = kept_ns;
	interrupted.valid = false;
	return deadline_ns;
}

int64_t lb_wait_left_ns(const struct lb_trap *trap, int64_t limit_ns)
{
	const struct sigcontext *registers = &trap->context->uc_mcontext;
	int64_t left_ns;

	waits_here = (struct wait){ true, registers->rip, registers->rsp, trap->number,
		lb_wait_deadline_ns(trap, limit_ns) };
	left_ns = waits_here.deadline_ns - (int64_t)lb_program_monotonic_ns();
	return left_ns < 0 ? 0 : left_ns;
}

void lb_wait_unlimited(void)
{
	waits_here.valid = false;
}

void lb_wait_again(const struct sigcontext *registers)
{
	if (waits_here.valid && registers->rip + 2 == waits_here.rip && registers->rsp == waits_here.rsp &&
		registers->rax == waits_here.number)
		interrupted = waits_here;
	waits_here.valid = false;
}
