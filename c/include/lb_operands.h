/* lb_operands.h - Words of the system call table.
 *
 * Where a call runs, and how one argument of it travels.
 */
#ifndef LB_OPERANDS_H
#define LB_OPERANDS_H

/* Kinds of arguments, as 32-bit words: kind in the low byte, then index k of the argument that holds the
 * length (byte 1), then bytes an element or bytes of a fixed struct (upper half; 0: k counts bits). An OUT
 * argument is filled on success, an INOUT one keeps what the kernel does not write. */
enum lb_operand {
	LB_OPERAND_VALUE = 0,
	LB_OPERAND_FD = 1,     /* a descriptor; travels as a value */
	LB_OPERAND_PATH = 2,   /* NUL-terminated, at most PATH_MAX */
	LB_OPERAND_STRING = 3, /* NUL-terminated, not a path: at most PATH_MAX too */
	LB_OPERAND_IN = 4,
	LB_OPERAND_OUT = 5,
	LB_OPERAND_INOUT = 6,
	LB_OPERAND_IOV_IN = 7, /* iovec array; travels as one buffer, and a list of its pieces */
	LB_OPERAND_IOV_OUT = 8,
};
#define LB_NO_LENGTH 0xffu
#define LB_LENGTH_INDEX 0x07u
#define LB_LENGTH_INT 0x20u    /* with k: argument k is an int: home refuses a negative one */
#define LB_LENGTH_BEHIND 0x40u /* with k: argument k points to the length, such an int */
#define LB_LENGTH_GIVEN 0x80u  /* the lb_own_ function of the call tells it: struct lb_trap */
#define LB_OPERAND_OF(kind, k, bytes) ((uint32_t)(kind) | (uint32_t)(k) << 8 | (uint32_t)(bytes) << 16)
#define LB_OPERAND_KIND(word) ((word) & 0xffu)
#define LB_OPERAND_LENGTH(word) ((word) >> 8 & 0xffu)
#define LB_OPERAND_BYTES(word) ((word) >> 16)

#define V LB_OPERAND_OF(LB_OPERAND_VALUE, LB_NO_LENGTH, 0)
#define FD LB_OPERAND_OF(LB_OPERAND_FD, LB_NO_LENGTH, 0)
#define PATH LB_OPERAND_OF(LB_OPERAND_PATH, LB_NO_LENGTH, 0)
#define STR LB_OPERAND_OF(LB_OPERAND_STRING, LB_NO_LENGTH, 0)
#define IN(k) LB_OPERAND_OF(LB_OPERAND_IN, k, 1)
#define IN_INT(k) LB_OPERAND_OF(LB_OPERAND_IN, (k) | LB_LENGTH_INT, 1)
#define OUT(k) LB_OPERAND_OF(LB_OPERAND_OUT, k, 1)
#define IN_ARRAY(k, bytes) LB_OPERAND_OF(LB_OPERAND_IN, k, bytes)
#define OUT_ARRAY(k, bytes) LB_OPERAND_OF(LB_OPERAND_OUT, k, bytes)
#define INOUT_ARRAY(k, bytes) LB_OPERAND_OF(LB_OPERAND_INOUT, k, bytes)
#define IN_STRUCT(bytes) LB_OPERAND_OF(LB_OPERAND_IN, LB_NO_LENGTH, bytes)
#define OUT_STRUCT(bytes) LB_OPERAND_OF(LB_OPERAND_OUT, LB_NO_LENGTH, bytes)
#define INOUT_STRUCT(bytes) LB_OPERAND_OF(LB_OPERAND_INOUT, LB_NO_LENGTH, bytes)
#define INOUT(k) LB_OPERAND_OF(LB_OPERAND_INOUT, k, 1)
#define IN_GIVEN LB_OPERAND_OF(LB_OPERAND_IN, LB_LENGTH_GIVEN, 1)
#define INOUT_GIVEN LB_OPERAND_OF(LB_OPERAND_INOUT, LB_LENGTH_GIVEN, 1)
#define INOUT_BITS(k) LB_OPERAND_OF(LB_OPERAND_INOUT, k, 0)
#define INOUT_BEHIND(k) LB_OPERAND_OF(LB_OPERAND_INOUT, (k) | LB_LENGTH_BEHIND, 1)
#define IOV_IN(k) LB_OPERAND_OF(LB_OPERAND_IOV_IN, k, 1)
#define IOV_OUT(k) LB_OPERAND_OF(LB_OPERAND_IOV_OUT, k, 1)

enum lb_where { LB_COME = 0, LB_HOME, LB_HERE, LB_OWN, LB_REFUSED };

/* Flags of a row. */
#define LB_BLOCKS 1u     /* may wait long: executed cancellable */
#define LB_RESULT 2u     /* the result is the number of bytes of the output that are used */
#define LB_SPLIT_READ 4u /* longer than LB_LINK_DATA_SIZE_MAX: several calls */
#define LB_SPLIT_WRITE 8u
#define LB_OFFSET 16u     /* argument 3 is a file offset that a split call advances */
#define LB_NO_RESTART 32u /* ends with EINTR after any handler, whatever SA_RESTART says: signal(7) */

/* struct sizes of the x86-64 kernel ABI (Linux 6.12, include/uapi) */
#define LB_STAT_SIZE 144
#define LB_STATX_SIZE 256
#define LB_STATFS_SIZE 120
#define LB_TIMESPEC_SIZE 16
#define LB_ITIMERSPEC_SIZE 32
#define LB_RUSAGE_SIZE 144
#define LB_SIGINFO_SIZE 128
#define LB_UTSNAME_SIZE 390
#define LB_SYSINFO_SIZE 112

#endif
