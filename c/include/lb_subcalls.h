/* lb_subcalls.h - calls that are many in one: the requests of ioctl(2) and the commands of fcntl(2) that travel. */
#ifndef LB_SUBCALLS_H
#define LB_SUBCALLS_H

#include "lb_operands.h"

/* ioctl(2) requests that travel: X(request, flags, operand of argument 2). Others bring the process home,
 * because the size behind the pointer is not known. */
#define LB_IOCTL_MAP(X) \
	X(0x5401, 0, OUT_STRUCT(36)) /* TCGETS: struct termios of the kernel */ \
	X(0x5402, LB_BLOCKS, IN_STRUCT(36)) /* TCSETS: a background process may be stopped */ \
	X(0x5403, LB_BLOCKS, IN_STRUCT(36)) /* TCSETSW */ \
	X(0x5404, LB_BLOCKS, IN_STRUCT(36)) /* TCSETSF */ \
	X(0x5409, LB_BLOCKS, V) /* TCSBRK */ \
	X(0x540a, LB_BLOCKS, V) /* TCXONC */ \
	X(0x540b, LB_BLOCKS, V) /* TCFLSH */ \
	X(0x540c, 0, V) /* TIOCEXCL */ \
	X(0x540d, 0, V) /* TIOCNXCL */ \
	X(0x540e, 0, V) /* TIOCSCTTY */ \
	X(0x540f, 0, OUT_STRUCT(4)) /* TIOCGPGRP */ \
	X(0x5410, LB_BLOCKS, IN_STRUCT(4)) /* TIOCSPGRP */ \
	X(0x5411, 0, OUT_STRUCT(4)) /* TIOCOUTQ */ \
	X(0x5412, 0, IN_STRUCT(1)) /* TIOCSTI */ \
	X(0x5413, 0, OUT_STRUCT(8)) /* TIOCGWINSZ */ \
	X(0x5414, 0, IN_STRUCT(8)) /* TIOCSWINSZ */ \
	X(0x541b, 0, OUT_STRUCT(4)) /* FIONREAD */ \
	X(0x5421, 0, IN_STRUCT(4)) /* FIONBIO */ \
	X(0x5422, 0, V) /* TIOCNOTTY */ \
	X(0x5425, LB_BLOCKS, V) /* TCSBRKP */ \
	X(0x5429, 0, OUT_STRUCT(4)) /* TIOCGSID */ \
	X(0x5430, 0, OUT_STRUCT(4)) /* TIOCGPTN: unsigned int, _IOR('T', 0x30), old form */ \
	X(0x80045430, 0, OUT_STRUCT(4)) /* TIOCGPTN */ \
	X(0x40045431, 0, IN_STRUCT(4)) /* TIOCSPTLCK */ \
	X(0x5441, LB_BLOCKS, V) /* TIOCGPTPEER */ \
	X(0x5450, 0, V) /* FIONCLEX */ \
	X(0x5451, 0, V) /* FIOCLEX */ \
	X(0x5452, 0, IN_STRUCT(4)) /* FIOASYNC */ \
	X(0x802c542a, 0, OUT_STRUCT(44)) /* TCGETS2 */ \
	X(0x402c542b, LB_BLOCKS, IN_STRUCT(44)) /* TCSETS2 */ \
	X(0x402c542c, LB_BLOCKS, IN_STRUCT(44)) /* TCSETSW2 */ \
	X(0x402c542d, LB_BLOCKS, IN_STRUCT(44)) /* TCSETSF2 */ \
	X(0x80086601, 0, OUT_STRUCT(4)) /* FS_IOC_GETFLAGS: the kernel writes an int, ioctl_iflags(2) */ \
	X(0x40049409, LB_BLOCKS, V) /* FICLONE */ \
	X(0x80081272, 0, OUT_STRUCT(8)) /* BLKGETSIZE64 */ \
	X(0x1268, 0, OUT_STRUCT(4)) /* BLKSSZGET */

/* fcntl(2) commands whose argument is a pointer; all others take a value: X(command, flags, operand). */
#define LB_FCNTL_MAP(X) \
	X(5, 0, INOUT_STRUCT(32)) /* F_GETLK: struct flock */ \
	X(6, 0, IN_STRUCT(32)) /* F_SETLK */ \
	X(7, LB_BLOCKS, IN_STRUCT(32)) /* F_SETLKW */ \
	X(15, 0, IN_STRUCT(8)) /* F_SETOWN_EX: struct f_owner_ex */ \
	X(16, 0, OUT_STRUCT(8)) /* F_GETOWN_EX */ \
	X(17, 0, OUT_STRUCT(8)) /* F_GETOWNER_UIDS */ \
	X(36, 0, INOUT_STRUCT(32)) /* F_OFD_GETLK */ \
	X(37, 0, IN_STRUCT(32)) /* F_OFD_SETLK */ \
	X(38, LB_BLOCKS, IN_STRUCT(32)) /* F_OFD_SETLKW */ \
	X(1035, 0, OUT_STRUCT(8)) /* F_GET_RW_HINT */ \
	X(1036, 0, IN_STRUCT(8)) /* F_SET_RW_HINT */ \
	X(1037, 0, OUT_STRUCT(8)) /* F_GET_FILE_RW_HINT */ \
	X(1038, 0, IN_STRUCT(8)) /* F_SET_FILE_RW_HINT */

#endif
