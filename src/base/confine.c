// SPDX-License-Identifier: Apache-2.0
#include "base/confine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/confine_parts.h"
#include "base/str.h"

enum { NOBODY = 65534, FILES_MAX = 64 };

#ifdef __SANITIZE_ADDRESS__
constexpr bool leak_checker = true;
#else
constexpr bool leak_checker = false;
#endif

/* ThreadSanitizer has a thread of its own before main. */
#ifdef __SANITIZE_THREAD__
enum { OWN_THREADS = 2 };
#else
enum { OWN_THREADS = 1 };
#endif

void confine_say(struct confine_report *report, const char *fmt, ...)
{
    size_t n = strlen(report->text);
    if (n && n + 2 < sizeof report->text)
        n += (size_t)snprintf(report->text + n, sizeof report->text - n, "; ");
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(report->text + n, sizeof report->text - n, fmt, ap);
    va_end(ap);
}

static enum err failed(struct confine_report *report, const char *what)
{
    int saved = errno;
    confine_say(report, "cannot be confined: %s: %s", what, strerrordesc_np(saved));
    return ERR_INTERNAL;
}

/* --- limits --- */

static int limit(__rlimit_resource_t resource, rlim_t max)
{
    struct rlimit now;
    if (getrlimit(resource, &now) != 0)
        return -1;
    if (max > now.rlim_max)
        max = now.rlim_max;
    return setrlimit(resource, &(struct rlimit){max, max});
}

static enum err set_limits(const struct confine_rules *rules, struct confine_report *report)
{
    struct stat st;
    bool logs_to_file = fstat(STDERR_FILENO, &st) == 0 && S_ISREG(st.st_mode);
    if (limit(RLIMIT_CORE, 0) != 0 || limit(RLIMIT_NOFILE, FILES_MAX) != 0 ||
        (!logs_to_file && limit(RLIMIT_FSIZE, 0) != 0) ||
        (!rules->threads && !rules->exec && !leak_checker && limit(RLIMIT_NPROC, 0) != 0) ||
        (rules->memory_bytes && limit(RLIMIT_AS, rules->memory_bytes) != 0) ||
        (rules->cpu_seconds && limit(RLIMIT_CPU, rules->cpu_seconds) != 0))
        return failed(report, "limits");
    return OK;
}

/* --- root --- */

static int drop_capabilities(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    return (int)syscall(SYS_capset, &head, none);
}

/* From root to nobody. In a user namespace that has no such user, root is an ordinary user already;
 * its capabilities inside go all the same. */
static enum err drop_root(struct confine_report *report)
{
    int death_signal = 0; /* the kernel forgets it when the user changes */
    (void)prctl(PR_GET_PDEATHSIG, &death_signal);
    if (geteuid() == 0) {
        (void)setgroups(0, nullptr); /* forbidden in some user namespaces, where it means nothing */
        bool mapped = setresgid(NOBODY, NOBODY, NOBODY) == 0 || errno != EINVAL;
        if (mapped && setresuid(NOBODY, NOBODY, NOBODY) != 0)
            return failed(report, "becoming nobody");
    }
    if (drop_capabilities() != 0)
        return failed(report, "capabilities");
    if (death_signal && prctl(PR_SET_PDEATHSIG, death_signal) != 0)
        return failed(report, "the signal at the parent's death");
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? OK : failed(report, "no new privileges");
}

/* --- Landlock: the kernel's documentation, userspace-api/landlock --- */

/* What each version of the interface added; older kernels refuse what they do not know. */
static struct landlock_ruleset_attr all_rights(int abi)
{
    struct landlock_ruleset_attr attr = {
        .handled_access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1,
    };
    if (abi >= 2)
        attr.handled_access_fs |= LANDLOCK_ACCESS_FS_REFER;
    if (abi >= 3)
        attr.handled_access_fs |= LANDLOCK_ACCESS_FS_TRUNCATE;
    if (abi >= 4)
        attr.handled_access_net = LANDLOCK_ACCESS_NET_BIND_TCP | LANDLOCK_ACCESS_NET_CONNECT_TCP;
    if (abi >= 5)
        attr.handled_access_fs |= LANDLOCK_ACCESS_FS_IOCTL_DEV;
    if (abi >= 6)
        attr.scoped = LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | LANDLOCK_SCOPE_SIGNAL;
    return attr;
}

static enum err allow_reading(int rules_fd, const char *path, bool exec,
                              struct confine_report *report)
{
    struct landlock_path_beneath_attr beneath = {
        .allowed_access = LANDLOCK_ACCESS_FS_READ_FILE | (exec ? LANDLOCK_ACCESS_FS_EXECUTE : 0),
        .parent_fd = open(path, O_PATH | O_CLOEXEC),
    };
    if (beneath.parent_fd < 0)
        return errno == ENOENT ? OK : failed(report, path);
    struct stat st;
    if (fstat(beneath.parent_fd, &st) == 0 && S_ISDIR(st.st_mode))
        beneath.allowed_access |= LANDLOCK_ACCESS_FS_READ_DIR;
    long result = syscall(SYS_landlock_add_rule, rules_fd, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
    enum err err = result == 0 ? OK : failed(report, path);
    close(beneath.parent_fd);
    return err;
}

/* The rules are made while folders can still be opened as whoever we were. */
static enum err landlock_rules(const struct confine_rules *rules, int abi,
                               struct confine_report *report, int *ret_fd)
{
    struct landlock_ruleset_attr attr = all_rights(abi);
    int fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
    if (fd < 0)
        return failed(report, "Landlock");
    enum err err = leak_checker ? allow_reading(fd, "/proc", false, report) : OK;
    for (const char *const *dir = rules->read_dirs; dir && *dir && err == OK; dir++)
        err = allow_reading(fd, *dir, rules->exec, report);
    if (err != OK)
        close(fd);
    else
        *ret_fd = fd;
    return err;
}

/* The threads of this process; 0 when /proc is not there. */
static int count_threads(void)
{
    DIR *dir = opendir("/proc/self/task");
    int n = 0;
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        n += entry->d_name[0] != '.';
    if (dir)
        closedir(dir);
    return n;
}

static enum err landlock_enforce(int fd, int abi, bool alone, struct confine_report *report)
{
    uint32_t flags = abi >= 8 ? LANDLOCK_RESTRICT_SELF_TSYNC : 0;
    if (syscall(SYS_landlock_restrict_self, fd, flags) != 0)
        return failed(report, "Landlock");
    report->landlock = flags || alone;
    if (!report->landlock)
        confine_say(report, "threads that libraries have started are outside of Landlock");
    return OK;
}

static int landlock_abi(void)
{
    return (int)syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

const char confine_refusal[] =
    "this system cannot confine the reader of files (Landlock and seccomp are needed), so "
    "none are read";

bool confine_has_landlock(void)
{
    return landlock_abi() >= 1;
}

enum err confine_self(const struct confine_rules *rules, struct confine_report *ret_report)
{
    *ret_report = (struct confine_report){};
    int abi = landlock_abi();
    int fd = -1;
    bool alone = count_threads() <= OWN_THREADS;
    if (abi < 1)
        confine_say(ret_report, "this kernel has no Landlock");
    else
        try(landlock_rules(rules, abi, ret_report, &fd));
    enum err err = drop_root(ret_report);
    if (err == OK)
        err = set_limits(rules, ret_report);
    if (err == OK && fd >= 0)
        err = landlock_enforce(fd, abi, alone, ret_report);
    if (fd >= 0)
        close(fd);
    return err == OK ? confine_calls(rules, leak_checker, ret_report) : err;
}
