/* libcudart.so: what TensorFlow's own kernels call, over the driver beside it. */
#pragma GCC visibility push(default)
#include <cuda.h>
#include <cuda_runtime_api.h>

/* nvcc writes calls of these into a program: it hands over its kernels when it is loaded. */
void **__cudaRegisterFatBinary(void *image);
void __cudaRegisterFunction(void **handle, const char *host, char *device, const char *name,
                            int limit, void *thread, void *block, void *block_size, void *grid_size,
                            int *warp);
unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, size_t shared, void *stream);
cudaError_t __cudaPopCallConfiguration(dim3 *grid, dim3 *block, size_t *shared, void *stream);
#pragma GCC visibility pop

#include <pthread.h>
#include <search.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct module {
    const void *image;
    bool tried;
    CUmodule loaded;
    CUresult result;
};

struct kernel {
    const void *host; /* the function that stands for it in the program */
    struct module *module;
};

static void *kernels;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local cudaError_t last;
static _Thread_local struct {
    dim3 grid, block;
    size_t shared;
    void *stream;
} pushed;

static int by_host(const void *one, const void *other)
{
    const struct kernel *a = one, *b = other;
    return (a->host > b->host) - (a->host < b->host);
}

void **__cudaRegisterFatBinary(void *image)
{
    struct module *module = calloc(1, sizeof *module);
    module->image = image;
    return (void **)module;
}

void __cudaRegisterFunction(void **handle, const char *host, char *device, const char *name,
                            int limit, void *thread, void *block, void *block_size, void *grid_size,
                            int *warp)
{
    struct kernel *kernel = malloc(sizeof *kernel);
    *kernel = (struct kernel){host, (struct module *)handle};
    pthread_mutex_lock(&mutex);
    tsearch(kernel, &kernels, by_host);
    pthread_mutex_unlock(&mutex);
}

unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, size_t shared, void *stream)
{
    pushed.grid = grid, pushed.block = block, pushed.shared = shared, pushed.stream = stream;
    return 0;
}

cudaError_t __cudaPopCallConfiguration(dim3 *grid, dim3 *block, size_t *shared, void *stream)
{
    *grid = pushed.grid, *block = pushed.block, *shared = pushed.shared;
    *(void **)stream = pushed.stream;
    return cudaSuccess;
}

static cudaError_t told(CUresult result)
{
    /* The two enumerations have the same numbers, but for these. */
    return last = result == CUDA_ERROR_INVALID_PTX ? cudaErrorInvalidPtx : (cudaError_t)result;
}

/* Whether this runtime works over this driver: of the same major version or a newer one. */
static cudaError_t usable(void)
{
    int driver = 0;
    cuDriverGetVersion(&driver);
    return driver / 1000 < CUDART_VERSION / 1000 ? cudaErrorInsufficientDriver : cudaSuccess;
}

/* Loads the module of a kernel, when the kernel is first needed. */
static cudaError_t load(const void *host)
{
    if (usable())
        return last = usable();
    pthread_mutex_lock(&mutex);
    struct kernel **found = tfind(&(struct kernel){host, NULL}, &kernels, by_host);
    struct module *module = found ? (*found)->module : NULL;
    if (module && !module->tried) {
        module->tried = true;
        module->result = cuModuleLoadData(&module->loaded, module->image);
    }
    pthread_mutex_unlock(&mutex);
    return module ? told(module->result) : (last = cudaErrorInvalidDeviceFunction);
}

static cudaError_t launched(const void *host)
{
    cudaError_t result = load(host);
    return result ? result
                  : told(cuLaunchKernel((CUfunction)host, 1, 1, 1, 1, 1, 1, 0, NULL, NULL, NULL));
}

cudaError_t cudaLaunchKernel(const void *host, dim3 grid, dim3 block, void **arguments,
                             size_t shared, cudaStream_t stream)
{
    return launched(host);
}

cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t *config, const void *host,
                                void **arguments)
{
    return launched(host);
}

cudaError_t cudaGetFuncBySymbol(cudaFunction_t *function, const void *host)
{
    cudaError_t result = load(host);
    *function = result ? NULL : (cudaFunction_t)host;
    return result;
}

cudaError_t cudaFuncGetAttributes(struct cudaFuncAttributes *attributes, const void *host)
{
    memset(attributes, 0, sizeof *attributes);
    attributes->maxThreadsPerBlock = 1024;
    attributes->numRegs = 32;
    attributes->ptxVersion = attributes->binaryVersion = 90;
    attributes->maxDynamicSharedSizeBytes = 49152;
    return load(host);
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, const void *host,
                                                          int threads, size_t shared)
{
    *blocks = 2;
    return load(host);
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *blocks, const void *host,
                                                                   int threads, size_t shared,
                                                                   unsigned flags)
{
    return cudaOccupancyMaxActiveBlocksPerMultiprocessor(blocks, host, threads, shared);
}

cudaError_t cudaGetLastError(void)
{
    cudaError_t error = last;
    last = cudaSuccess;
    return error;
}

cudaError_t cudaPeekAtLastError(void)
{
    return last;
}

const char *cudaGetErrorName(cudaError_t error)
{
    const char *name;
    cuGetErrorName((CUresult)error, &name);
    return name;
}

const char *cudaGetErrorString(cudaError_t error)
{
    switch (error) {
    case cudaSuccess:
        return "no error";
    case cudaErrorNoKernelImageForDevice:
        return "no kernel image is available for execution on the device";
    case cudaErrorUnsupportedPtxVersion:
        return "the provided PTX was compiled with an unsupported toolchain.";
    case cudaErrorInsufficientDriver:
        return "CUDA driver version is insufficient for CUDA runtime version";
    default:
        return cudaGetErrorName(error);
    }
}

cudaError_t cudaRuntimeGetVersion(int *version)
{
    *version = CUDART_VERSION;
    return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int *version)
{
    return told(cuDriverGetVersion(version));
}

cudaError_t cudaGetDeviceCount(int *count)
{
    return usable() ? usable() : told(cuDeviceGetCount(count));
}

cudaError_t cudaGetDevice(int *device)
{
    return told(cuCtxGetDevice(device));
}

cudaError_t cudaSetDevice(int device)
{
    CUcontext context;
    cuDevicePrimaryCtxRetain(&context, device);
    return told(cuCtxSetCurrent(context));
}

cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attribute, int device)
{
    return told(cuDeviceGetAttribute(value, (CUdevice_attribute)attribute, device));
}

static int attribute(CUdevice_attribute which, int device)
{
    int value;
    cuDeviceGetAttribute(&value, which, device);
    return value;
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *p, int device)
{
    memset(p, 0, sizeof *p);
    cuDeviceGetName(p->name, sizeof p->name, device);
    cuDeviceTotalMem(&p->totalGlobalMem, device);
    p->major = attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, device);
    p->minor = attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, device);
    p->multiProcessorCount = attribute(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, device);
    p->warpSize = 32;
    p->maxThreadsPerBlock = p->maxThreadsDim[0] = p->maxThreadsDim[1] = 1024;
    p->maxThreadsDim[2] = 64;
    p->maxGridSize[0] = 2147483647;
    p->maxGridSize[1] = p->maxGridSize[2] = 65535;
    p->maxThreadsPerMultiProcessor = 1536;
    p->regsPerBlock = p->regsPerMultiprocessor = 65536;
    p->sharedMemPerBlock = 49152;
    p->sharedMemPerBlockOptin = 101376;
    p->sharedMemPerMultiprocessor = 102400;
    p->l2CacheSize = 64 << 20;
    p->memoryBusWidth = 512;
    return cudaSuccess;
}

/* ---- memory and streams */

cudaError_t cudaMalloc(void **address, size_t size)
{
    return told(cuMemAlloc((CUdeviceptr *)address, size));
}

cudaError_t cudaFree(void *address)
{
    return address ? told(cuMemFree((CUdeviceptr)address)) : cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t *free, size_t *total)
{
    return told(cuMemGetInfo(free, total));
}

cudaError_t cudaMemcpy(void *to, const void *from, size_t size, enum cudaMemcpyKind kind)
{
    return told(cuMemcpyDtoD((CUdeviceptr)to, (CUdeviceptr)from, size));
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t size, enum cudaMemcpyKind kind,
                            cudaStream_t stream)
{
    return cudaMemcpy(to, from, size, kind);
}

cudaError_t cudaMemset(void *to, int value, size_t size)
{
    return told(cuMemsetD8((CUdeviceptr)to, value, size));
}

cudaError_t cudaMemsetAsync(void *to, int value, size_t size, cudaStream_t stream)
{
    return cudaMemset(to, value, size);
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, enum cudaStreamCaptureStatus *status)
{
    *status = cudaStreamCaptureStatusNone;
    return cudaSuccess;
}

cudaError_t cudaPointerGetAttributes(struct cudaPointerAttributes *attributes, const void *address)
{
    memset(attributes, 0, sizeof *attributes);
    unsigned kind = 0;
    CUdeviceptr of = (CUdeviceptr)address;
    if (!cuPointerGetAttribute(&kind, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, of))
        attributes->type = kind == CU_MEMORYTYPE_HOST ? cudaMemoryTypeHost : cudaMemoryTypeDevice;
    return cudaSuccess;
}
