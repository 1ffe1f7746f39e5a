/* signal_entry.h - Signals of a guest before the program's handlers. */
#ifndef LB_SIGNAL_ENTRY_H
#define LB_SIGNAL_ENTRY_H

/* A signal has arrived, and now: */
#define LB_ENTRY_BACK 0   /* back to where it came */
#define LB_ENTRY_MASKED 1 /* to the program's handler, under the mask of struct lb_entry */
#define LB_ENTRY_AS_IS 2  /* to the program's handler, under the mask that is in force */

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include <stdint.h>

#include "process/process.h"

struct ucontext;  /* asm/ucontext.h */
struct lb_entry { /* on the stack of signal_handler.h */
	uint64_t mask, handler, signal;
};

extern char lb_signal_entry[] LB_HIDDEN;
/* A signal was delivered, away from home, and everything is blocked. Returns LB_ENTRY_*. */
uint64_t lb_signal_arrived(int signal, siginfo_t *info, struct ucontext *context, struct lb_entry *entry) LB_HIDDEN;
/* The program's handler of this signal is to run, as if the kernel had called it. Returns LB_ENTRY_*. */
uint64_t lb_signal_enter(int signal, struct ucontext *context, struct lb_entry *entry) LB_HIDDEN;
/* SA_RESETHAND: the action is the default one from now on. */
void lb_signal_reset(int signal) LB_HIDDEN;
/* Whether SA_RESETHAND has changed an action since this was asked last. */
bool lb_signal_was_reset(void) LB_HIDDEN;
#endif

#endif
