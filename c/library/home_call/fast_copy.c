/* fast_copy.c - Copies to and from the program's memory without a system call.
 *
 * Runs in:  patched sites, as the program; in the SIGSYS handler the kernel copies.
 */
#include "home_call/fast_copy.h"

#include "home_call/user_memory.h"
#include "process/process.h"
#include "trap/frame.h"

#define FAULTS (LB_BIT(SIGBUS) | LB_BIT(SIGSEGV))

void lb_faults_note(uint64_t mask)
{
	lb_thread()->faults_blocked = (mask & FAULTS) != 0;
}

bool lb_fast_read(void *to, uint64_t from, size_t size)
{
	if (lb_thread()->answering && !lb_thread()->faults_blocked)
		return lb_fast_copy(to, (const void *)from, size);
	return lb_user_read(to, from, size) == 0;
}

bool lb_fast_write(uint64_t to, const void *from, size_t size)
{
	if (lb_thread()->answering && !lb_thread()->faults_blocked)
		return lb_fast_copy((void *)to, from, size);
	return lb_user_write(to, from, size) == 0;
}
