#include "ml/proto.h"

static bool varint(Proto *self, uint64_t *out) {
    uint64_t value = 0;
    for (uint32_t shift = 0; shift < 70; shift += 7) {
        if (self->at == self->end) return false;
        uint8_t byte = *self->at++;
        if (shift < 64) value |= (uint64_t)(byte & 0x7F) << shift;
        if (!(byte & 0x80)) {
            *out = value;
            return true;
        }
    }
    return false;  // longer than any number
}

static bool fixed(Proto *self, uint32_t size, uint64_t *out) {
    if ((size_t)(self->end - self->at) < size) return false;
    uint64_t value = 0;
    for (uint32_t i = 0; i < size; i++) value |= (uint64_t)self->at[i] << (8 * i);
    self->at += size;
    *out = value;
    return true;
}

static bool read_field(Proto *self, ProtoField *out) {
    uint64_t key, size;
    if (!varint(self, &key) || key >> 3 == 0 || key >> 3 > UINT32_MAX) return false;
    *out = (ProtoField){.number = (uint32_t)(key >> 3), .wire = (ProtoWire)(key & 7)};
    switch (out->wire) {
        case PROTO_VARINT: return varint(self, &out->value);
        case PROTO_FIXED64: return fixed(self, 8, &out->value);
        case PROTO_FIXED32: return fixed(self, 4, &out->value);
        case PROTO_BYTES:
            if (!varint(self, &size) || size > (uint64_t)(self->end - self->at)) return false;
            out->bytes = str_make((const char *)self->at, size);
            self->at += size;
            return true;
        default: return false;  // groups: no model has them
    }
}

bool proto_next(Proto *self, ProtoField *out) {
    if (self->damaged || self->at == self->end) return false;
    self->damaged = !read_field(self, out);
    return !self->damaged;
}

Status proto_end(const Proto *self, const char *what, Error *err) {
    if (!self->damaged) return ST_OK;
    return error_set(err, ST_VALIDATION, "%s is damaged: its bytes are no protobuf message", what);
}

float proto_f32(const ProtoField *field) {
    float out;
    uint32_t bits = (uint32_t)field->value;
    memcpy(&out, &bits, sizeof out);
    return out;
}

double proto_f64(const ProtoField *field) {
    double out;
    memcpy(&out, &field->value, sizeof out);
    return out;
}

bool proto_put_i64s(const ProtoField *field, Buf *out) {
    if (field->wire == PROTO_VARINT) {
        buf_put(out, &field->value, 8);
        return true;
    }
    Proto list = proto_of(field->bytes);
    uint64_t value;
    while (list.at != list.end) {
        if (!varint(&list, &value)) return false;
        buf_put(out, &value, 8);
    }
    return field->wire == PROTO_BYTES;
}

// Packed numbers of a fixed size stand as they lie in the memory of a little-endian machine.
static bool put_fixed(const ProtoField *field, ProtoWire one, uint32_t size, Buf *out) {
    if (field->wire == one) {
        buf_put(out, &field->value, size);
        return true;
    }
    if (field->wire != PROTO_BYTES || field->bytes.len % size) return false;
    buf_put_str(out, field->bytes);
    return true;
}

bool proto_put_f32s(const ProtoField *field, Buf *out) {
    return put_fixed(field, PROTO_FIXED32, 4, out);
}

bool proto_put_f64s(const ProtoField *field, Buf *out) {
    return put_fixed(field, PROTO_FIXED64, 8, out);
}
