/* Whether the GPU and its driver could load a module: as a CUresult. */
#pragma once

#include <cuda.h>

CUresult loadable(const void *image);
