"""Keep freed memory in the process."""

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
LARGEST = 2**30


def keep_freed_memory() -> None:
    """Tell glibc not to give every large tensor back to the system.

    By default glibc maps a block of more than 128 KiB anew on each allocation, and the kernel
    zeroes its pages each time. In training on a CPU, this takes about as long as the arithmetic.
    Do nothing if the C library is not glibc.
    """
    if sys.platform == "linux":
        try:
            mallopt = ctypes.CDLL(None).mallopt
        except AttributeError:
            return
        mallopt(M_MMAP_THRESHOLD, LARGEST)
        mallopt(M_TRIM_THRESHOLD, LARGEST)
