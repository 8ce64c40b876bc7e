/* libcublasLt.so: one algorithm for every product, which needs no memory. */
#include <stddef.h>
#include <string.h>

#define API __attribute__((visibility("default")))

/* As in cublasLt.h, whose own includes no wheel brings. */
struct heuristic_result {
    unsigned long long algorithm[8];
    size_t workspace;
    int state;
    float waves;
    int reserved[4];
};

API int cublasLtMatmulAlgoGetHeuristic(void *handle, void *operation, void *a, void *b, void *c,
                                       void *d, void *preference, int wanted,
                                       struct heuristic_result *results, int *count)
{
    *count = wanted > 0;
    if (*count)
        memset(results, 0, sizeof *results);
    return 0;
}
