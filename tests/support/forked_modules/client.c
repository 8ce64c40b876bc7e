/* What Ansible takes for a test host's python3: has server.py run its standard input.

   Where no server answers, or a file is to be run, it is that Python itself. */

#define _GNU_SOURCE
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define KILLED 137

/* A connection to the server of this Python, -1 where there is none. */
static int connected(const char *python)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *server = getenv("MODULE_SERVER");
    char linked[64] = "";
    if (!server || geteuid())
        return -1;
    const char *name = readlink(python, linked, sizeof linked - 1) < 0 ? basename(python) : linked;
    /* The first byte stays 0: the name is no file's, so it is the same in every root. */
    int length = snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "%s-%s", server, name);
    int connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t size = offsetof(struct sockaddr_un, sun_path) + 1 + length;
    return connect(connection, (struct sockaddr *)&address, size) ? -1 : connection;
}

/* Gives the server standard input, output and error. */
static void give(int server)
{
    int given[] = {0, 1, 2};
    char byte = 0, control[CMSG_SPACE(sizeof given)] = {0};
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof given);
    memcpy(CMSG_DATA(header), given, sizeof given);
    sendmsg(server, &message, 0);
}

int main(int count, char **arguments)
{
    char *python = getenv("MODULE_PYTHON");
    python = python ? python : "/usr/bin/python3";
    int server = count == 1 ? connected(python) : -1;
    if (server < 0) {
        arguments[0] = python;
        execv(python, arguments);
        return 127;
    }
    give(server);
    unsigned char status;
    return read(server, &status, 1) == 1 ? status : KILLED;
}
