/* attributes.c - Carries what prctl(2) and its like have set.
 *
 * Memory does not carry it: it is read when the process is frozen, and set again in the restored process.
 *
 * Not here: what lives on in the shadow, where the program's calls set it, too (no_new_privs, subreaper, PDEATHSIG,
 * securebits, IO_FLUSHER, KEEPCAPS).
 */
#include "image/attributes.h"

#include <linux/fcntl.h>
#include <asm/unistd.h>
#include <linux/mman.h>

#include "kernel.h"
#include "mem.h"
#include "syscall.h"

#include "process/process.h"

#define PERSONALITY_ASKED 0xffffffffULL /* personality(2): changes nothing */
/* An older kernel does not tell: those whose use would fail. They cost a process of one thread nothing. */
#define REGISTRATIONS_UNKNOWN \
	(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED | MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED | \
		MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE)

/* Of the process at home, where the program's own changes go too: a guest gets them from there. */
static const char *const home_paths[] = { "/proc/self/oom_score_adj", "/proc/self/coredump_filter" };
#define HOME_PATHS (sizeof home_paths / sizeof *home_paths)

static struct {
	int64_t dumpable, thp_disabled, registrations, merges;
	struct {
		char text[24];
		int64_t size;
	} home_files[HOME_PATHS];
	uint32_t of_new_memory; /* LB_ATTRIBUTE() of what is mapped next: mlockall(2) */
} attributes;

static int64_t get(int option)
{
	return lb_syscall5(__NR_prctl, option, 0, 0, 0, 0);
}

static void set(int option, int64_t value, int64_t more)
{
	lb_syscall5(__NR_prctl, option, value, more, 0, 0);
}

bool lb_attributes_trap(void)
{
	int32_t tsc = PR_TSC_ENABLE;
	lb_syscall5(__NR_prctl, PR_GET_TSC, &tsc, 0, 0, 0);
	return tsc != PR_TSC_ENABLE || lb_syscall2(__NR_arch_prctl, ARCH_GET_CPUID, 0) == 0 || get(PR_GET_MDWE) > 0;
}

static void take_home_files(void)
{
	for (unsigned i = 0; i < HOME_PATHS; i++) {
		int64_t fd = lb_syscall4(__NR_openat, AT_FDCWD, home_paths[i], 0, 0);
		attributes.home_files[i].size = 0;
		if (fd < 0)
			continue;
		attributes.home_files[i].size =
			lb_syscall3(__NR_read, fd, attributes.home_files[i].text, sizeof attributes.home_files[i].text);
		lb_syscall1(__NR_close, fd);
	}
}

/* A score below the keeper's needs a privilege: then the guest is like its keeper. */
static void give_home_files(void)
{
	for (unsigned i = 0; i < HOME_PATHS; i++) {
		int64_t fd = lb_syscall4(__NR_openat, AT_FDCWD, home_paths[i], O_WRONLY, 0);
		if (fd < 0)
			continue;
		/* coredump_filter(5) is shown without the 0x that it wants. */
		char text[32] = "0x";
		unsigned prefix = i == 1 ? 2 : 0;
		memcpy(text + prefix, attributes.home_files[i].text, sizeof attributes.home_files[i].text);
		if (attributes.home_files[i].size > 0)
			lb_syscall3(__NR_write, fd, text, prefix + (uint64_t)attributes.home_files[i].size);
		lb_syscall1(__NR_close, fd);
	}
}

void lb_attributes_take_thread(struct lb_thread *thread)
{
	thread->attributes.timer_slack = get(PR_GET_TIMERSLACK);
	thread->attributes.mce_kill = get(PR_MCE_KILL_GET);
	thread->attributes.personality = lb_syscall1(__NR_personality, PERSONALITY_ASKED);
	for (int i = 0; i < LB_SPECULATIONS; i++)
		thread->attributes.speculations[i] = lb_syscall5(__NR_prctl, PR_GET_SPECULATION_CTRL, i, 0, 0, 0);
}

void lb_attributes_take(void)
{
	attributes.dumpable = get(PR_GET_DUMPABLE);
	attributes.thp_disabled = get(PR_GET_THP_DISABLE);
	attributes.merges = get(PR_GET_MEMORY_MERGE);
	attributes.registrations = lb_syscall3(__NR_membarrier, LB_MEMBARRIER_GET_REGISTRATIONS, 0, 0);
	if (attributes.registrations < 0)
		attributes.registrations = REGISTRATIONS_UNKNOWN;
	if (!lb_self.away)
		take_home_files();
}

void lb_attributes_note_new_memory(uint32_t of_new_memory)
{
	attributes.of_new_memory = of_new_memory;
}

static void give_speculations(const struct lb_thread *thread)
{
	for (int i = 0; i < LB_SPECULATIONS; i++) {
		int64_t value = thread->attributes.speculations[i];
		if (value > 0 && (value & PR_SPEC_PRCTL) &&
			value != lb_syscall5(__NR_prctl, PR_GET_SPECULATION_CTRL, i, 0, 0, 0))
			set(PR_SET_SPECULATION_CTRL, i, value & ~PR_SPEC_PRCTL);
	}
}

/* What the kernel refuses now it had refused before: a value that cannot be set was never set by the program. */
void lb_attributes_give_thread(const struct lb_thread *thread)
{
	int64_t mce_kill = thread->attributes.mce_kill, personality = thread->attributes.personality;
	if (thread->attributes.timer_slack > 0)
		set(PR_SET_TIMERSLACK, thread->attributes.timer_slack, 0);
	if (mce_kill >= 0 && mce_kill != get(PR_MCE_KILL_GET))
		lb_syscall5(__NR_prctl, PR_MCE_KILL, PR_MCE_KILL_SET, mce_kill, 0, 0);
	if (personality >= 0 && personality != lb_syscall1(__NR_personality, PERSONALITY_ASKED))
		lb_syscall1(__NR_personality, personality);
	give_speculations(thread);
}

void lb_attributes_give(void)
{
	if (attributes.dumpable != get(PR_GET_DUMPABLE))
		set(PR_SET_DUMPABLE, attributes.dumpable, 0);
	if (attributes.thp_disabled > 0) /* its lowest bit, and flags: Linux 6.18 */
		set(PR_SET_THP_DISABLE, 1, attributes.thp_disabled & ~1LL);
	if (attributes.merges >= 0 && attributes.merges != get(PR_GET_MEMORY_MERGE))
		set(PR_SET_MEMORY_MERGE, attributes.merges, 0);
	for (int bit = 0; bit < 31; bit++)
		if (attributes.registrations & 1LL << bit)
			lb_syscall3(__NR_membarrier, 1LL << bit, 0, 0);
	if (lb_self.away)
		give_home_files();
	if (attributes.of_new_memory & LB_ATTRIBUTE(LOCKED))
		lb_syscall1(__NR_mlockall,
			attributes.of_new_memory & LB_ATTRIBUTE(LOCKED_ON_FAULT) ? MCL_FUTURE | MCL_ONFAULT
										 : MCL_FUTURE);
}
