/* libcuda.so.1: memory, copies, streams and events.  Work is done before a call returns. */
#pragma GCC visibility push(default)
#include <cuda.h>
#pragma GCC visibility pop

#include "machine.h"
#include "memory.h"

#include <stdint.h>
#include <string.h>

int current_device(void);

static CUresult alive(void)
{
    return is_lost() ? CUDA_ERROR_UNKNOWN : CUDA_SUCCESS;
}

/* A function that has nothing to do: work is done before a call returns. */
#define NOTHING(name, ...)     \
    CUresult name(__VA_ARGS__) \
    {                          \
        return alive();        \
    }

static CUresult placed(int gpu, size_t size, void *result)
{
    void *address = alive() ? NULL : take(gpu, size);
    memcpy(result, &address, sizeof address);
    return address ? CUDA_SUCCESS : is_lost() ? CUDA_ERROR_UNKNOWN : CUDA_ERROR_OUT_OF_MEMORY;
}

static CUresult freed(void *address)
{
    return give_back(address) ? CUDA_ERROR_INVALID_VALUE : alive();
}

static CUresult copied(void *to, const void *from, size_t size)
{
    if (!is_lost())
        memmove(to, from, size);
    return alive();
}

static void *at(CUdeviceptr address)
{
    return (void *)(uintptr_t)address;
}

/* ---- memory */

CUresult cuMemGetInfo(size_t *free, size_t *total)
{
    *total = machine()->memory;
    *free = *total - taken(current_device());
    return alive();
}

CUresult cuMemAlloc(CUdeviceptr *address, size_t size)
{
    return placed(current_device(), size, address);
}

CUresult cuMemAllocManaged(CUdeviceptr *address, size_t size, unsigned flags)
{
    return placed(HOST, size, address);
}

CUresult cuMemFree(CUdeviceptr address)
{
    return freed(at(address));
}

CUresult cuMemHostAlloc(void **address, size_t size, unsigned flags)
{
    return placed(HOST, size, address);
}

CUresult cuMemAllocHost(void **address, size_t size)
{
    return placed(HOST, size, address);
}

CUresult cuMemFreeHost(void *address)
{
    return freed(address);
}

NOTHING(cuMemHostRegister, void *address, size_t size, unsigned flags)
NOTHING(cuMemHostUnregister, void *address)

CUresult cuMemHostGetDevicePointer(CUdeviceptr *address, void *host, unsigned flags)
{
    *address = (uintptr_t)host;
    return alive();
}

CUresult cuMemGetAddressRange(CUdeviceptr *begin, size_t *size, CUdeviceptr address)
{
    int gpu;
    void *start;
    size_t length;
    if (!find(at(address), &gpu, &start, &length))
        return CUDA_ERROR_NOT_FOUND;
    if (begin)
        *begin = (uintptr_t)start;
    if (size)
        *size = length;
    return alive();
}

CUresult cuPointerGetAttribute(void *value, CUpointer_attribute attribute, CUdeviceptr address)
{
    int gpu;
    void *start;
    size_t length;
    if (!find(at(address), &gpu, &start, &length))
        return CUDA_ERROR_INVALID_VALUE; /* as for memory that CUDA has not heard of */
    if (attribute == CU_POINTER_ATTRIBUTE_MEMORY_TYPE)
        *(unsigned *)value = gpu == HOST ? CU_MEMORYTYPE_HOST : CU_MEMORYTYPE_DEVICE;
    else if (attribute == CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL)
        *(int *)value = gpu == HOST ? 0 : gpu;
    else if (attribute == CU_POINTER_ATTRIBUTE_IS_MANAGED)
        *(unsigned *)value = 0;
    else
        return CUDA_ERROR_NOT_SUPPORTED;
    return alive();
}

/* ---- copies */

CUresult cuMemcpyHtoD(CUdeviceptr to, const void *from, size_t size)
{
    return copied(at(to), from, size);
}

CUresult cuMemcpyDtoH(void *to, CUdeviceptr from, size_t size)
{
    return copied(to, at(from), size);
}

CUresult cuMemcpyDtoD(CUdeviceptr to, CUdeviceptr from, size_t size)
{
    return copied(at(to), at(from), size);
}

CUresult cuMemcpyHtoDAsync(CUdeviceptr to, const void *from, size_t size, CUstream stream)
{
    return copied(at(to), from, size);
}

CUresult cuMemcpyDtoHAsync(void *to, CUdeviceptr from, size_t size, CUstream stream)
{
    return copied(to, at(from), size);
}

CUresult cuMemcpyDtoDAsync(CUdeviceptr to, CUdeviceptr from, size_t size, CUstream stream)
{
    return copied(at(to), at(from), size);
}

CUresult cuMemcpyAsync(CUdeviceptr to, CUdeviceptr from, size_t size, CUstream stream)
{
    return copied(at(to), at(from), size);
}

CUresult cuMemcpyPeerAsync(CUdeviceptr to, CUcontext of, CUdeviceptr from, CUcontext other,
                           size_t size, CUstream stream)
{
    return copied(at(to), at(from), size);
}

CUresult cuMemsetD8(CUdeviceptr to, unsigned char value, size_t size)
{
    memset(at(to), value, size);
    return alive();
}

CUresult cuMemsetD32(CUdeviceptr to, unsigned value, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ((unsigned *)at(to))[i] = value;
    return alive();
}

CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char value, size_t size, CUstream stream)
{
    return cuMemsetD8(to, value, size);
}

CUresult cuMemsetD32Async(CUdeviceptr to, unsigned value, size_t count, CUstream stream)
{
    return cuMemsetD32(to, value, count);
}

/* ---- streams and events */

CUresult cuStreamCreate(CUstream *stream, unsigned flags)
{
    *stream = HANDLE;
    return alive();
}

CUresult cuStreamCreateWithPriority(CUstream *stream, unsigned flags, int priority)
{
    return cuStreamCreate(stream, flags);
}

CUresult cuStreamGetPriority(CUstream stream, int *priority)
{
    *priority = 0;
    return alive();
}

NOTHING(cuStreamDestroy, CUstream stream)
NOTHING(cuStreamSynchronize, CUstream stream)
NOTHING(cuStreamQuery, CUstream stream)
NOTHING(cuStreamWaitEvent, CUstream stream, CUevent event, unsigned flags)

CUresult cuStreamIsCapturing(CUstream stream, CUstreamCaptureStatus *status)
{
    *status = CU_STREAM_CAPTURE_STATUS_NONE;
    return alive();
}

CUresult cuStreamAddCallback(CUstream stream, CUstreamCallback call, void *data, unsigned flags)
{
    call(stream, alive(), data);
    return alive();
}

CUresult cuLaunchHostFunc(CUstream stream, CUhostFn call, void *data)
{
    call(data);
    return alive();
}

CUresult cuEventCreate(CUevent *event, unsigned flags)
{
    *event = HANDLE;
    return alive();
}

NOTHING(cuEventDestroy, CUevent event)
NOTHING(cuEventRecord, CUevent event, CUstream stream)
NOTHING(cuEventQuery, CUevent event)
NOTHING(cuEventSynchronize, CUevent event)

CUresult cuEventElapsedTime(float *milliseconds, CUevent begin, CUevent end)
{
    *milliseconds = 0.01f;
    return alive();
}
