/* libcuda.so.1: devices, contexts, streams and events.  Work is done before a call returns. */
#pragma GCC visibility push(default)
#include <cuda.h>
#pragma GCC visibility pop

#include "machine.h"
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int visible[MOST_GPUS], visible_count;
static bool sees_slice;
static int contexts[MOST_GPUS]; /* of each GPU the primary one: its address is the handle */
static _Thread_local CUcontext stack[64] = {NULL};
static _Thread_local int depth; /* stack[depth] is the current one */

static bool begins(const char *text, const char *with)
{
    return *with && strncmp(text, with, strlen(with)) == 0;
}

/* The GPU that a word of CUDA_VISIBLE_DEVICES names, -1 where it names none. */
static int named(const char *word)
{
    char uuid[48];
    for (int gpu = 0; gpu < machine()->count; gpu++) {
        for (int slice = 0; slice < machine()->slices; slice++) {
            uuid_of(gpu, slice, true, uuid);
            if (begins(uuid, word))
                return gpu;
        }
        uuid_of(gpu, 0, false, uuid);
        if (begins(uuid, word))
            return gpu;
    }
    char *end;
    long number = strtol(word, &end, 10);
    return end != word && !*end && number >= 0 && number < machine()->count ? number : -1;
}

/* What CUDA does: it stops at the first word that it does not know, and shows one MIG slice. */
static void look(void)
{
    char words[1024];
    const char *wanted = getenv("CUDA_VISIBLE_DEVICES");
    visible_count = 0;
    if (!wanted)
        for (; visible_count < machine()->count; visible_count++)
            visible[visible_count] = visible_count;
    snprintf(words, sizeof words, "%s", wanted ? wanted : "");
    for (char *rest = words, *word; (word = strsep(&rest, ","));) {
        int gpu = named(word);
        if (gpu < 0 || visible_count == MOST_GPUS)
            break;
        visible[visible_count++] = gpu;
    }
    sees_slice = machine()->slices > 0;
    if (sees_slice && visible_count > 1)
        visible_count = 1;
}

CUresult cuInit(unsigned flags)
{
    look();
    if (is_lost())
        return CUDA_ERROR_UNKNOWN;
    return flags ? CUDA_ERROR_INVALID_VALUE : visible_count ? CUDA_SUCCESS : CUDA_ERROR_NO_DEVICE;
}

CUresult cuDriverGetVersion(int *version)
{
    *version = machine()->cuda;
    return CUDA_SUCCESS;
}

CUresult cuGetErrorName(CUresult error, const char **text)
{
    static const struct {
        CUresult error;
        const char *name;
    } NAMES[] = {
#define NAMED(error) {error, #error}
        NAMED(CUDA_SUCCESS), NAMED(CUDA_ERROR_INVALID_VALUE), NAMED(CUDA_ERROR_OUT_OF_MEMORY),
        NAMED(CUDA_ERROR_NO_DEVICE), NAMED(CUDA_ERROR_INVALID_DEVICE), NAMED(CUDA_ERROR_UNKNOWN),
        NAMED(CUDA_ERROR_NO_BINARY_FOR_GPU), NAMED(CUDA_ERROR_INVALID_PTX),
        NAMED(CUDA_ERROR_UNSUPPORTED_PTX_VERSION), NAMED(CUDA_ERROR_NOT_FOUND),
        NAMED(CUDA_ERROR_NOT_SUPPORTED), NAMED(CUDA_ERROR_INVALID_HANDLE),
        NAMED(CUDA_ERROR_SHARED_OBJECT_INIT_FAILED), /* of TensorFlow's, for what is not here */
    };
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        if (NAMES[i].error == error) {
            *text = NAMES[i].name;
            return CUDA_SUCCESS;
        }
    *text = "CUDA_ERROR_OF_ANOTHER_KIND";
    return CUDA_SUCCESS;
}

CUresult cuGetErrorString(CUresult error, const char **text)
{
    return cuGetErrorName(error, text);
}

/* ---- devices */

CUresult cuDeviceGetCount(int *count)
{
    *count = visible_count;
    return CUDA_SUCCESS;
}

CUresult cuDeviceGet(CUdevice *device, int ordinal)
{
    *device = ordinal;
    return ordinal >= 0 && ordinal < visible_count ? CUDA_SUCCESS : CUDA_ERROR_INVALID_DEVICE;
}

CUresult cuDeviceGetName(char *name, int room, CUdevice device)
{
    snprintf(name, room, "%s", machine()->name);
    return CUDA_SUCCESS;
}

CUresult cuDeviceGetUuid(CUuuid *uuid, CUdevice device)
{
    memset(uuid, 0xfa, sizeof *uuid);
    uuid->bytes[15] = visible[device];
    return CUDA_SUCCESS;
}

CUresult cuDeviceTotalMem(size_t *bytes, CUdevice device)
{
    *bytes = machine()->memory;
    return CUDA_SUCCESS;
}

CUresult cuDeviceGetPCIBusId(char *text, int room, CUdevice device)
{
    snprintf(text, room, "0000:%02x:00.0", 1 + visible[device]);
    return CUDA_SUCCESS;
}

CUresult cuDeviceCanAccessPeer(int *can, CUdevice one, CUdevice other)
{
    *can = one != other && !sees_slice;
    return CUDA_SUCCESS;
}

CUresult cuDeviceGetP2PAttribute(int *value, CUdevice_P2PAttribute attribute, CUdevice one,
                                 CUdevice other)
{
    *value = 0;
    return CUDA_SUCCESS;
}

/* Those of a mid-range GPU: what is asked of them is that no program divides by zero. */
static const int ATTRIBUTES[][2] = {
    {CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK, 1024},
    {CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X, 1024},
    {CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y, 1024},
    {CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z, 64},
    {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X, 2147483647},
    {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y, 65535},
    {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z, 65535},
    {CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK, 49152},
    {CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, 101376},
    {CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR, 102400},
    {CU_DEVICE_ATTRIBUTE_RESERVED_SHARED_MEMORY_PER_BLOCK, 1024},
    {CU_DEVICE_ATTRIBUTE_TOTAL_CONSTANT_MEMORY, 65536},
    {CU_DEVICE_ATTRIBUTE_WARP_SIZE, 32},
    {CU_DEVICE_ATTRIBUTE_MAX_PITCH, 2147483647},
    {CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_BLOCK, 65536},
    {CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_MULTIPROCESSOR, 65536},
    {CU_DEVICE_ATTRIBUTE_CLOCK_RATE, 2400000},
    {CU_DEVICE_ATTRIBUTE_TEXTURE_ALIGNMENT, 512},
    {CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, 128},
    {CU_DEVICE_ATTRIBUTE_CAN_MAP_HOST_MEMORY, 1},
    {CU_DEVICE_ATTRIBUTE_CONCURRENT_KERNELS, 1},
    {CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE, 14000000},
    {CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH, 512},
    {CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE, 64 << 20},
    {CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR, 1536},
    {CU_DEVICE_ATTRIBUTE_MAX_BLOCKS_PER_MULTIPROCESSOR, 24},
    {CU_DEVICE_ATTRIBUTE_ASYNC_ENGINE_COUNT, 2},
    {CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING, 1},
    {CU_DEVICE_ATTRIBUTE_MANAGED_MEMORY, 1},
    {CU_DEVICE_ATTRIBUTE_CONCURRENT_MANAGED_ACCESS, 1},
    {CU_DEVICE_ATTRIBUTE_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED, 1},
};

CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute, CUdevice device)
{
    *value = 0;
    if (attribute == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)
        *value = machine()->major;
    if (attribute == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)
        *value = machine()->minor;
    if (attribute == CU_DEVICE_ATTRIBUTE_PCI_BUS_ID)
        *value = 1 + visible[device];
    for (size_t i = 0; i < sizeof ATTRIBUTES / sizeof *ATTRIBUTES; i++)
        if (ATTRIBUTES[i][0] == (int)attribute)
            *value = ATTRIBUTES[i][1];
    return CUDA_SUCCESS;
}

/* ---- contexts */

int current_device(void)
{
    return stack[depth] ? (int *)stack[depth] - contexts : 0;
}

CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device)
{
    *context = (CUcontext)&contexts[device];
    return is_lost() ? CUDA_ERROR_UNKNOWN : CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxGetState(CUdevice device, unsigned *flags, int *active)
{
    *flags = 0, *active = 1;
    return CUDA_SUCCESS;
}

CUresult cuCtxGetCurrent(CUcontext *context)
{
    *context = stack[depth];
    return CUDA_SUCCESS;
}

CUresult cuCtxSetCurrent(CUcontext context)
{
    stack[depth] = context;
    return CUDA_SUCCESS;
}

CUresult cuCtxPushCurrent(CUcontext context)
{
    if (depth + 1 == sizeof stack / sizeof *stack)
        return CUDA_ERROR_OUT_OF_MEMORY;
    stack[++depth] = context;
    return CUDA_SUCCESS;
}

CUresult cuCtxPopCurrent(CUcontext *context)
{
    if (context)
        *context = stack[depth];
    if (depth)
        depth--;
    return CUDA_SUCCESS;
}

CUresult cuCtxGetDevice(CUdevice *device)
{
    *device = current_device();
    return CUDA_SUCCESS;
}

CUresult cuCtxGetApiVersion(CUcontext context, unsigned *version)
{
    *version = machine()->cuda;
    return CUDA_SUCCESS;
}

CUresult cuCtxGetStreamPriorityRange(int *least, int *greatest)
{
    *least = 0, *greatest = -5;
    return CUDA_SUCCESS;
}

CUresult cuCtxGetSharedMemConfig(CUsharedconfig *config)
{
    *config = CU_SHARED_MEM_CONFIG_FOUR_BYTE_BANK_SIZE;
    return CUDA_SUCCESS;
}

CUresult cuCtxSynchronize(void)
{
    return is_lost() ? CUDA_ERROR_UNKNOWN : CUDA_SUCCESS;
}
