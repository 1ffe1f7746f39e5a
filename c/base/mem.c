/* mem.c - Memory functions for the freestanding parts, without SSE.
 *
 * A handler that calls them never touches vector state.
 *
 * Runs in:  preload library, restorer, keeper's restorer blob. No libc, no TLS, no relocations.
 * The compiler calls these by name; rep movsb keeps the loop pass from turning them into themselves.
 */
#include "mem.h"

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
	void *at = to;

	__asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(size) : : "memory");
	return to;
}

void *memmove(void *to, const void *from, size_t size)
{
	unsigned char *end_to = (unsigned char *)to + size - 1;
	const unsigned char *end_from = (const unsigned char *)from + size - 1;

	if ((size_t)to - (size_t)from >= size)
		return memcpy(to, from, size);
	__asm__ volatile("std\n\trep movsb\n\tcld" : "+D"(end_to), "+S"(end_from), "+c"(size) : : "memory");
	return to;
}

void *memset(void *at, int byte, size_t size)
{
	void *start = at;

	__asm__ volatile("rep stosb" : "+D"(at), "+c"(size) : "a"(byte) : "memory");
	return start;
}

int memcmp(const void *a, const void *b, size_t size)
{
	const unsigned char *x = a;
	const unsigned char *y = b;

	for (; size > 0; size--, x++, y++) {
		if (*x != *y)
			return *x < *y ? -1 : 1;
	}
	return 0;
}

size_t strlen(const char *text)
{
	const char *end = text;

	while (*end != '\0') {
		end++;
		__asm__ volatile("" ::: "memory"); /* keep the loop pass from calling strlen */
	}
	return (size_t)(end - text);
}

int strcmp(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b) {
		a++;
		b++;
	}
	return (int)(unsigned char)*a - (int)(unsigned char)*b;
}
