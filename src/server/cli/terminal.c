// SPDX-License-Identifier: Apache-2.0
#include "server/cli/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

static struct termios before; /* const after terminal_enter */
static volatile sig_atomic_t is_changed;
static int signals = -1;

static void restore(void)
{
    if (is_changed)
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &before);
    is_changed = 0;
}

/* A crash: the terminal first, then what would have happened anyhow. */
static struct {
    int number;
    struct sigaction old;
} crashes[] = {{.number = SIGABRT}, {.number = SIGSEGV}, {.number = SIGBUS}, {.number = SIGFPE}};
enum { CRASHES = sizeof crashes / sizeof *crashes };

static void on_crash(int number)
{
    restore();
    for (int i = 0; i < CRASHES; i++)
        if (crashes[i].number == number)
            (void)sigaction(number, &crashes[i].old, nullptr);
    (void)raise(number);
}

static void change(void)
{
    struct termios now = before;
    now.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    now.c_cc[VMIN] = 0;
    now.c_cc[VTIME] = 0;
    is_changed = 1;
    (void)tcsetattr(STDIN_FILENO, TCSANOW, &now);
}

bool terminal_enter(void)
{
    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &before) != 0)
        return false;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGTSTP);
    (void)sigprocmask(SIG_BLOCK, &set, nullptr);
    signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (signals < 0)
        return false;
    for (int i = 0; i < CRASHES; i++) {
        const struct sigaction action = {.sa_handler = on_crash};
        (void)sigaction(crashes[i].number, &action, &crashes[i].old);
    }
    (void)atexit(restore);
    change();
    return true;
}

void terminal_leave(void)
{
    restore();
    if (signals >= 0)
        close(signals);
    signals = -1;
}

int terminal_signals(void)
{
    return signals;
}

int terminal_signal(void)
{
    struct signalfd_siginfo info;
    return read(signals, &info, sizeof info) == sizeof info ? (int)info.ssi_signo : 0;
}

void terminal_suspend(void)
{
    restore();
    (void)raise(SIGSTOP);
    change();
}

int terminal_keys(char *into, size_t room)
{
    ssize_t n = read(STDIN_FILENO, into, room);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    return (int)n;
}

size_t terminal_width(void)
{
    struct winsize size;
    bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return known ? size.ws_col : 80;
}
