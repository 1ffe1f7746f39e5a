/* sites.h - patched sites: system call instructions of the program's libraries that jump into this library instead
 * of being trapped (sites.c), and the signals that come while such a call is answered (fast_signals.c).
 */
#ifndef LB_SITES_H
#define LB_SITES_H

#define LB_SITES 64     /* sites that one process can have in its whole life */
#define LB_STUB_SIZE 16 /* bytes from one stub of fast_entry.S to the next */

/* A signal has arrived (fast_entry.S), and now: */
#define LB_ENTRY_BACK 0   /* back to where it came */
#define LB_ENTRY_MASKED 1 /* to the program's handler, under the mask of struct lb_entry */
#define LB_ENTRY_AS_IS 2  /* to the program's handler, under the mask that is in force */

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "process/process.h"

struct ucontext;

/* ---- sites.c */
/* A call of `number` was trapped; rip is the address right behind it. Patches the site once that pays. */
void lb_sites_trapped(uint32_t number, uint64_t rip) LB_HIDDEN;
/* Before a trapped call is made here: what it may change of the memory that holds patches is as it was. */
void lb_sites_before_call(uint32_t number, const uint64_t args[6]) LB_HIDDEN;
/* Every byte is as it was. Before an image is written; sites are patched again when they are trapped again. */
void lb_sites_undo(void) LB_HIDDEN;
uint64_t lb_sites_bytes(void) LB_HIDDEN; /* of pages that were mapped for them */
/* For the rip of a trapped call: the program's own, where the call was made for a site of its. */
uint64_t lb_sites_origin(uint64_t rip) LB_HIDDEN;
/* Where a call at `rip` will be made again; that may be changed by lb_sites_undo(), this may not. */
uint64_t lb_sites_settled(uint64_t rip) LB_HIDDEN;

/* ---- fast_entry.S */
extern char lb_site_stubs[] LB_HIDDEN;
extern char lb_site_traps[] LB_HIDDEN; /* the end of the library's text, where calls are trapped as the program's */
extern char lb_signal_entry[] LB_HIDDEN;
extern char lb_trigger_entry[] LB_HIDDEN; /* of the signals that are lb's own (trigger.c) */
/* False: there is no memory at one of them, and nothing is known of how much was copied. */
bool lb_fast_copy(void *to, const void *from, size_t size) LB_HIDDEN;
extern char lb_fast_copy_end[] LB_HIDDEN;
extern char lb_fast_copy_failed[] LB_HIDDEN;

/* ---- fast_signals.c */
/* Away: signals with a handler and those that tell of faults come to lb_signal_entry first. */
bool lb_signal_is_forwarded(int signal, const struct lb_action *program) LB_HIDDEN;
int64_t lb_signal_forward(int signal, const struct lb_action *program) LB_HIDDEN;
struct lb_siginfo;
struct lb_entry { /* on the stack of fast_entry.S */
	uint64_t mask, handler, signal;
};
/* A signal was delivered, away from home, and everything is blocked. Returns LB_ENTRY_*. */
uint64_t lb_signal_arrived(int signal, struct lb_siginfo *info, uint64_t *context, struct lb_entry *entry) LB_HIDDEN;
/* The same for lb's own signals, also at home, where not everything need be blocked. */
uint64_t lb_trigger_arrived(int signal, struct lb_siginfo *info, uint64_t *context, struct lb_entry *entry) LB_HIDDEN;
/* The program's handler of this signal is to run, as if the kernel had called it. Returns LB_ENTRY_*. */
uint64_t lb_signal_enter(int signal, uint64_t *context, struct lb_entry *entry) LB_HIDDEN;
/* SA_RESETHAND: the action is the default one from now on. */
void lb_signal_reset(int signal) LB_HIDDEN;
/* A signal has come. True: a call is being answered at a patched site; the signal will come again afterwards. */
bool lb_signal_defer(int signal, const void *siginfo, uint64_t *context) LB_HIDDEN;
/* Copies at patched sites need SIGSEGV and SIGBUS: the mask that holds from now on. */
void lb_faults_note(uint64_t mask) LB_HIDDEN;
/* In a restored process: no call is being answered. */
void lb_fast_reset(void) LB_HIDDEN;
/* Whether SA_RESETHAND has changed an action since this was asked last. */
bool lb_signal_was_reset(void) LB_HIDDEN;
#endif

#endif
