#include "machine.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* By driver branch: its CUDA, and the newest PTX that it compiles: the PTX ISA's release notes, table
 * "PTX Release History", which has all three ("PTX ISA 8.5 | CUDA 12.5, driver r555", 7.0 to 9.4):
 * docs.nvidia.com/cuda/parallel-thread-execution.  A branch between two has what the older has. */
static const struct {
    int branch, cuda, ptx;
} DRIVERS[] = {
    {450, 11000, 70}, {455, 11010, 71}, {460, 11020, 72}, {465, 11030, 73}, {470, 11040, 74},
    {495, 11050, 75}, {510, 11060, 76}, {515, 11070, 77}, {520, 11080, 78}, {525, 12000, 80},
    {530, 12010, 81}, {535, 12020, 82}, {545, 12030, 83}, {550, 12040, 84}, {555, 12050, 85},
    {560, 12060, 85}, {565, 12070, 86}, {570, 12080, 87}, {575, 12090, 88}, {580, 13000, 90},
    {590, 13010, 91}, {595, 13020, 92}, {610, 13030, 93}, {615, 13040, 94},
};

static const char *setting(const char *name, const char *otherwise)
{
    const char *value = getenv(name);
    return value && *value ? value : otherwise;
}

static struct machine read_machine(void)
{
    struct machine m = {.major = 12};
    sscanf(setting("FAKE_GPU_CAPABILITY", "12.0"), "%d.%d", &m.major, &m.minor);
    m.count = atoi(setting("FAKE_GPU_COUNT", "1"));
    if (m.count > MOST_GPUS)
        m.count = MOST_GPUS;
    m.slices = atoi(setting("FAKE_GPU_SLICES", "0"));
    m.memory = strtoul(setting("FAKE_GPU_MEMORY", "8192"), NULL, 10) << 20;
    char name[32];
    snprintf(name, sizeof name, "Fake GPU %d.%d", m.major, m.minor);
    snprintf(m.name, sizeof m.name, "%s", setting("FAKE_GPU_NAME", name));
    snprintf(m.driver, sizeof m.driver, "%s", setting("FAKE_GPU_DRIVER", "580.178.04"));
    for (size_t i = 0; i < sizeof DRIVERS / sizeof *DRIVERS; i++)
        if (DRIVERS[i].branch <= atoi(m.driver)) {
            m.cuda = DRIVERS[i].cuda;
            m.ptx = DRIVERS[i].ptx;
        }
    return m;
}

static struct machine the_machine;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void read_once(void)
{
    the_machine = read_machine();
}

const struct machine *machine(void)
{
    pthread_once(&once, read_once);
    return &the_machine;
}

void uuid_of(int gpu, int slice, bool is_slice, char text[48])
{
    snprintf(text, 48, "%s-%08x-fa4e-4000-8000-%012x", is_slice ? "MIG" : "GPU", 0xfa4e0000u + gpu,
             is_slice ? 0x100u + slice : 0u);
}

void note(const char *format, ...)
{
    static FILE *log;
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    const char *path = getenv("FAKE_GPU_LOG");
    if (!path)
        return;
    pthread_mutex_lock(&mutex);
    if (!log && (log = fopen(path, "a")))
        setvbuf(log, NULL, _IOLBF, 0); /* several processes write lines to it */
    if (log) {
        va_list arguments;
        va_start(arguments, format);
        vfprintf(log, format, arguments);
        va_end(arguments);
    }
    pthread_mutex_unlock(&mutex);
}

bool is_lost(void)
{
    const char *path = getenv("FAKE_GPU_LOST");
    return path && access(path, F_OK) == 0;
}

void count_launch(void)
{
    static int launches;
    const char *path = getenv("FAKE_GPU_LOST"), *at = getenv("FAKE_GPU_LAUNCHES");
    if (!path || !at || __atomic_add_fetch(&launches, 1, __ATOMIC_RELAXED) != atoi(at))
        return;
    FILE *file = fopen(path, "w");
    if (file)
        fclose(file);
}
