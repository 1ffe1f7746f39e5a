/* attributes.h - attributes of the process, as prctl(2) has set them. */
#ifndef LB_ATTRIBUTES_H
#define LB_ATTRIBUTES_H

#include <stdbool.h>
#include <stdint.h>

#include "process/process.h"

void lb_attributes_take(void) LB_HIDDEN;
void lb_attributes_give(void) LB_HIDDEN;
/* Whether it is in a state that this library itself could not run in, away or on the way home: the processor is to trap
 * rdtsc or cpuid (prctl(2) PR_SET_TSC, arch_prctl(2)), or no memory may become executable (PR_SET_MDWE). */
bool lb_attributes_trap(void) LB_HIDDEN;
/* LB_ATTRIBUTE() of what is mapped next. */
void lb_attributes_note_new_memory(uint32_t of_new_memory) LB_HIDDEN;

/* The same of the calling thread alone. */
void lb_attributes_take_thread(struct lb_thread *thread) LB_HIDDEN;
void lb_attributes_give_thread(const struct lb_thread *thread) LB_HIDDEN;

#endif
