/* identity.h - which process this is: its PID, its threads and its start time.
 *
 * As the program knows them. What runs in a thread's place, a child of vfork(2), is a process of its own.
 */
#ifndef LB_IDENTITY_H
#define LB_IDENTITY_H

#include <stdint.h>

#include "process/process.h"
#include "thread/thread.h"

/* getpid(2) and gettid(2) of whoever makes a call here. */
static inline uint32_t lb_own_pid(void)
{
	const struct lb_thread *thread = lb_thread();
	return thread->has_child ? thread->child_pid : lb_self.home_pid;
}

static inline uint32_t lb_own_tid(void)
{
	const struct lb_thread *thread = lb_thread();
	return thread->has_child ? thread->child_pid : thread->home_tid;
}

/* The thread that the program calls so; NULL: another process's. In the place of a thread it is the child alone. */
static inline struct lb_thread *lb_own_thread(uint64_t tid)
{
	if (lb_thread()->has_child)
		return (uint32_t)tid == lb_thread()->child_pid ? lb_thread() : 0;
	return lb_thread_of_home((uint32_t)tid);
}

/* 0 stands for the calling thread, as in most calls. */
static inline struct lb_thread *lb_thread_meant(uint64_t tid)
{
	return (uint32_t)tid == 0 ? lb_thread() : lb_own_thread(tid);
}

/* Calls that take any of its threads for the process. */
static inline bool lb_is_own_process(uint64_t pid)
{
	return (uint32_t)pid == lb_own_pid() || lb_thread_meant(pid) != 0;
}

/* In clock ticks since boot; 0: unknown. */
uint64_t lb_start_ticks(void) LB_HIDDEN;
/* Another PID, a start time and no CPU time of its own. */
void lb_become_child(void) LB_HIDDEN;

#endif
