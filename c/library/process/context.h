/* context.h - context of a restored process, and stacks of the library's own. */
#ifndef LB_CONTEXT_H
#define LB_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "process/process.h"

/* Where an image of this process goes on. Returns false; and once more, true, in the restored process, whose state is
 * right there by then (entry/resume.c). */
bool lb_context_save(void) LB_HIDDEN __attribute__((returns_twice));
extern char lb_sigreturn[] LB_HIDDEN;
int64_t lb_on_stack(int64_t (*function)(void *), void *argument) LB_HIDDEN;
/* Calls it in a new process, made by clone(2) with these flags, CLONE_VM among them. Returns its PID or an error. */
int64_t lb_beside(int64_t (*function)(void *), void *argument, uint64_t flags) LB_HIDDEN;

#endif
