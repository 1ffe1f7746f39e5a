/* text.h - short texts of the freestanding parts: copied, and read as numbers. */
#ifndef LB_TEXT_H
#define LB_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* Copies as much as fits with a NUL behind it; the rest of `to` is zeros. */
static inline void lb_text_copy(char *to, const char *from, size_t size)
{
	size_t n = 0;
	for (; n + 1 < size && from[n]; n++)
		to[n] = from[n];
	for (; n < size; n++)
		to[n] = 0;
}

/* Reads hexadecimal digits up to the first other character, and moves there. */
static inline uint64_t lb_parse_hex(const char **at)
{
	uint64_t value = 0;
	for (;; (*at)++) {
		char c = **at;
		if (c >= '0' && c <= '9')
			value = value * 16 + (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value * 16 + (uint64_t)(c - 'a' + 10);
		else
			return value;
	}
}

#endif
