// ml/tf/bundle.c - the values of variables as a SavedModel has them: a tensor bundle.
//
// PREFIX.index is a table in the format of LevelDB (its doc/table_format.md): blocks of entries
// sorted by key, each sharing its beginning with the key before, blocks perhaps compressed with
// snappy, each with a CRC-32C; a block of handles to them, and a footer. The values are
// BundleEntryProtos: type, shape, shard and place in the file PREFIX.data-SHARD-of-SHARDS.
#include "ml/tf/bundle.h"

#include "ml/tf/tf_int.h"
#include "os/os.h"

enum { FOOTER_SIZE = 48, BLOCK_SIZE_MAX = 256 << 20, KEY_SIZE_MAX = 1 << 16 };
static const uint64_t TABLE_MAGIC = 0xdb4775248b80fb57u;

typedef struct BundleEntry {
    int64_t type, shard, offset, size;
    uint32_t crc;
    Str shape;
    bool sliced;
} BundleEntry;

struct TfBundle {
    Arena arena;
    Str prefix;
    Map entry;  // key → BundleEntry, of the arena
    int64_t shards;
    bool checked;
};

// --- CRC-32C (Castagnoli), as iSCSI has it: RFC 3720, appendix B.4 ---

typedef struct CrcTable {
    uint32_t of[256];
} CrcTable;

static CrcTable crc_table(void) {
    CrcTable table;
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78u : 0);
        table.of[i] = crc;
    }
    return table;
}

// Masked, as LevelDB keeps it: a checksum of bytes that hold checksums says little.
static uint32_t masked_crc(Str bytes, const uint8_t *more, size_t more_size) {
    CrcTable table = crc_table();
    uint32_t crc = UINT32_MAX;
    const uint8_t *at = (const uint8_t *)bytes.ptr;
    for (uint32_t i = 0; i < bytes.len; i++) crc = crc >> 8 ^ table.of[(crc ^ at[i]) & 0xFF];
    for (size_t i = 0; i < more_size; i++) crc = crc >> 8 ^ table.of[(crc ^ more[i]) & 0xFF];
    crc = ~crc;
    return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

static uint32_t little32(const void *at) {
    const uint8_t *b = at;
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

// --- Snappy (google/snappy, format_description.txt) ---

static bool take_varint(const uint8_t **at, const uint8_t *end, uint64_t *out) {
    *out = 0;
    for (uint32_t shift = 0; shift < 64 && *at < end; shift += 7) {
        uint8_t byte = *(*at)++;
        *out |= (uint64_t)(byte & 0x7F) << shift;
        if (!(byte & 0x80)) return true;
    }
    return false;
}

static bool snappy_copy(Buf *out, size_t size_max, size_t distance, size_t length) {
    if (!distance || distance > out->len || length > size_max - out->len) return false;
    for (size_t i = 0; i < length; i++) buf_putc(out, out->ptr[out->len - distance]);
    return true;
}

static bool unsnap(Str bytes, Buf *out) {
    const uint8_t *at = (const uint8_t *)bytes.ptr, *end = at + bytes.len;
    uint64_t size;
    if (!take_varint(&at, end, &size) || size > BLOCK_SIZE_MAX) return false;
    while (at < end) {
        uint8_t tag = *at++;
        size_t length = (size_t)(tag >> 2) + 1, more = tag & 3;
        if (more == 0) {
            size_t extra = length > 60 ? length - 60 : 0;
            if ((size_t)(end - at) < extra) return false;
            if (extra) {
                length = 0;
                for (size_t i = 0; i < extra; i++) length |= (size_t)at[i] << (8 * i);
                length++;
                at += extra;
            }
            if (length > (size_t)(end - at) || length > size - out->len) return false;
            buf_put(out, at, length);
            at += length;
            continue;
        }
        size_t bytes_more = more == 1 ? 1 : more == 2 ? 2 : 4, distance = 0;
        if ((size_t)(end - at) < bytes_more) return false;
        for (size_t i = 0; i < bytes_more; i++) distance |= (size_t)at[i] << (8 * i);
        at += bytes_more;
        if (more == 1) {
            distance |= (size_t)(tag >> 5) << 8;
            length = (size_t)(tag >> 2 & 7) + 4;
        }
        if (!snappy_copy(out, size, distance, length)) return false;
    }
    return out->len == size;
}

// --- The table ---

typedef Status (*OnEntry)(void *arg, Str key, Str value, Error *err);

static Status damaged(const TfBundle *self, const char *what, Error *err) {
    return error_set(err, ST_VALIDATION, STR_FMT ".index is damaged: %s", STR_ARG(self->prefix),
                     what);
}

// Each entry of a block's bytes, in order. Behind the entries stands an array of places, and their
// number.
static Status each_entry(const TfBundle *self, Str block, OnEntry on, void *arg, Error *err) {
    if (block.len < 4) return damaged(self, "a block without an end", err);
    uint64_t restarts = little32(block.ptr + block.len - 4);
    if (restarts > (block.len - 4) / 4) return damaged(self, "a block's restarts", err);
    const uint8_t *at = (const uint8_t *)block.ptr;
    const uint8_t *end = at + block.len - 4 - restarts * 4;
    Buf key = {0};
    Status st = ST_OK;
    while (at < end && !st) {
        uint64_t shared, own, size;
        if (!take_varint(&at, end, &shared) || !take_varint(&at, end, &own) ||
            !take_varint(&at, end, &size) || shared > key.len || own > KEY_SIZE_MAX ||
            own > (uint64_t)(end - at) || size > (uint64_t)(end - at) - own) {
            st = damaged(self, "an entry", err);
            break;
        }
        key.len = shared;
        buf_put(&key, at, own);
        if (key.len > KEY_SIZE_MAX) st = damaged(self, "a key", err);
        at += own;
        if (!st) st = on(arg, buf_str(&key), str_make((const char *)at, size), err);
        at += size;
    }
    buf_free(&key);
    return st;
}

// The block at [offset] of the file, its checksum checked and its bytes unpacked, to [on].
static Status each_of_block(const TfBundle *self, Str file, uint64_t offset, uint64_t size,
                            OnEntry on, void *arg, Error *err) {
    if (offset > file.len || size > file.len - offset || file.len - offset - size < 5) {
        return damaged(self, "a block lies outside of it", err);
    }
    Str block = str_make(file.ptr + offset, size);
    const uint8_t *trailer = (const uint8_t *)block.ptr + size;
    if (self->checked && masked_crc(block, trailer, 1) != little32(trailer + 1)) {
        return damaged(self, "a block's checksum does not match", err);
    }
    if (trailer[0] == 0) return each_entry(self, block, on, arg, err);
    Buf unpacked = {0};
    Status st = ST_OK;
    if (trailer[0] != 1 || !unsnap(block, &unpacked)) st = damaged(self, "a packed block", err);
    if (!st) st = each_entry(self, buf_str(&unpacked), on, arg, err);
    buf_free(&unpacked);
    return st;
}

static bool take_handle(const uint8_t **at, const uint8_t *end, uint64_t *offset, uint64_t *size) {
    return take_varint(at, end, offset) && take_varint(at, end, size);
}

static Status on_value(void *arg, Str key, Str value, Error *err) {
    TfBundle *self = arg;
    Proto at = proto_of(value);
    ProtoField field;
    if (key.len == 0) {  // BundleHeaderProto
        bool big = false;
        while (proto_next(&at, &field)) {
            if (field.number == 1) self->shards = proto_i64(&field);
            if (field.number == 2) big = field.value == 1;
        }
        if (big || self->shards < 1 || self->shards > 99999) {
            return damaged(self, "its number of shards, or their byte order", err);
        }
        return proto_end(&at, "the index's header", err);
    }
    BundleEntry *entry = ARENA_NEW(&self->arena, BundleEntry);
    while (proto_next(&at, &field)) {
        switch (field.number) {
            case 1: entry->type = proto_i64(&field); break;
            case 2: entry->shape = str_dup(&self->arena, field.bytes); break;
            case 3: entry->shard = proto_i64(&field); break;
            case 4: entry->offset = proto_i64(&field); break;
            case 5: entry->size = proto_i64(&field); break;
            case 6: entry->crc = (uint32_t)field.value; break;
            case 7: entry->sliced = true; break;
            default: break;
        }
    }
    (void)map_put(&self->entry, key, entry);
    return proto_end(&at, "an entry of the index", err);
}

typedef struct TableWalk {
    TfBundle *self;
    Str file;
} TableWalk;

static Status on_handle(void *arg, Str key, Str value, Error *err) {
    (void)key;
    TableWalk *walk = arg;
    const uint8_t *at = (const uint8_t *)value.ptr;
    uint64_t offset, size;
    if (!take_handle(&at, at + value.len, &offset, &size)) {
        return damaged(walk->self, "a handle", err);
    }
    return each_of_block(walk->self, walk->file, offset, size, on_value, walk->self, err);
}

static Status read_table(TfBundle *self, Str file, Error *err) {
    if (file.len < FOOTER_SIZE) return damaged(self, "it is too short", err);
    const uint8_t *footer = (const uint8_t *)file.ptr + file.len - FOOTER_SIZE;
    const uint8_t *at = footer, *end = footer + FOOTER_SIZE - 8;
    uint64_t offset, size;
    if (((uint64_t)little32(end + 4) << 32 | little32(end)) != TABLE_MAGIC) {
        return damaged(self, "its last bytes are not those of a table", err);
    }
    if (!take_handle(&at, end, &offset, &size) || !take_handle(&at, end, &offset, &size)) {
        return damaged(self, "its footer", err);
    }
    TableWalk walk = {self, file};
    return each_of_block(self, file, offset, size, on_handle, &walk, err);
}

Status tf_bundle_of(Str prefix, Str index, bool checked, TfBundle **out, Error *err) {
    TfBundle *self = NEW(TfBundle);
    arena_init(&self->arena);
    self->prefix = str_dup(&self->arena, prefix);
    self->checked = checked;
    Status st = index.len > BLOCK_SIZE_MAX ? damaged(self, "it is too large", err)
                                           : read_table(self, index, err);
    if (st) tf_bundle_close(self);
    else *out = self;
    return st;
}

Status tf_bundle_open(Str prefix, TfBundle **out, Error *err) {
    Buf path = {0}, file = {0};
    buf_printf(&path, STR_FMT ".index", STR_ARG(prefix));
    Status st = os_read_file(buf_str(&path), &file, err);
    if (!st) st = tf_bundle_of(prefix, buf_str(&file), true, out, err);
    buf_free(&path);
    buf_free(&file);
    return st;
}

void tf_bundle_close(TfBundle *self) {
    if (!self) return;
    map_clear(&self->entry);
    arena_clear(&self->arena);
    mem_free(self);
}

bool tf_bundle_has(const TfBundle *self, Str key) {
    return map_has(&self->entry, key);
}

// --- Values ---

static Status read_bytes(const TfBundle *self, const BundleEntry *entry, Str key, void *to,
                         Error *err) {
    Buf name = {0};
    buf_printf(&name, STR_FMT ".data-%05d-of-%05d", STR_ARG(self->prefix), (int)entry->shard,
               (int)self->shards);
    OsFile *file = NULL;
    size_t got = 0;
    Status st = os()->open(buf_str(&name), OS_READ, &file, err);
    for (size_t done = 0; !st && done < (size_t)entry->size; done += got) {
        st = os()->read_at(file, entry->offset + (int64_t)done, (char *)to + done,
                           (size_t)entry->size - done, &got, err);
        if (st || got) continue;
        st = error_set(err, ST_VALIDATION, STR_FMT " ends before the values of '" STR_FMT "'",
                       STR_ARG(buf_str(&name)), STR_ARG(key));
    }
    if (file) (void)os()->close(file, NULL);
    if (!st && masked_crc(str_make(to, (size_t)entry->size), NULL, 0) != entry->crc) {
        st = error_set(err, ST_VALIDATION,
                       STR_FMT " is damaged: the checksum of '" STR_FMT "' does not match",
                       STR_ARG(buf_str(&name)), STR_ARG(key));
    }
    buf_free(&name);
    return st;
}

Status tf_bundle_read(TfBundle *self, Str key, Graph *graph, uint32_t *value, Error *err) {
    const BundleEntry *entry = map_get(&self->entry, key);
    int64_t dim[TENSOR_RANK_MAX], count;
    uint32_t rank;
    if (!entry) {
        return error_set(err, ST_VALIDATION, "variable '" STR_FMT "' is not in " STR_FMT ".index",
                         STR_ARG(key), STR_ARG(self->prefix));
    }
    StoredType stored = tf_stored(entry->type);
    uint32_t size = stored_size(stored);
    if (!size || entry->sliced || !tf_shape(entry->shape, &rank, dim)) {
        return error_set(err, ST_UNSUPPORTED, "variable '" STR_FMT "' has data type %lld%s",
                         STR_ARG(key), (long long)entry->type,
                         entry->sliced ? " and lies in parts" : "");
    }
    TRY(tensor_count(rank, dim, &count, err));
    if (entry->size != count * size || entry->shard < 0 || entry->offset < 0 ||
        entry->shard >= self->shards || entry->size > UINT32_MAX) {
        return damaged(self, "an entry's size", err);
    }
    Tensor t;
    TensorType type = stored_tensor(stored);
    TRY(graph_constant_new(graph, type, rank, dim, &t, value, err));
    if (size == tensor_size(type) && type != TENSOR_BOOL) {
        return read_bytes(self, entry, key, t.data, err);
    }
    char *raw = mem_alloc((size_t)entry->size + 1);
    Status st = read_bytes(self, entry, key, raw, err);
    if (!st) stored_fill(&t, stored, raw);
    mem_free(raw);
    return st;
}
