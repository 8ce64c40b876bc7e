#include "memory.h"

#include "machine.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

struct block {
    struct block *next;
    char *begin;
    size_t size;
    int gpu;
};

static struct block *blocks;
static size_t used[MOST_GPUS];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

void *take(int gpu, size_t size)
{
    size = (size + 4095) / 4096 * 4096 + (size == 0) * 4096;
    pthread_mutex_lock(&mutex);
    char *begin = NULL;
    if (gpu == HOST || used[gpu] + size <= machine()->memory) {
        /* The kernel gives a page when it is first written to. */
        int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
        begin = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);
    }
    struct block *block = begin && begin != MAP_FAILED ? malloc(sizeof *block) : NULL;
    if (block) {
        *block = (struct block){blocks, begin, size, gpu};
        blocks = block;
        if (gpu != HOST)
            used[gpu] += size;
    }
    pthread_mutex_unlock(&mutex);
    return block ? begin : NULL;
}

int give_back(void *address)
{
    pthread_mutex_lock(&mutex);
    struct block **at = &blocks;
    while (*at && (*at)->begin != address)
        at = &(*at)->next;
    struct block *block = *at;
    if (block) {
        *at = block->next;
        if (block->gpu != HOST)
            used[block->gpu] -= block->size;
        munmap(block->begin, block->size);
        free(block);
    }
    pthread_mutex_unlock(&mutex);
    return block == NULL;
}

int find(const void *address, int *gpu, void **begin, size_t *size)
{
    const char *wanted = address;
    pthread_mutex_lock(&mutex);
    struct block *at = blocks;
    while (at && !(wanted >= at->begin && wanted < at->begin + at->size))
        at = at->next;
    if (at) {
        *gpu = at->gpu;
        *begin = at->begin;
        *size = at->size;
    }
    pthread_mutex_unlock(&mutex);
    return at != NULL;
}

size_t taken(int gpu)
{
    return used[gpu];
}
