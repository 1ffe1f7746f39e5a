/* sites.h - System call instructions that jump into this library.
 *
 * Patched sites: of the program's libraries, instead of being trapped.
 */
#ifndef LB_SITES_H
#define LB_SITES_H

#define LB_SITES 64     /* sites that one process can have in its whole life */
#define LB_STUB_SIZE 16 /* bytes from one stub of site_entry.S to the next */

/* In struct lb_thread. */
#define LB_THREAD_ANSWERING_AT 0
#define LB_THREAD_DEFERRED_AT 4

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "process/process.h"

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

/* ---- site_entry.S */
extern char lb_site_stubs[] LB_HIDDEN;
extern char lb_site_traps[] LB_HIDDEN; /* the end of the library's text, where calls are trapped as the program's */
#endif

#endif
