/* lb_subcalls.h - Requests of ioctl(2) and commands of fcntl(2) that travel.
 *
 * Calls that are many in one.
 */
#ifndef LB_SUBCALLS_H
#define LB_SUBCALLS_H

#include "lb_operands.h"

/* ioctl(2) requests that travel: X(request, flags, operand of argument 2). Others bring the process home,
 * because the size behind the pointer, and what it points to, are not known. */
#define LB_IOCTL_MAP(X) \
	X(0x5401, 0, OUT_STRUCT(36))            /* TCGETS: struct termios of the kernel */ \
	X(0x5402, LB_BLOCKS, IN_STRUCT(36))     /* TCSETS: a background process may be stopped */ \
	X(0x5403, LB_BLOCKS, IN_STRUCT(36))     /* TCSETSW */ \
	X(0x5404, LB_BLOCKS, IN_STRUCT(36))     /* TCSETSF */ \
	X(0x5409, LB_BLOCKS, V)                 /* TCSBRK */ \
	X(0x540a, LB_BLOCKS, V)                 /* TCXONC */ \
	X(0x540b, LB_BLOCKS, V)                 /* TCFLSH */ \
	X(0x540c, 0, V)                         /* TIOCEXCL */ \
	X(0x540d, 0, V)                         /* TIOCNXCL */ \
	X(0x540e, 0, V)                         /* TIOCSCTTY */ \
	X(0x540f, 0, OUT_STRUCT(4))             /* TIOCGPGRP */ \
	X(0x5410, LB_BLOCKS, IN_STRUCT(4))      /* TIOCSPGRP */ \
	X(0x5411, 0, OUT_STRUCT(4))             /* TIOCOUTQ */ \
	X(0x5412, 0, IN_STRUCT(1))              /* TIOCSTI */ \
	X(0x5413, 0, OUT_STRUCT(8))             /* TIOCGWINSZ */ \
	X(0x5414, 0, IN_STRUCT(8))              /* TIOCSWINSZ */ \
	X(0x541b, 0, OUT_STRUCT(4))             /* FIONREAD */ \
	X(0x5421, 0, IN_STRUCT(4))              /* FIONBIO */ \
	X(0x5422, 0, V)                         /* TIOCNOTTY */ \
	X(0x5425, LB_BLOCKS, V)                 /* TCSBRKP */ \
	X(0x5429, 0, OUT_STRUCT(4))             /* TIOCGSID */ \
	X(0x5430, 0, OUT_STRUCT(4))             /* TIOCGPTN: unsigned int, _IOR('T', 0x30), old form */ \
	X(0x80045430, 0, OUT_STRUCT(4))         /* TIOCGPTN */ \
	X(0x40045431, 0, IN_STRUCT(4))          /* TIOCSPTLCK */ \
	X(0x5441, LB_BLOCKS, V)                 /* TIOCGPTPEER */ \
	X(0x5450, 0, V)                         /* FIONCLEX */ \
	X(0x5451, 0, V)                         /* FIOCLEX */ \
	X(0x5452, 0, IN_STRUCT(4))              /* FIOASYNC */ \
	X(0x802c542a, 0, OUT_STRUCT(44))        /* TCGETS2 */ \
	X(0x402c542b, LB_BLOCKS, IN_STRUCT(44)) /* TCSETS2 */ \
	X(0x402c542c, LB_BLOCKS, IN_STRUCT(44)) /* TCSETSW2 */ \
	X(0x402c542d, LB_BLOCKS, IN_STRUCT(44)) /* TCSETSF2 */ \
	X(0x80086601, 0, OUT_STRUCT(4))         /* FS_IOC_GETFLAGS: the kernel writes an int, ioctl_iflags(2) */ \
	X(0x40049409, LB_BLOCKS, V)             /* FICLONE */ \
	X(0x80081272, 0, OUT_STRUCT(8))         /* BLKGETSIZE64 */ \
	X(0x1268, 0, OUT_STRUCT(4))             /* BLKSSZGET */ \
	/* more of terminals */ \
	X(0x5405, 0, OUT_STRUCT(18))        /* TCGETA: struct termio */ \
	X(0x5406, LB_BLOCKS, IN_STRUCT(18)) /* TCSETA */ \
	X(0x5407, LB_BLOCKS, IN_STRUCT(18)) /* TCSETAW */ \
	X(0x5408, LB_BLOCKS, IN_STRUCT(18)) /* TCSETAF */ \
	X(0x5415, 0, OUT_STRUCT(4))         /* TIOCMGET */ \
	X(0x5416, 0, IN_STRUCT(4))          /* TIOCMBIS */ \
	X(0x5417, 0, IN_STRUCT(4))          /* TIOCMBIC */ \
	X(0x5418, 0, IN_STRUCT(4))          /* TIOCMSET */ \
	X(0x5419, 0, OUT_STRUCT(4))         /* TIOCGSOFTCAR */ \
	X(0x541a, 0, IN_STRUCT(4))          /* TIOCSSOFTCAR */ \
	X(0x5420, 0, IN_STRUCT(4))          /* TIOCPKT */ \
	X(0x5423, 0, IN_STRUCT(4))          /* TIOCSETD */ \
	X(0x5424, 0, OUT_STRUCT(4))         /* TIOCGETD */ \
	X(0x5427, 0, V)                     /* TIOCSBRK */ \
	X(0x5428, 0, V)                     /* TIOCCBRK */ \
	X(0x5437, LB_BLOCKS, V)             /* TIOCVHANGUP */ \
	X(0x5460, 0, OUT_STRUCT(8))         /* FIOQSIZE */ \
	X(0x80045432, 0, OUT_STRUCT(4))     /* TIOCGDEV */ \
	X(0x40045436, 0, V)                 /* TIOCSIG: the signal itself */ \
	X(0x80045438, 0, OUT_STRUCT(4))     /* TIOCGPKT */ \
	X(0x80045439, 0, OUT_STRUCT(4))     /* TIOCGPTLCK */ \
	X(0x80045440, 0, OUT_STRUCT(4))     /* TIOCGEXCL */ \
	/* sockets and interfaces: struct ifreq */ \
	X(0x8901, 0, IN_STRUCT(4))     /* FIOSETOWN */ \
	X(0x8902, 0, IN_STRUCT(4))     /* SIOCSPGRP */ \
	X(0x8903, 0, OUT_STRUCT(4))    /* FIOGETOWN */ \
	X(0x8904, 0, OUT_STRUCT(4))    /* SIOCGPGRP */ \
	X(0x8905, 0, OUT_STRUCT(4))    /* SIOCATMARK */ \
	X(0x8906, 0, OUT_STRUCT(16))   /* SIOCGSTAMP, old form */ \
	X(0x8910, 0, INOUT_STRUCT(40)) /* SIOCGIFNAME */ \
	X(0x8913, 0, INOUT_STRUCT(40)) /* SIOCGIFFLAGS */ \
	X(0x8914, 0, INOUT_STRUCT(40)) /* SIOCSIFFLAGS */ \
	X(0x8915, 0, INOUT_STRUCT(40)) /* SIOCGIFADDR */ \
	X(0x8917, 0, INOUT_STRUCT(40)) /* SIOCGIFDSTADDR */ \
	X(0x8919, 0, INOUT_STRUCT(40)) /* SIOCGIFBRDADDR */ \
	X(0x891b, 0, INOUT_STRUCT(40)) /* SIOCGIFNETMASK */ \
	X(0x891d, 0, INOUT_STRUCT(40)) /* SIOCGIFMETRIC */ \
	X(0x8921, 0, INOUT_STRUCT(40)) /* SIOCGIFMTU */ \
	X(0x8927, 0, INOUT_STRUCT(40)) /* SIOCGIFHWADDR */ \
	X(0x8933, 0, INOUT_STRUCT(40)) /* SIOCGIFINDEX */ \
	X(0x8942, 0, INOUT_STRUCT(40)) /* SIOCGIFTXQLEN */ \
	X(0x8970, 0, INOUT_STRUCT(40)) /* SIOCGIFMAP */ \
	/* files and file systems */ \
	X(0x1, 0, INOUT_STRUCT(4))                 /* FIBMAP */ \
	X(0x2, 0, OUT_STRUCT(4))                   /* FIGETBSZ */ \
	X(0x40086602, LB_BLOCKS, IN_STRUCT(4))     /* FS_IOC_SETFLAGS: the kernel reads an int */ \
	X(0x80087601, 0, OUT_STRUCT(4))            /* FS_IOC_GETVERSION: the kernel writes an int */ \
	X(0x801c581f, 0, OUT_STRUCT(28))           /* FS_IOC_FSGETXATTR */ \
	X(0x401c5820, LB_BLOCKS, IN_STRUCT(28))    /* FS_IOC_FSSETXATTR */ \
	X(0x81009431, 0, OUT_STRUCT(256))          /* FS_IOC_GETFSLABEL */ \
	X(0x4020940d, LB_BLOCKS, IN_STRUCT(32))    /* FICLONERANGE */ \
	X(0xc0185879, LB_BLOCKS, INOUT_STRUCT(24)) /* FITRIM */ \
	X(0x125e, 0, OUT_STRUCT(4))                /* BLKROGET */ \
	X(0x1260, 0, OUT_STRUCT(8))                /* BLKGETSIZE */ \
	X(0x1261, LB_BLOCKS, V)                    /* BLKFLSBUF */ \
	X(0x80081270, 0, OUT_STRUCT(4))            /* BLKBSZGET: the kernel writes an int */ \
	X(0x1278, 0, OUT_STRUCT(4))                /* BLKIOMIN */ \
	X(0x1279, 0, OUT_STRUCT(4))                /* BLKIOOPT */ \
	X(0x127a, 0, OUT_STRUCT(4))                /* BLKALIGNOFF */ \
	X(0x127b, 0, OUT_STRUCT(4))                /* BLKPBSZGET */ \
	X(0x127e, 0, OUT_STRUCT(2))                /* BLKROTATIONAL */ \
	X(0x80045200, 0, OUT_STRUCT(4))            /* RNDGETENTCNT */ \
	X(0x40085400, 0, IN_STRUCT(8))             /* TFD_IOC_SET_TICKS */ \
	X(0xb701, 0, V)                            /* NS_GET_USERNS */ \
	X(0xb702, 0, V)                            /* NS_GET_PARENT */ \
	X(0xb703, 0, V)                            /* NS_GET_NSTYPE */ \
	X(0xb704, 0, OUT_STRUCT(4))                /* NS_GET_OWNER_UID */

/* fcntl(2) commands whose argument is a pointer; all others take a value: X(command, flags, operand). */
#define LB_FCNTL_MAP(X) \
	X(5, 0, INOUT_STRUCT(32))       /* F_GETLK: struct flock */ \
	X(6, 0, IN_STRUCT(32))          /* F_SETLK */ \
	X(7, LB_BLOCKS, IN_STRUCT(32))  /* F_SETLKW */ \
	X(15, 0, IN_STRUCT(8))          /* F_SETOWN_EX: struct f_owner_ex */ \
	X(16, 0, OUT_STRUCT(8))         /* F_GETOWN_EX */ \
	X(17, 0, OUT_STRUCT(8))         /* F_GETOWNER_UIDS */ \
	X(36, 0, INOUT_STRUCT(32))      /* F_OFD_GETLK */ \
	X(37, 0, IN_STRUCT(32))         /* F_OFD_SETLK */ \
	X(38, LB_BLOCKS, IN_STRUCT(32)) /* F_OFD_SETLKW */ \
	X(1035, 0, OUT_STRUCT(8))       /* F_GET_RW_HINT */ \
	X(1036, 0, IN_STRUCT(8))        /* F_SET_RW_HINT */ \
	X(1037, 0, OUT_STRUCT(8))       /* F_GET_FILE_RW_HINT */ \
	X(1038, 0, IN_STRUCT(8))        /* F_SET_FILE_RW_HINT */

#endif
