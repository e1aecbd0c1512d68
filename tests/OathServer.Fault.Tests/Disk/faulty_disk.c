/* A disk that can lose power and fail, put under a process by LD_PRELOAD. Watches the files FAULTY_DISK_FILES* only.
 *
 * Power loss: with FAULTY_DISK_MIRROR set, what is written to a watched file reaches the file of the same name in that
 * folder only when the file is synced. After a kill the mirror is what a disk would hold: nothing that was not synced.
 * A kill in the middle of a sync leaves a part of it there, as a power cut would.
 *
 * Faults: FAULTY_DISK_CONTROL names a file of the shape `struct control` below, shared with the test, which says
 * which of the coming writes, syncs and truncations fail, and how, and how slow syncs are.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct control {
    atomic_long calls;     /* writes, syncs and truncations of watched files so far */
    atomic_long fail_from; /* the first call that fails, counted as above; 0: none */
    atomic_long fail_to;   /* the last one */
    atomic_long fail_each; /* and every so many calls one more; 0: none */
    atomic_long error;     /* the errno they fail with */
    atomic_long half;      /* not 0: a failing write writes the first half all the same */
    atomic_long failed;    /* calls that were made to fail */
    atomic_long slow;      /* milliseconds that each sync takes longer; a sync under way ends early when it is lowered */
};

struct range { off_t from, to; };

struct file {
    char path[PATH_MAX];
    int mirror;
    struct range *dirty;
    size_t count, room;
    off_t truncated; /* smallest size since the last sync; -1: not truncated */
};

enum { FILES = 64, DESCRIPTORS = 65536 };
static struct file files[FILES];
static signed char file_of[DESCRIPTORS]; /* 1 + index; 0: not watched */
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static const char *watched, *mirror;
static struct control *control;

static int (*real_open)(const char *, int, ...);
static int (*real_close)(int);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_ftruncate)(int, off_t);
static int (*real_unlink)(const char *);

/* PostgreSQL writes its title over its first environment. */
static const char *kept(const char *value) {
    return value == NULL ? NULL : strdup(value);
}

__attribute__((constructor)) static void begin(void) {
    if (real_open != NULL)
        return;
    real_open = dlsym(RTLD_NEXT, "open64");
    real_close = dlsym(RTLD_NEXT, "close");
    real_write = dlsym(RTLD_NEXT, "write");
    real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
    real_unlink = dlsym(RTLD_NEXT, "unlink");
    watched = kept(getenv("FAULTY_DISK_FILES"));
    mirror = kept(getenv("FAULTY_DISK_MIRROR"));
    const char *path = getenv("FAULTY_DISK_CONTROL");
    if (path != NULL) {
        int fd = real_open(path, O_RDWR);
        control = fd < 0 ? NULL : mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (fd < 0 || control == MAP_FAILED) {
            perror(path);
            abort();
        }
        real_close(fd);
    }
}

static int is_watched(const char *path) {
    if (watched == NULL || strncmp(path, watched, strlen(watched)) != 0)
        return 0;
    size_t length = strlen(path); /* the shared memory of SQLite is memory */
    return length < 4 || strcmp(path + length - 4, "-shm") != 0;
}

static int mirror_path(const char *path, char *into) {
    const char *name = strrchr(path, '/');
    return snprintf(into, PATH_MAX, "%s/%s", mirror, name == NULL ? path : name + 1) < PATH_MAX;
}

static void opened(int fd, const char *path) {
    if (fd < 0 || fd >= DESCRIPTORS || !is_watched(path))
        return;
    pthread_mutex_lock(&turn);
    int i = 0;
    while (i < FILES && files[i].path[0] != 0 && strcmp(files[i].path, path) != 0)
        i++;
    if (i == FILES)
        abort();
    if (files[i].path[0] == 0) {
        strcpy(files[i].path, path);
        files[i].truncated = -1;
        files[i].mirror = -1;
    }
    char copy[PATH_MAX];
    if (mirror != NULL && files[i].mirror < 0 && mirror_path(path, copy))
        files[i].mirror = real_open(copy, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    file_of[fd] = (signed char)(i + 1);
    pthread_mutex_unlock(&turn);
}

static struct file *file_at(int fd) {
    return fd >= 0 && fd < DESCRIPTORS && file_of[fd] != 0 ? &files[file_of[fd] - 1] : NULL;
}

/* Whether this call is to fail; sets errno. */
static int fails(void) {
    if (control == NULL)
        return 0;
    long call = atomic_fetch_add(&control->calls, 1) + 1;
    long from = atomic_load(&control->fail_from), each = atomic_load(&control->fail_each);
    if ((from == 0 || call < from || call > atomic_load(&control->fail_to)) && (each == 0 || call % each != 0))
        return 0;
    atomic_fetch_add(&control->failed, 1);
    errno = (int)atomic_load(&control->error);
    return 1;
}

static void wrote(struct file *f, off_t from, ssize_t length) {
    if (f->mirror < 0 || length <= 0)
        return;
    off_t to = from + length;
    if (f->count > 0 && f->dirty[f->count - 1].to == from) { /* a frame's head, then its page */
        f->dirty[f->count - 1].to = to;
        return;
    }
    if (f->count == f->room) {
        f->room = f->room == 0 ? 256 : f->room * 2;
        f->dirty = realloc(f->dirty, f->room * sizeof *f->dirty);
        if (f->dirty == NULL)
            abort();
    }
    f->dirty[f->count++] = (struct range){from, to};
}

static void synced(struct file *f, int fd) {
    if (f->mirror < 0)
        return;
    if (f->truncated >= 0)
        real_ftruncate(f->mirror, f->truncated);
    static char buffer[1 << 16];
    for (size_t i = 0; i < f->count; i++) {
        for (off_t at = f->dirty[i].from; at < f->dirty[i].to;) {
            size_t want = (size_t)(f->dirty[i].to - at);
            ssize_t got = pread(fd, buffer, want < sizeof buffer ? want : sizeof buffer, at);
            if (got <= 0)
                break;
            real_pwrite(f->mirror, buffer, (size_t)got, at);
            at += got;
        }
    }
    f->count = 0;
    f->truncated = -1;
}

#define OPEN_BODY                                   \
    int mode = 0;                                   \
    if (flags & (O_CREAT | O_TMPFILE)) {            \
        va_list rest;                               \
        va_start(rest, flags);                      \
        mode = va_arg(rest, int);                   \
        va_end(rest);                               \
    }                                               \
    if (real_open == NULL)                          \
        begin(); /* of another library */          \
    int fd = real_open(path, flags, mode);          \
    opened(fd, path);                               \
    return fd;

int open(const char *path, int flags, ...) { OPEN_BODY }
int open64(const char *path, int flags, ...) { OPEN_BODY }

int close(int fd) {
    if (fd >= 0 && fd < DESCRIPTORS)
        file_of[fd] = 0;
    if (real_close == NULL)
        begin();
    return real_close(fd);
}

static ssize_t put(int fd, const void *data, size_t length, off_t at, int placed) {
    struct file *f = file_at(fd);
    if (f == NULL)
        return placed ? real_pwrite(fd, data, length, at) : real_write(fd, data, length);
    pthread_mutex_lock(&turn);
    if (!placed)
        at = lseek(fd, 0, SEEK_CUR);
    int fault = fails(), error = errno;
    ssize_t done = 0;
    if (!fault || atomic_load(&control->half)) {
        size_t part = fault ? length / 2 : length;
        done = placed ? real_pwrite(fd, data, part, at) : real_write(fd, data, part);
        if (!fault)
            error = errno;
        wrote(f, at, done);
    }
    pthread_mutex_unlock(&turn);
    errno = error;
    return fault ? -1 : done;
}

ssize_t write(int fd, const void *data, size_t length) { return put(fd, data, length, 0, 0); }
ssize_t pwrite(int fd, const void *data, size_t length, off_t at) { return put(fd, data, length, at, 1); }
ssize_t pwrite64(int fd, const void *data, size_t length, off_t at) { return put(fd, data, length, at, 1); }

static void dawdle(void) {
    for (long waited = 0; control != NULL && waited < atomic_load(&control->slow); waited += 5)
        usleep(5000);
}

static int sync_by(int (*real)(int), int fd) {
    struct file *f = file_at(fd);
    if (f == NULL)
        return real(fd);
    dawdle();
    pthread_mutex_lock(&turn);
    int result = -1;
    if (!fails()) {
        result = real(fd);
        if (result == 0)
            synced(f, fd);
    }
    int error = errno;
    pthread_mutex_unlock(&turn);
    errno = error;
    return result;
}

int fsync(int fd) { return sync_by(real_fsync, fd); }
int fdatasync(int fd) { return sync_by(real_fdatasync, fd); }

static int cut(int fd, off_t size) {
    struct file *f = file_at(fd);
    if (f == NULL)
        return real_ftruncate(fd, size);
    pthread_mutex_lock(&turn);
    int result = -1;
    if (!fails()) {
        result = real_ftruncate(fd, size);
        if (result == 0 && f->mirror >= 0 && (f->truncated < 0 || size < f->truncated))
            f->truncated = size;
    }
    int error = errno;
    pthread_mutex_unlock(&turn);
    errno = error;
    return result;
}

int ftruncate(int fd, off_t size) { return cut(fd, size); }
int ftruncate64(int fd, off_t size) { return cut(fd, size); }

int unlink(const char *path) {
    int result = real_unlink(path);
    char copy[PATH_MAX];
    if (result == 0 && mirror != NULL && is_watched(path) && mirror_path(path, copy)) {
        pthread_mutex_lock(&turn);
        for (int i = 0; i < FILES; i++) {
            if (strcmp(files[i].path, path) == 0 && files[i].mirror >= 0) {
                real_close(files[i].mirror);
                files[i].mirror = -1;
                files[i].count = 0;
                files[i].truncated = -1;
            }
        }
        real_unlink(copy);
        pthread_mutex_unlock(&turn);
    }
    return result;
}
