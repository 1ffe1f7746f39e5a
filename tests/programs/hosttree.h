/*
 * hosttree.h: what hostenter says to hosttree: one message, with these descriptors; the answer is a wait status.
 */
#ifndef HOSTTREE_H
#define HOSTTREE_H

/* 0 to 2 are the command's standard input, output and error. */
#define HOSTTREE_CWD 3
#define HOSTTREE_BLOCK 4 /* a file with the arguments, then the variables, each ending with NUL */
#define HOSTTREE_FDS 5

struct hosttree_order {
	unsigned arguments;
	unsigned variables;
};

#endif
