/* sites.h - System call instructions that jump into this library.
 *
 * Patched sites: of the program's libraries, instead of being trapped.
 */
#ifndef LB_SITES_H
#define LB_SITES_H

#define LB_SITES 64     /* sites that one process can have in its whole life */
#define LB_STUB_SIZE 16 /* bytes from one stub of site_entry.S to the next */

#define LB_DIRECT_SHIFT 7 /* the same of site_calls.S */
#define LB_DIRECT_SIZE (1 << LB_DIRECT_SHIFT)

/* Of futex(2), as <linux/futex.h> is for C alone: commands by their bits, and what is beside them. */
#define LB_FUTEX_COMMAND 0xfffffe7f
#define LB_FUTEX_REALTIME 0x100
#define LB_FUTEX_WAITS 0x201 /* WAIT, WAIT_BITSET */
#define LB_FUTEX_WAKES 0x43a /* WAKE, REQUEUE, CMP_REQUEUE, WAKE_OP, WAKE_BITSET */
#define LB_FUTEX_LAST 10

/* In struct lb_thread. */
#define LB_THREAD_ANSWERING_AT 0
#define LB_THREAD_DEFERRED_AT 4

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "process/process.h"

struct ucontext; /* asm/ucontext.h */

/* A call of `number` was trapped; rip is the address right behind it. Patches the site once that pays. */
void lb_sites_trapped(uint32_t number, uint64_t rip) LB_HIDDEN;
/* Before a trapped call is made here: what it may change of the memory that holds patches is as it was. */
void lb_sites_before_call(uint32_t number, const uint64_t args[6]) LB_HIDDEN;
/* Every byte is as it was. Before an image is written; sites are patched again when they are trapped again. */
void lb_sites_undo(void) LB_HIDDEN;
/* For the rip of a trapped call: the program's own, where the call was made for a site of its. */
uint64_t lb_sites_origin(uint64_t rip) LB_HIDDEN;
/* Where a call at `rip` will be made again; that may be changed by lb_sites_undo(), this may not. */
uint64_t lb_sites_settled(uint64_t rip) LB_HIDDEN;

/* Whether the context stands right behind a call that a site makes itself; its number then. */
bool lb_sites_is_after(const struct ucontext *context, uint32_t *number) LB_HIDDEN;
/* A context that is about to make such a call, or has it behind it, is at the site, or behind it: where the program's
 * own code is, and where the call is trapped if there is no site any more. */
void lb_sites_leave(struct ucontext *context) LB_HIDDEN;

/* ---- site_entry.S */
extern char lb_site_stubs[] LB_HIDDEN;
extern char lb_site_any_stubs[] LB_HIDDEN; /* of sites that pass any number */
/* ---- site_calls.S: its first slot, other entries there, and where the kernel returns to */
extern char lb_site_direct[] LB_HIDDEN;
extern char lb_site_direct_futex[] LB_HIDDEN;
extern char lb_site_direct_yield[] LB_HIDDEN;
extern char lb_site_direct_after[] LB_HIDDEN;
extern char lb_site_traps[] LB_HIDDEN; /* the end of the library's text, where calls are trapped as the program's */
#endif

#endif
