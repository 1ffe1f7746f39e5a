/* context.h - context of a restored process, and stacks of the library's own. */
#ifndef LB_CONTEXT_H
#define LB_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "process/process.h"

/* Where an image of the calling thread goes on. Returns false; and once more, true, in the restored process, whose
 * state is right there by then (entry/resume.c). */
bool lb_context_save(uint64_t context[LB_CONTEXT_WORDS]) LB_HIDDEN __attribute__((returns_twice));
__attribute__((noreturn)) void lb_context_resume(const uint64_t context[LB_CONTEXT_WORDS]) LB_HIDDEN;
extern char lb_sigreturn[] LB_HIDDEN;
/* Calls it on the stack that ends at `top`. */
int64_t lb_on_stack(int64_t (*function)(void *), void *argument, uint64_t top) LB_HIDDEN;
/* The process's: of the one thread that obeys an order, and of the restored process before it is any thread's. */
extern char lb_order_stack_top[] LB_HIDDEN, lb_resume_stack_top[] LB_HIDDEN;
static inline int64_t lb_on_order_stack(int64_t (*function)(void *), void *argument)
{
	return lb_on_stack(function, argument, (uint64_t)lb_order_stack_top);
}
/* Calls it in a new process, made by clone(2) with these flags, CLONE_VM among them. Returns its PID or an error. */
int64_t lb_beside(int64_t (*function)(void *), void *argument, uint64_t flags) LB_HIDDEN;

#endif
