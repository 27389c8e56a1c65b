/* A file layer that fails, for tests of the store: LD_PRELOAD=faults.so.
 *
 * Counts the calls that change a file whose name contains $FAULTS_NAME, and at call number $FAULTS_AT does what
 * $FAULTS_MODE says:
 *   fail   nothing is done, EIO          full    nothing is done, ENOSPC
 *   short  half is written, then EIO     stop    half is written, and the process ends
 * "short" and "stop" of a call that writes nothing: it is not done. Later calls are done as ever.
 * Nothing is put on the disk: a process that ends leaves what it has written to the system, and tests are faster so.
 * At its end the process writes the number of calls to the file $FAULTS_COUNT. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#define FILES 1024
static char watched[FILES]; /* by descriptor */
static atomic_long calls;
static const char *name, *mode;
static long at;

__attribute__((constructor)) static void begin(void)
{
    const char *number = getenv("FAULTS_AT");
    name = getenv("FAULTS_NAME");
    mode = getenv("FAULTS_MODE");
    at = number ? atol(number) : 0;
}

__attribute__((destructor)) static void end(void)
{
    const char *path = getenv("FAULTS_COUNT");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (file) {
        fprintf(file, "%ld\n", atomic_load(&calls));
        fclose(file);
    }
}

#define REAL(function) \
    static __typeof__(function) *real; \
    if (!real) \
        *(void **)&real = dlsym(RTLD_NEXT, #function)

/* Whether this is the call that goes wrong. */
static int strikes(void)
{
    return name && atomic_fetch_add(&calls, 1) + 1 == at;
}

static int is_mode(const char *asked) { return mode && strcmp(mode, asked) == 0; }

/* What goes wrong with a call that writes nothing. */
static int struck(void)
{
    if (is_mode("stop"))
        _exit(137);
    errno = is_mode("full") ? ENOSPC : EIO;
    return -1;
}

static int is_watched(int fd) { return fd >= 0 && fd < FILES && watched[fd]; }
static int is_named(const char *path) { return name && path && strstr(path, name) != NULL; }

static ssize_t half_written(ssize_t half)
{
    (void)half;
    return struck();
}

#define IS_PARTIAL (is_mode("short") || is_mode("stop"))

ssize_t write(int fd, const void *bytes, size_t count)
{
    REAL(write);
    if (is_watched(fd) && strikes())
        return half_written(IS_PARTIAL ? real(fd, bytes, count / 2) : 0);
    return real(fd, bytes, count);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset)
{
    REAL(pwrite);
    if (is_watched(fd) && strikes())
        return half_written(IS_PARTIAL ? real(fd, bytes, count / 2, offset) : 0);
    return real(fd, bytes, count, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset)
{
    REAL(pwrite64);
    if (is_watched(fd) && strikes())
        return half_written(IS_PARTIAL ? real(fd, bytes, count / 2, offset) : 0);
    return real(fd, bytes, count, offset);
}

int fsync(int fd)
{
    REAL(fsync);
    if (is_watched(fd))
        return strikes() ? struck() : 0;
    return real(fd);
}

int fdatasync(int fd)
{
    REAL(fdatasync);
    if (is_watched(fd))
        return strikes() ? struck() : 0;
    return real(fd);
}

int ftruncate(int fd, off_t length)
{
    REAL(ftruncate);
    return is_watched(fd) && strikes() ? struck() : real(fd, length);
}

int ftruncate64(int fd, off64_t length)
{
    REAL(ftruncate64);
    return is_watched(fd) && strikes() ? struck() : real(fd, length);
}

int unlink(const char *path)
{
    REAL(unlink);
    return is_named(path) && strikes() ? struck() : real(path);
}

int rename(const char *from, const char *to)
{
    REAL(rename);
    return (is_named(from) || is_named(to)) && strikes() ? struck() : real(from, to);
}

/* Remembers a descriptor, and lets the opening of a file that may have to be made go wrong. */
static int opened(const char *path, int fd)
{
    if (fd >= 0 && fd < FILES)
        watched[fd] = is_named(path);
    return fd;
}

#define OPEN(function) \
    int function(const char *path, int flags, ...) \
    { \
        REAL(function); \
        va_list more; \
        va_start(more, flags); \
        mode_t permissions = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(more, mode_t) : 0; \
        va_end(more); \
        if ((flags & O_CREAT) && is_named(path) && strikes()) \
            return struck(); \
        return opened(path, real(path, flags, permissions)); \
    }

OPEN(open)
OPEN(open64)

int close(int fd)
{
    REAL(close);
    if (is_watched(fd))
        watched[fd] = 0;
    return real(fd);
}
