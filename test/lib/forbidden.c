// SPDX-License-Identifier: Apache-2.0
#include "forbidden.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

struct forbidden_ground ground;

void forbidden_choose(const char *dir)
{
    snprintf(ground.dir, sizeof ground.dir, "%s", dir);
    snprintf(ground.file, sizeof ground.file, "%s/f", dir);
    snprintf(ground.absent, sizeof ground.absent, "%s/new", dir);
    snprintf(ground.allowed, sizeof ground.allowed, "%s/allowed", dir);
    snprintf(ground.allowed_file, sizeof ground.allowed_file, "%s/allowed/f", dir);
}

void forbidden_open(void)
{
    ground.listener = socket(AF_INET, SOCK_STREAM, 0);
    ground.folder = open(ground.dir, O_PATH | O_DIRECTORY);
}

/* One expression: 0 when it worked. */
#define TRY(name, expression)                                                                      \
    static long name(void)                                                                         \
    {                                                                                              \
        return expression;                                                                         \
    }

static long from_fd(long fd)
{
    return fd < 0 ? -1 : 0;
}

TRY(make_inet, from_fd(socket(AF_INET, SOCK_STREAM, 0)))
TRY(make_udp, from_fd(socket(AF_INET6, SOCK_DGRAM, 0)))
TRY(make_unix, from_fd(socket(AF_UNIX, SOCK_STREAM, 0)))
TRY(make_netlink, from_fd(socket(AF_NETLINK, SOCK_RAW, 0)))
static long make_pair(void)
{
    int pair[2];
    return socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
}
static long bind_listener(void)
{
    const struct sockaddr_in any = {.sin_family = AF_INET};
    return bind(ground.listener, (const struct sockaddr *)&any, sizeof any);
}
TRY(listen_there, listen(ground.listener, 1))
static long connect_out(void)
{
    const struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    return connect(ground.listener, (const struct sockaddr *)&to, sizeof to) == 0 ||
                   errno == ECONNREFUSED
               ? 0
               : -1;
}
TRY(change_socket, setsockopt(ground.listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)))
static long run_program(void)
{
    char *const argv[] = {(char[]){"true"}, nullptr};
    return execv("/usr/bin/true", argv);
}
static long spawn_program(void)
{
    char *const argv[] = {(char[]){"true"}, nullptr};
    pid_t pid;
    errno = posix_spawn(&pid, "/usr/bin/true", nullptr, nullptr, argv, nullptr);
    return errno ? -1 : 0;
}
static long make_child(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return from_fd(pid);
}
TRY(new_user_namespace, unshare(CLONE_NEWUSER))
TRY(new_mount_namespace, unshare(CLONE_NEWNS))
static long clone_namespace(void)
{
    long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0)
        _exit(0);
    return from_fd(pid);
}
static long enter_namespace(void)
{
    int fd = open("/proc/self/ns/uts", O_RDONLY);
    return fd < 0 ? -1 : setns(fd, CLONE_NEWUTS);
}
/* Nowhere, so that nothing stays mounted when it is free. */
TRY(mount_folder, mount("none", "/nonexistent", "tmpfs", 0, nullptr))
TRY(change_root, chroot(ground.dir))
static long host_name(void)
{
    char name[64];
    return gethostname(name, sizeof name) == 0 ? sethostname(name, strlen(name)) : -1;
}
TRY(be_traced, ptrace(PTRACE_TRACEME, 0, nullptr, nullptr))
static long read_parent(void)
{
    char byte;
    struct iovec here = {&byte, 1}, there = {ground.file, 1};
    return from_fd(process_vm_readv(getppid(), &here, 1, &there, 1, 0));
}
static long limit_cores_of(pid_t pid)
{
    cpu_set_t set;
    return sched_getaffinity(pid, sizeof set, &set) == 0 ? sched_setaffinity(pid, sizeof set, &set)
                                                         : -1;
}
TRY(signal_parent, kill(getppid(), 0))
TRY(signal_thread_of_parent, syscall(SYS_tgkill, getppid(), getppid(), 0))
TRY(signals_to_parent, fcntl(ground.listener, F_SETOWN, getppid()))
TRY(choose_signal, fcntl(ground.listener, F_SETSIG, SIGUSR1))
TRY(pin_parent, limit_cores_of(getppid()))
TRY(open_parent, from_fd(syscall(SYS_pidfd_open, getppid(), 0)))
static long limit_parent(void)
{
    struct rlimit now;
    return prlimit(getppid(), RLIMIT_CORE, nullptr, &now) == 0
               ? prlimit(getppid(), RLIMIT_CORE, &now, nullptr)
               : -1;
}
static long load_bpf(void)
{
    union bpf_attr attr = {
        .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
    return from_fd(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof attr));
}
static long count_events(void)
{
    struct perf_event_attr attr = {
        .type = PERF_TYPE_SOFTWARE, .size = sizeof attr, .config = PERF_COUNT_SW_TASK_CLOCK};
    return from_fd(syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0));
}
static long make_ring(void)
{
    struct io_uring_params params = {};
    return from_fd(syscall(SYS_io_uring_setup, 1, &params));
}
TRY(look_at_keys, from_fd(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING, 1)))
TRY(handle_faults, from_fd(syscall(SYS_userfaultfd, O_CLOEXEC | 1)))
TRY(share_memory, from_fd(shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600)))
TRY(memory_file, from_fd(memfd_create("x", 0)))
static long executable_pages(void)
{
    void *p =
        mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? -1 : 0;
}
static long later_executable_pages(void)
{
    void *p = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? 0 : mprotect(p, 4096, PROT_READ | PROT_EXEC);
}
TRY(read_file, from_fd(open("/etc/passwd", O_RDONLY)))
TRY(list_folder, from_fd(open("/", O_RDONLY | O_DIRECTORY)))
TRY(read_in_folder, from_fd(openat(ground.folder, "f", O_RDONLY)))
static long open_by_structure(void)
{
    const uint64_t how[3] = {O_RDONLY};
    return from_fd(syscall(SYS_openat2, AT_FDCWD, ground.file, how, sizeof how));
}
TRY(write_file, from_fd(open(ground.file, O_WRONLY)))
TRY(append_to_file, from_fd(open(ground.file, O_RDWR | O_APPEND)))
TRY(write_device, from_fd(open("/dev/null", O_WRONLY)))
TRY(write_readable, from_fd(open(ground.allowed_file, O_WRONLY)))
TRY(make_file, from_fd(open(ground.absent, O_RDONLY | O_CREAT, 0600)))
TRY(make_nameless_file, from_fd(open(ground.dir, O_TMPFILE | O_WRONLY, 0600)))
TRY(cut_file, truncate(ground.file, 0))
TRY(remove_file, unlink(ground.file))
TRY(rename_file, rename(ground.file, ground.absent))
TRY(link_file, link(ground.file, ground.absent))
TRY(symlink_file, symlink(ground.file, ground.absent))
TRY(make_folder, mkdir(ground.absent, 0700))
TRY(make_fifo, mknod(ground.absent, S_IFIFO | 0600, 0))
TRY(change_mode, chmod(ground.file, 0644))
TRY(change_times, utimensat(AT_FDCWD, ground.file, nullptr, 0))
TRY(watch_files, from_fd(syscall(SYS_inotify_init1, 0)))
TRY(become_root, setresuid(0, 0, 0))
static long raise_limit(void)
{
    struct rlimit now;
    return getrlimit(RLIMIT_CORE, &now) == 0 ? setrlimit(RLIMIT_CORE, &now) : -1;
}
TRY(be_dumpable, prctl(PR_SET_DUMPABLE, 1))
TRY(change_personality, from_fd(syscall(SYS_personality, 0xffffffff)))
TRY(change_priority, setpriority(PRIO_PROCESS, 0, 19))
TRY(filter_itself, prctl(PR_SET_SECCOMP, 99))
static long open_of(pid_t pid, const char *what, int flags)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, what);
    return from_fd(open(path, flags));
}
TRY(list_processes, from_fd(open("/proc", O_RDONLY | O_DIRECTORY)))
TRY(read_command_of_parent, open_of(getppid(), "cmdline", O_RDONLY))
TRY(read_environment_of_parent, open_of(getppid(), "environ", O_RDONLY))
TRY(read_memory_of_parent, open_of(getppid(), "mem", O_RDONLY))
TRY(write_memory_of_parent, open_of(getppid(), "mem", O_RDWR))
TRY(list_descriptors_of_parent, open_of(getppid(), "fd", O_RDONLY | O_DIRECTORY))
TRY(write_own_memory, open_of(getpid(), "mem", O_RDWR))
TRY(read_through_own_root, open_of(getpid(), "root/etc/passwd", O_RDONLY))
TRY(read_symbols, from_fd(open("/proc/kallsyms", O_RDONLY)))
TRY(change_kernel, from_fd(open("/proc/sys/kernel/core_pattern", O_WRONLY)))
TRY(control_device, ioctl(ground.listener, FIONREAD, &(int){0}))

const struct forbidden_action forbidden[] = {
#define A(act, ...) {#act, act, __VA_ARGS__}
    A(make_inet),
    A(make_udp),
    A(make_unix),
    A(make_netlink),
    A(make_pair),
    A(bind_listener),
    A(listen_there),
    A(connect_out),
    A(change_socket),
    A(run_program),
    A(spawn_program),
    A(make_child, .leak_checker = true),
    A(new_user_namespace, NOT_HERE),
    A(new_mount_namespace, ROOT),
    A(clone_namespace, NOT_HERE, .leak_checker = true),
    A(enter_namespace, ROOT),
    A(mount_folder, NOT_HERE),
    A(change_root, ROOT),
    A(host_name, ROOT),
    A(be_traced, .leak_checker = true),
    A(read_parent, NOT_HERE),
    A(signal_parent, NOT_HERE),
    A(signal_thread_of_parent, NOT_HERE),
    A(signals_to_parent, NOT_HERE),
    A(choose_signal),
    A(pin_parent, NOT_HERE),
    A(open_parent),
    A(limit_parent, NOT_HERE),
    A(load_bpf, NOT_HERE),
    A(count_events, NOT_HERE),
    A(make_ring, NOT_HERE),
    A(look_at_keys, NOT_HERE),
    A(handle_faults, NOT_HERE),
    A(share_memory),
    A(memory_file),
    A(executable_pages),
    A(later_executable_pages),
    A(read_file),
    A(list_folder),
    A(read_in_folder),
    A(open_by_structure),
    A(write_file),
    A(append_to_file),
    A(write_device),
    A(write_readable),
    A(make_file),
    A(make_nameless_file, NOT_HERE),
    A(cut_file),
    A(remove_file),
    A(rename_file),
    A(link_file),
    A(symlink_file),
    A(make_folder),
    A(make_fifo),
    A(change_mode),
    A(change_times),
    A(watch_files),
    A(become_root, ROOT),
    A(raise_limit),
    A(be_dumpable, .leak_checker = true),
    A(change_personality),
    A(change_priority),
    A(filter_itself, NOT_HERE, .leak_checker = true),
    A(list_processes, .leak_checker = true),
    A(read_command_of_parent, NOT_HERE, .leak_checker = true),
    A(read_environment_of_parent, NOT_HERE, .leak_checker = true),
    A(read_memory_of_parent, NOT_HERE, .leak_checker = true),
    A(write_memory_of_parent, NOT_HERE),
    A(list_descriptors_of_parent, NOT_HERE, .leak_checker = true),
    A(write_own_memory, NOT_HERE),
    A(read_through_own_root),
    A(read_symbols, .leak_checker = true),
    A(change_kernel, NOT_HERE),
    A(control_device),
#undef A
};
const size_t forbidden_count = sizeof forbidden / sizeof *forbidden;

static void *nothing(void *arg)
{
    return arg;
}

long forbidden_make_thread(void)
{
    pthread_t thread;
    errno = pthread_create(&thread, nullptr, nothing, nullptr);
    return errno ? -1 : pthread_join(thread, nullptr);
}
