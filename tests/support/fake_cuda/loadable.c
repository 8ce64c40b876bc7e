/* What a driver loads (CUDA's programming guide, "Binary Compatibility" and "PTX Compatibility"):
 *
 * - SASS of the GPU's own major version, and of its minor version or a lower one; what was built for
 *   an architecture with an `a` (sm_90a) for that one alone;
 * - PTX of a version that the driver's compiler knows, for an architecture that is not above the
 *   GPU's; with an `a` for that one alone, with an `f` for its major version.
 *
 * The text of the PTX is not compiled: only its header decides.
 */
#include "loadable.h"

#include "machine.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FATBIN_WRAPPER = 0x466243b1, FATBIN = 0xba55ed50, ELF = 0x464c457f };
enum { PTX = 1, SASS = 2 };          /* kinds of entries */
enum { LZ4 = 0x2000, ZSTD = 0x8000 }; /* flags of entries */

/* An entry of a fat binary, as fatbinary writes it. */
struct entry {
    uint16_t kind, version;
    uint32_t header_size;
    uint64_t size;
    uint32_t packed_size, options;
    uint16_t minor, major; /* of the PTX */
    uint32_t architecture, name, name_size;
    uint64_t flags, zero, full_size;
};

struct architecture {
    int number; /* 90 */
    char kind;  /* 'a', 'f' or 0 */
};

static int capability(void)
{
    return 10 * machine()->major + machine()->minor;
}

static bool runs_sass(struct architecture of)
{
    if (of.kind == 'a')
        return of.number == capability();
    return of.number / 10 == machine()->major && of.number <= capability();
}

static CUresult compiles(int version, struct architecture target)
{
    if (version > machine()->ptx)
        return CUDA_ERROR_UNSUPPORTED_PTX_VERSION;
    bool suits = target.kind == 'a'   ? target.number == capability()
                 : target.kind == 'f' ? runs_sass((struct architecture){target.number, 0})
                                      : target.number <= capability();
    return suits ? CUDA_SUCCESS : CUDA_ERROR_INVALID_PTX;
}

/* The beginning of an LZ4 block. */
static size_t unpack(const uint8_t *from, const uint8_t *end, uint8_t *to, size_t room)
{
    size_t done = 0;
    while (from < end && done < room) {
        unsigned token = *from++, more;
        size_t literals = token >> 4, match = token & 15;
        if (literals == 15)
            do
                literals += more = *from++;
            while (more == 255);
        for (; literals && done < room; literals--)
            to[done++] = *from++;
        if (from >= end || done >= room)
            break;
        size_t back = from[0] | from[1] << 8;
        from += 2;
        if (match == 15)
            do
                match += more = *from++;
            while (more == 255);
        for (match += 4; match && done < room && back <= done; match--, done++)
            to[done] = to[done - back];
    }
    return done;
}

static struct architecture of_cubin(const uint8_t *elf)
{
    uint32_t flags;
    memcpy(&flags, elf + 48, 4);
    if (elf[8] >= 8) /* the ABI's version */
        return (struct architecture){flags >> 8 & 0xff, flags & 0x8 ? 'a' : 0};
    return (struct architecture){flags & 0xff, flags & 0x800 ? 'a' : 0};
}

static CUresult judge_text(const char *text, size_t length)
{
    char head[2048];
    snprintf(head, sizeof head, "%.*s", (int)(length < sizeof head ? length : sizeof head - 1), text);
    const char *version = strstr(head, ".version "), *target = strstr(head, ".target sm_");
    int major = 0, minor = 0;
    struct architecture wanted = {0, 0};
    if (version && target) {
        sscanf(version, ".version %d.%d", &major, &minor);
        sscanf(target, ".target sm_%d%c", &wanted.number, &wanted.kind);
    }
    if (wanted.kind != 'a' && wanted.kind != 'f')
        wanted.kind = 0;
    CUresult result = wanted.number ? compiles(10 * major + minor, wanted) : CUDA_ERROR_INVALID_PTX;
    note("PTX %d.%d for sm_%d%.1s: %d\n", major, minor, wanted.number, &wanted.kind, result);
    return result;
}

static CUresult judge_cubin(struct architecture of)
{
    CUresult result = runs_sass(of) ? CUDA_SUCCESS : CUDA_ERROR_NO_BINARY_FOR_GPU;
    note("SASS for sm_%d%.1s: %d\n", of.number, &of.kind, result);
    return result;
}

static CUresult judge_ptx(const struct entry *entry)
{
    const uint8_t *held = (const uint8_t *)entry + entry->header_size;
    size_t packed = entry->packed_size ? entry->packed_size : entry->size;
    if (entry->flags & ZSTD) /* its header says the same, but for an `a` */
        return compiles(10 * entry->major + entry->minor,
                        (struct architecture){entry->architecture, 0});
    if (!(entry->flags & LZ4))
        return judge_text((const char *)held, packed);
    char head[2048];
    size_t length = unpack(held, held + packed, (uint8_t *)head, sizeof head);
    return judge_text(head, length);
}

static struct architecture of_sass(const struct entry *entry)
{
    const uint8_t *held = (const uint8_t *)entry + entry->header_size;
    uint8_t head[64] = {0};
    if (entry->flags & ZSTD)
        return (struct architecture){entry->architecture, 0};
    if (entry->flags & LZ4)
        unpack(held, held + entry->packed_size, head, sizeof head);
    else
        memcpy(head, held, sizeof head);
    return of_cubin(head);
}

/* SASS that fits, else the PTX of the highest architecture that the GPU is not below. */
static CUresult judge_fatbin(const uint8_t *image)
{
    uint64_t size;
    memcpy(&size, image + 8, 8);
    const uint8_t *at = image + 16, *end = at + size;
    const struct entry *best = NULL;
    while (at + sizeof(struct entry) <= end) {
        const struct entry *entry = (const struct entry *)at;
        if (entry->kind == SASS && runs_sass(of_sass(entry)))
            return judge_cubin(of_sass(entry));
        if (entry->kind == PTX && (int)entry->architecture <= capability() &&
            (!best || entry->architecture > best->architecture))
            best = entry;
        at += entry->header_size + entry->size;
    }
    if (best)
        return judge_ptx(best);
    note("a fat binary with nothing for it: %d\n", CUDA_ERROR_NO_BINARY_FOR_GPU);
    return CUDA_ERROR_NO_BINARY_FOR_GPU;
}

CUresult loadable(const void *image)
{
    uint32_t magic;
    memcpy(&magic, image, 4);
    if (magic == FATBIN_WRAPPER) {
        memcpy(&image, (const uint8_t *)image + 8, sizeof image);
        memcpy(&magic, image, 4);
    }
    if (magic == FATBIN)
        return judge_fatbin(image);
    if (magic == ELF)
        return judge_cubin(of_cubin(image));
    return judge_text(image, strlen(image));
}
