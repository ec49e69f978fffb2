// ml/proto.h - a reader of Google's protobuf wire format: fields one after the other, nothing
// copied, nothing believed. What a message means is its reader's business.
//
//     ProtoField field;
//     while (proto_next(&at, &field)) switch (field.number) { ... }
//     TRY(proto_end(&at, "a NodeProto", err));
#pragma once

#include "base/text.h"

// Messages in messages, as far as a reader follows them by calling itself.
enum { PROTO_DEPTH_MAX = 64 };

typedef struct Proto {
    const uint8_t *at, *end;
    bool damaged;
} Proto;

typedef enum ProtoWire { PROTO_VARINT = 0, PROTO_FIXED64 = 1, PROTO_BYTES = 2, PROTO_FIXED32 = 5 }
    ProtoWire;

typedef struct ProtoField {
    uint32_t number;
    ProtoWire wire;
    uint64_t value;  // of all but PROTO_BYTES
    Str bytes;       // of PROTO_BYTES: text, a message, a packed list; else empty
} ProtoField;

static inline Proto proto_of(Str bytes) {
    const uint8_t *at = (const uint8_t *)bytes.ptr;
    return (Proto){at, at ? at + bytes.len : NULL, false};
}

// The next field; false at the end and where the bytes are no message.
bool proto_next(Proto *self, ProtoField *out);
// ST_VALIDATION when proto_next stopped before the end, naming [what] was being read.
NODISCARD Status proto_end(const Proto *self, const char *what, Error *err);

float proto_f32(const ProtoField *field);
double proto_f64(const ProtoField *field);
static inline int64_t proto_i64(const ProtoField *field) {
    return (int64_t)field->value;
}

// Repeated numbers, packed or one a field, are added to [out] as int64_t, float or double; false
// when a packed list is damaged.
bool proto_put_i64s(const ProtoField *field, Buf *out);
bool proto_put_f32s(const ProtoField *field, Buf *out);
bool proto_put_f64s(const ProtoField *field, Buf *out);
