// A disk that fails when it is told to, for one process: preloaded, it answers in the kernel's place as the kernel does
// when a disk no longer takes anything (EIO at a sync) or was made read-only under a running program (EROFS).
// What is told is a file's name in the folder that FAILING_DISK names: `sync` or `read-only`.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int told(const char *what) {
    char path[4096];
    const char *folder = getenv("FAILING_DISK");
    if (!folder) return 0;
    snprintf(path, sizeof path, "%s/%s", folder, what);
    return access(path, F_OK) == 0;
}

static int is_file(int fd) {
    struct stat found;
    return fstat(fd, &found) == 0 && S_ISREG(found.st_mode);
}

static int refuses(int fd) {
    if (!is_file(fd) || !told("read-only")) return 0;
    errno = EROFS;
    return 1;
}

static int breaks(void) {
    if (!told("sync")) return 0;
    errno = EIO;
    return 1;
}

int fsync(int fd) { return breaks() ? -1 : (int)syscall(SYS_fsync, fd); }
int fdatasync(int fd) { return breaks() ? -1 : (int)syscall(SYS_fdatasync, fd); }

ssize_t write(int fd, const void *bytes, size_t size) {
    return refuses(fd) ? -1 : syscall(SYS_write, fd, bytes, size);
}
ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t at) {
    return refuses(fd) ? -1 : syscall(SYS_pwrite64, fd, bytes, size, at);
}
ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at) { return pwrite64(fd, bytes, size, at); }
int ftruncate64(int fd, off64_t size) { return refuses(fd) ? -1 : (int)syscall(SYS_ftruncate, fd, size); }
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

int open64(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    struct stat found;
    int special = stat(path, &found) == 0 && !S_ISREG(found.st_mode);
    if (flags & (O_WRONLY | O_RDWR | O_CREAT) && !special && told("read-only")) {
        errno = EROFS;
        return -1;
    }
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}
int open(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return open64(path, flags, mode);
}
