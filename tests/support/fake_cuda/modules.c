/* libcuda.so.1: modules, kernels and graphs of them.  A module is loaded if the GPU could; a launch
 * does nothing. */
#pragma GCC visibility push(default)
#include <cuda.h>
#pragma GCC visibility pop

#include "loadable.h"
#include "machine.h"
#include "memory.h"

#include <stdint.h>
#include <string.h>

int current_device(void);

static CUresult loaded(CUmodule *module, const void *image)
{
    CUresult result = is_lost() ? CUDA_ERROR_UNKNOWN : loadable(image);
    *module = result ? NULL : HANDLE;
    return result;
}

CUresult cuModuleLoadData(CUmodule *module, const void *image)
{
    return loaded(module, image);
}

CUresult cuModuleLoadDataEx(CUmodule *module, const void *image, unsigned count,
                            CUjit_option *options, void **values)
{
    return loaded(module, image);
}

CUresult cuModuleLoadFatBinary(CUmodule *module, const void *image)
{
    return loaded(module, image);
}

CUresult cuModuleGetFunction(CUfunction *function, CUmodule module, const char *name)
{
    *function = module ? HANDLE : NULL;
    return module ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}

/* Nobody knows here how large a variable is; what asks has none above 64 KiB. */
CUresult cuModuleGetGlobal(CUdeviceptr *address, size_t *size, CUmodule module, const char *name)
{
    size_t length = 1 << 16;
    void *begin = module ? take(current_device(), length) : NULL;
    if (address)
        *address = (uintptr_t)begin;
    if (size)
        *size = length;
    return begin ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}

CUresult cuFuncGetAttribute(int *value, CUfunction_attribute attribute, CUfunction function)
{
    *value = attribute == CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK ? 1024
             : attribute == CU_FUNC_ATTRIBUTE_NUM_REGS            ? 32
                                                                  : 0;
    return CUDA_SUCCESS;
}

CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, CUfunction function, int threads,
                                                     size_t shared)
{
    *blocks = 2;
    return CUDA_SUCCESS;
}

CUresult cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *blocks, CUfunction function,
                                                              int threads, size_t shared,
                                                              unsigned flags)
{
    return cuOccupancyMaxActiveBlocksPerMultiprocessor(blocks, function, threads, shared);
}

CUresult cuOccupancyMaxPotentialBlockSize(int *grid, int *block, CUfunction function,
                                          CUoccupancyB2DSize shared_for, size_t shared, int limit)
{
    *grid = 256, *block = 256;
    return CUDA_SUCCESS;
}

static CUresult launched(CUfunction function)
{
    count_launch();
    if (is_lost())
        return CUDA_ERROR_UNKNOWN;
    return function ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}

CUresult cuLaunchKernel(CUfunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                        unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared,
                        CUstream stream, void **parameters, void **extra)
{
    return launched(function);
}

CUresult cuLaunchKernelEx(const CUlaunchConfig *config, CUfunction function, void **parameters,
                          void **extra)
{
    return launched(function);
}

/* A graph that was recorded has one node: who asks wants to see that it is not empty. */
CUresult cuGraphGetRootNodes(CUgraph graph, CUgraphNode *nodes, size_t *count)
{
    *count = 1;
    if (nodes)
        *nodes = HANDLE;
    return CUDA_SUCCESS;
}

CUresult cuGraphGetNodes(CUgraph graph, CUgraphNode *nodes, size_t *count)
{
    return cuGraphGetRootNodes(graph, nodes, count);
}

CUresult cuGraphLaunch(CUgraphExec graph, CUstream stream)
{
    return launched((CUfunction)graph);
}
