/* libnvidia-ml.so.1: what bench/observe, TensorFlow and this project's modules ask.
 *
 * The numbers do not follow what the GPU does: nobody can see here what it would. */
#include "machine.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define API __attribute__((visibility("default")))

/* As in nvml.h, which no wheel of TensorFlow's lock brings. */
enum {
    SUCCESS = 0,
    INVALID_ARGUMENT = 2,
    NOT_SUPPORTED = 3,
    NOT_FOUND = 6,
    INSUFFICIENT_SIZE = 7,
    GPU_IS_LOST = 15,
};

struct gpu {
    int number, slice; /* slice: -1 for the GPU as a whole */
};

struct memory {
    unsigned long long total, free, used;
};

struct memory_v2 {
    unsigned version;
    unsigned long long total, reserved, free, used;
};

struct pci {
    char old_id[16];
    unsigned domain, bus, device, id, subsystem;
    char bus_id[32];
};

struct field {
    unsigned id, scope;
    long long when, latency;
    unsigned type, result;
    unsigned long long value;
};

static struct gpu whole[MOST_GPUS], slices[MOST_GPUS][8];

static int answer(void)
{
    return is_lost() ? GPU_IS_LOST : SUCCESS;
}

static int put(unsigned *to, unsigned value)
{
    *to = value;
    return answer();
}

static unsigned long long milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000ull + now.tv_nsec / 1000000;
}

API int nvmlInitWithFlags(unsigned flags)
{
    for (int i = 0; i < MOST_GPUS; i++) {
        whole[i] = (struct gpu){i, -1};
        for (int j = 0; j < 8; j++)
            slices[i][j] = (struct gpu){i, j};
    }
    return SUCCESS;
}

API int nvmlInit_v2(void)
{
    return nvmlInitWithFlags(0);
}

API int nvmlShutdown(void)
{
    return SUCCESS;
}

API const char *nvmlErrorString(int error)
{
    switch (error) {
    case NOT_SUPPORTED:
        return "Not Supported";
    case NOT_FOUND:
        return "Not Found";
    case GPU_IS_LOST:
        return "GPU is lost";
    default:
        return "another error of the stand-in for NVML";
    }
}

API int nvmlSystemGetDriverVersion(char *text, unsigned room)
{
    snprintf(text, room, "%s", machine()->driver);
    return SUCCESS;
}

API int nvmlSystemGetNVMLVersion(char *text, unsigned room)
{
    snprintf(text, room, "13.%s", machine()->driver);
    return SUCCESS;
}

API int nvmlSystemGetCudaDriverVersion_v2(int *version)
{
    *version = machine()->cuda;
    return SUCCESS;
}

/* ---- which GPU */

API int nvmlDeviceGetCount_v2(unsigned *count)
{
    return *count = machine()->count, SUCCESS;
}

API int nvmlDeviceGetHandleByIndex_v2(unsigned index, struct gpu **gpu)
{
    if (index >= (unsigned)machine()->count)
        return INVALID_ARGUMENT;
    *gpu = &whole[index];
    return answer();
}

API int nvmlDeviceGetHandleByPciBusId_v2(const char *id, struct gpu **gpu)
{
    unsigned domain = 0, bus = 0;
    sscanf(id, "%x:%x", &domain, &bus);
    return bus ? nvmlDeviceGetHandleByIndex_v2(bus - 1, gpu) : NOT_FOUND;
}

API int nvmlDeviceGetUUID(struct gpu *gpu, char *text, unsigned room)
{
    char uuid[48];
    uuid_of(gpu->number, gpu->slice, gpu->slice >= 0, uuid);
    snprintf(text, room, "%s", uuid);
    return answer();
}

API int nvmlDeviceGetHandleByUUID(const char *wanted, struct gpu **gpu)
{
    char uuid[48];
    for (int i = 0; i < machine()->count; i++)
        for (int j = -1; j < machine()->slices; j++) {
            uuid_of(i, j, j >= 0, uuid);
            if (strcmp(uuid, wanted) == 0) {
                *gpu = j < 0 ? &whole[i] : &slices[i][j];
                return answer();
            }
        }
    return NOT_FOUND;
}

API int nvmlDeviceGetIndex(struct gpu *gpu, unsigned *index)
{
    return put(index, gpu->number);
}

API int nvmlDeviceGetName(struct gpu *gpu, char *text, unsigned room)
{
    snprintf(text, room, gpu->slice < 0 ? "%s" : "%s MIG 1g", machine()->name);
    return answer();
}

API int nvmlDeviceGetPciInfo_v3(struct gpu *gpu, struct pci *pci)
{
    memset(pci, 0, sizeof *pci);
    pci->bus = 1 + gpu->number;
    snprintf(pci->old_id, sizeof pci->old_id, "0000:%02x:00.0", pci->bus);
    snprintf(pci->bus_id, sizeof pci->bus_id, "00000000:%02x:00.0", pci->bus);
    return answer();
}

API int nvmlDeviceGetMigMode(struct gpu *gpu, unsigned *now, unsigned *pending)
{
    if (machine()->major < 8)
        return NOT_SUPPORTED;
    *pending = machine()->slices > 0;
    return put(now, *pending);
}

API int nvmlDeviceGetMigDeviceHandleByIndex(struct gpu *gpu, unsigned index, struct gpu **slice)
{
    if (index >= (unsigned)machine()->slices)
        return NOT_FOUND;
    *slice = &slices[gpu->number][index];
    return answer();
}

API int nvmlDeviceGetDeviceHandleFromMigDeviceHandle(struct gpu *slice, struct gpu **gpu)
{
    *gpu = &whole[slice->number];
    return answer();
}

/* ---- how it is */

/* What is the same of every GPU; power is in mW. */
#define ALWAYS(name, value)                     \
    API int name(struct gpu *gpu, unsigned *to) \
    {                                           \
        return put(to, value);                  \
    }
ALWAYS(nvmlDeviceGetMaxMigDeviceCount, 7)
ALWAYS(nvmlDeviceGetPowerUsage, 100000)
ALWAYS(nvmlDeviceGetEnforcedPowerLimit, 300000)
ALWAYS(nvmlDeviceGetPowerManagementDefaultLimit, 300000)
ALWAYS(nvmlDeviceGetCurrPcieLinkGeneration, 4)
ALWAYS(nvmlDeviceGetMaxPcieLinkGeneration, 4)
ALWAYS(nvmlDeviceGetCurrPcieLinkWidth, 16)
ALWAYS(nvmlDeviceGetMaxPcieLinkWidth, 16)

API int nvmlDeviceGetCudaComputeCapability(struct gpu *gpu, int *major, int *minor)
{
    *major = machine()->major, *minor = machine()->minor;
    return answer();
}

API int nvmlDeviceGetTotalEnergyConsumption(struct gpu *gpu, unsigned long long *millijoules)
{
    *millijoules = 100 * milliseconds(); /* of 100 W */
    return gpu->slice < 0 ? answer() : INVALID_ARGUMENT;
}

API int nvmlDeviceGetClockInfo(struct gpu *gpu, int kind, unsigned *megahertz)
{
    return put(megahertz, kind == 2 ? 14000 : 2400);
}

API int nvmlDeviceGetMaxClockInfo(struct gpu *gpu, int kind, unsigned *megahertz)
{
    return nvmlDeviceGetClockInfo(gpu, kind, megahertz);
}

API int nvmlDeviceGetTemperature(struct gpu *gpu, int sensor, unsigned *celsius)
{
    return put(celsius, 50);
}

API int nvmlDeviceGetUtilizationRates(struct gpu *gpu, unsigned rates[2])
{
    rates[1] = 10;
    return put(rates, 50);
}

API int nvmlDeviceGetMemoryInfo(struct gpu *gpu, struct memory *memory)
{
    memory->total = machine()->memory;
    memory->used = memory->total / 4;
    memory->free = memory->total - memory->used;
    return answer();
}

API int nvmlDeviceGetMemoryInfo_v2(struct gpu *gpu, struct memory_v2 *memory)
{
    struct memory plain;
    int result = nvmlDeviceGetMemoryInfo(gpu, &plain);
    memory->total = plain.total, memory->used = plain.used, memory->free = plain.free;
    memory->reserved = 0;
    return result;
}

API int nvmlDeviceGetCurrentClocksEventReasons(struct gpu *gpu, unsigned long long *reasons)
{
    *reasons = 0;
    return answer();
}

/* The fields that bench reads count nanoseconds of throttling: none. */
API int nvmlDeviceGetFieldValues(struct gpu *gpu, int count, struct field *fields)
{
    for (int i = 0; i < count; i++) {
        fields[i].result = SUCCESS;
        fields[i].type = 3; /* unsigned long long */
        fields[i].value = 0;
    }
    return answer();
}

API int nvmlDeviceGetComputeRunningProcesses_v3(struct gpu *gpu, unsigned *count, void *list)
{
    return put(count, 0);
}

API int nvmlDeviceGetProcessUtilization(struct gpu *gpu, void *samples, unsigned *count,
                                        unsigned long long since)
{
    *count = 0;
    return is_lost() ? GPU_IS_LOST : NOT_FOUND;
}

API int nvmlDeviceGetTotalEccErrors(struct gpu *gpu, int kind, int counter,
                                    unsigned long long *errors)
{
    *errors = 0;
    return answer();
}

API int nvmlDeviceGetRemappedRows(struct gpu *gpu, unsigned *corrected, unsigned *uncorrected,
                                  unsigned *pending, unsigned *failed)
{
    *corrected = *uncorrected = *pending = *failed = 0;
    return machine()->major < 8 ? NOT_SUPPORTED : answer();
}

API int nvmlDeviceGetNvLinkState(struct gpu *gpu, unsigned link, int *state)
{
    return NOT_SUPPORTED;
}

API int nvmlDeviceGetGpuFabricInfoV(struct gpu *gpu, void *info)
{
    return NOT_SUPPORTED;
}
