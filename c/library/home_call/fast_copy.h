/* fast_copy.h - Copies to and from the program's memory without a system call. */
#ifndef LB_FAST_COPY_H
#define LB_FAST_COPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "process/process.h"

/* False: the program's memory is not there, and nothing is known of how much was copied. */
bool lb_fast_read(void *to, uint64_t from, size_t size) LB_HIDDEN;
bool lb_fast_write(uint64_t to, const void *from, size_t size) LB_HIDDEN;
/* They need SIGSEGV and SIGBUS: the mask that holds from now on. */
void lb_faults_note(uint64_t mask) LB_HIDDEN;

/* A fault between its beginning and lb_fast_copy_end is to go on at lb_fast_copy_failed. */
bool lb_fast_copy(void *to, const void *from, size_t size) LB_HIDDEN;
extern char lb_fast_copy_end[] LB_HIDDEN;
extern char lb_fast_copy_failed[] LB_HIDDEN;

#endif
