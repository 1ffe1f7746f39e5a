/* wait.c - The deadline of a wait that a signal of ours has lb_thread()->interrupted.
 *
 * It is kept until the program makes the call again, which is the next thing that it does.
 *
 * Runs in:  the SIGSYS and the trigger's handler, all signals blocked.
 */
#include "trap/wait.h"

#include "process/clock.h"
#include "trap/frame.h"

void lb_wait_keep(uint64_t rip, uint64_t rsp, uint32_t number, int64_t deadline_ns)
{
	lb_thread()->interrupted = (struct lb_wait){ true, rip, rsp, number, deadline_ns };
}

void lb_wait_shorten(int64_t ns)
{
	lb_thread()->interrupted.deadline_ns -= ns;
}

void lb_wait_drop(void)
{
	lb_thread()->interrupted.valid = false;
}

bool lb_wait_kept(uint64_t rip, uint64_t rsp, uint32_t number, int64_t *deadline_ns)
{
	*deadline_ns = lb_thread()->interrupted.deadline_ns;
	return lb_thread()->interrupted.valid && lb_thread()->interrupted.rip == rip &&
		lb_thread()->interrupted.rsp == rsp && lb_thread()->interrupted.number == number;
}

int64_t lb_wait_deadline_ns(const struct lb_trap *trap, int64_t limit_ns)
{
	const struct sigcontext *registers = &trap->context->uc_mcontext;
	int64_t deadline_ns = (int64_t)lb_program_monotonic_ns() + limit_ns;
	int64_t kept_ns;

	if (lb_wait_kept(registers->rip, registers->rsp, trap->number, &kept_ns) && kept_ns < deadline_ns)
		deadline_ns = kept_ns;
	lb_thread()->interrupted.valid = false;
	return deadline_ns;
}

int64_t lb_wait_left_ns(const struct lb_trap *trap, int64_t limit_ns)
{
	const struct sigcontext *registers = &trap->context->uc_mcontext;
	int64_t left_ns;

	lb_thread()->waits_here = (struct lb_wait){ true, registers->rip, registers->rsp, trap->number,
		lb_wait_deadline_ns(trap, limit_ns) };
	left_ns = lb_thread()->waits_here.deadline_ns - (int64_t)lb_program_monotonic_ns();
	return left_ns < 0 ? 0 : left_ns;
}

void lb_wait_unlimited(void)
{
	lb_thread()->waits_here.valid = false;
}

void lb_wait_again(const struct sigcontext *registers)
{
	if (lb_thread()->waits_here.valid && registers->rip + 2 == lb_thread()->waits_here.rip &&
		registers->rsp == lb_thread()->waits_here.rsp && registers->rax == lb_thread()->waits_here.number)
		lb_thread()->interrupted = lb_thread()->waits_here;
	lb_thread()->waits_here.valid = false;
}
