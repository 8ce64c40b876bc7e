/* The memory of the GPUs and the pinned memory of the host: all of it is the process' own. */
#pragma once

#include <stddef.h>

#define HOST (-1)

void *take(int gpu, size_t size); /* NULL where the GPU has no more */
int give_back(void *address);     /* 0, or 1 where nothing was taken there */
/* What `address` lies in: its GPU or HOST, begin and size; 0 where it is nobody's. */
int find(const void *address, int *gpu, void **begin, size_t *size);
size_t taken(int gpu);
