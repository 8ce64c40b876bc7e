/* libcudnn.so: its version, descriptors that take anything, and heuristics that name one engine. */
#pragma GCC visibility push(default)
#include <cudnn.h>
#pragma GCC visibility pop

#include "machine.h"

#include <stdint.h>

size_t cudnnGetVersion(void)
{
    return CUDNN_VERSION;
}

cudnnStatus_t cudnnGetProperty(libraryPropertyType which, int *value)
{
    const int version[] = {CUDNN_MAJOR, CUDNN_MINOR, CUDNN_PATCHLEVEL};
    *value = version[which];
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t kind,
                                           cudnnBackendDescriptor_t *descriptor)
{
    *descriptor = HANDLE;
    return CUDNN_STATUS_SUCCESS;
}

/* One of whatever is asked for; a number is 0, such as the size of a workspace. */
cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t const descriptor,
                                       cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t kind, int64_t wanted,
                                       int64_t *count, void *array)
{
    int is_text = kind == CUDNN_TYPE_CHAR;
    if (count)
        *count = !is_text;
    if (wanted > 0 && array && kind == CUDNN_TYPE_INT64)
        *(int64_t *)array = 0;
    return CUDNN_STATUS_SUCCESS;
}
