/* mem.h - Memory functions that freestanding parts link from mem.c.
 *
 * They are hidden, so that libc's are never used.
 */
#ifndef LB_MEM_H
#define LB_MEM_H

#include <stddef.h>

#pragma GCC visibility push(hidden)
void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *at, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);
size_t strlen(const char *text);
int strcmp(const char *a, const char *b);
#pragma GCC visibility pop

#endif
