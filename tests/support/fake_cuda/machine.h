/* The machine that the stand-ins answer for: GPUs that are all alike, as the environment says.
 *
 *   FAKE_GPU_CAPABILITY  12.0             the compute capability
 *   FAKE_GPU_COUNT       1
 *   FAKE_GPU_MEMORY      8192             MiB of each
 *   FAKE_GPU_NAME        Fake GPU 12.0
 *   FAKE_GPU_DRIVER      580.178.04       what it can compile, and which CUDA it knows, follow
 *   FAKE_GPU_SLICES      0                MIG slices of each GPU; none: MIG is off
 *   FAKE_GPU_LOG         a file           a line for each module and for what is not imitated
 *   FAKE_GPU_LOST        a file           the GPUs are lost as soon as it is there
 *   FAKE_GPU_LAUNCHES    a number         makes that file at so many kernel launches of a process
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define MOST_GPUS 16

/* Handles of nothing: a pointer that is not null, and is never followed. */
#define HANDLE ((void *)0x1000)

struct machine {
    int count, major, minor, slices;
    size_t memory;
    char name[96], driver[32];
    int cuda; /* the CUDA of the driver, as cuDriverGetVersion tells it: 12080 */
    int ptx;  /* the newest PTX that the driver compiles: 87 is 8.7 */
};

const struct machine *machine(void);

/* GPU-…, or MIG-… where it is cut into slices: of slice `slice`. */
void uuid_of(int gpu, int slice, bool is_slice, char text[48]);

void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool is_lost(void);
void count_launch(void);
