#include "ml/pmml/xml.h"

#include <expat.h>
#include <iconv.h>

#include "os/library.h"

#define FUNCTIONS(X)                                                                               \
    X(ParserCreate) X(ParserFree) X(SetUserData) X(SetElementHandler) X(SetCharacterDataHandler)   \
    X(SetStartDoctypeDeclHandler) X(SetSkippedEntityHandler) X(SetUnknownEncodingHandler) X(Parse) \
    X(StopParser) X(GetErrorCode) X(ErrorString) X(GetCurrentLineNumber)                           \
    X(GetCurrentColumnNumber)
#define MEMBER(name) __typeof__(&XML_##name) name;
#define NAME(name) "XML_" #name,

static struct { FUNCTIONS(MEMBER) } expat;
static const char *const EXPAT_NAMES[] = {FUNCTIONS(NAME)};
static Library expat_library = {
    .file = "libexpat.so.1",
    .purpose = "PMML models",
    .package = "libexpat1",
    .symbol = EXPAT_NAMES,
    .functions = &expat,
    .count = sizeof EXPAT_NAMES / sizeof *EXPAT_NAMES,
};

typedef struct Reader {
    XML_Parser parser;
    Arena *arena;
    Xml *root, *at;
    Buf text;         // of the elements that are open, one behind the other
    size_t *begin;    // where each one's text begins in it
    uint32_t depth;
    const char *stop; // why it went no further
} Reader;

static void stop(Reader *self, const char *why) {
    if (!self->stop) self->stop = why;
    (void)expat.StopParser(self->parser, XML_FALSE);
}

static Str local_name(const char *name) {
    const char *colon = strrchr(name, ':');
    return str_c(colon ? colon + 1 : name);
}

static void on_start(void *arg, const XML_Char *name, const XML_Char **attributes) {
    Reader *self = arg;
    uint32_t count = 0;
    while (attributes[count * 2]) count++;
    if (self->depth == XML_DEPTH_MAX) {
        stop(self, "elements are nested too deep");
        return;
    }
    if (count > XML_ATTRIBUTES_MAX) {
        stop(self, "too many attributes");
        return;
    }
    Xml *xml = ARENA_NEW(self->arena, Xml);
    XmlAttribute *attribute = ARENA_ARRAY(self->arena, XmlAttribute, count);
    for (uint32_t i = 0; i < count; i++) {
        attribute[i].name = str_dup(self->arena, local_name(attributes[i * 2]));
        attribute[i].value = str_make(arena_dup(self->arena, attributes[i * 2 + 1],
                                                strlen(attributes[i * 2 + 1]) + 1),
                                      strlen(attributes[i * 2 + 1]));
    }
    *xml = (Xml){.name = str_dup(self->arena, local_name(name)), .attribute = attribute,
                 .attributes = count, .parent = self->at,
                 .line = (uint32_t)expat.GetCurrentLineNumber(self->parser)};
    if (!self->at) self->root = xml;
    else if (self->at->last) self->at->last->next = xml;
    else self->at->first = xml;
    if (self->at) self->at->last = xml;
    self->at = xml;
    self->begin[self->depth++] = self->text.len;
}

static void on_end(void *arg, const XML_Char *name) {
    Reader *self = arg;
    if (self->stop) return;
    (void)name;
    size_t begin = self->begin[--self->depth];
    self->at->text = str_dup(self->arena, str_make(self->text.ptr ? self->text.ptr + begin : "",
                                                   self->text.len - begin));
    self->text.len = begin;
    self->at = self->at->parent;
}

static void on_text(void *arg, const XML_Char *text, int len) {
    Reader *self = arg;
    buf_put(&self->text, text, (size_t)len);
}

// Early documents name a type that lies elsewhere; it is not asked for.
static void on_doctype(void *arg, const XML_Char *name, const XML_Char *system,
                       const XML_Char *public, int internal) {
    (void)name, (void)system, (void)public;
    if (internal) stop(arg, "a document type declaration, which is not read");
}

static void on_skipped_entity(void *arg, const XML_Char *name, int parameter) {
    (void)name, (void)parameter;
    stop(arg, "an entity that is declared elsewhere");
}

// Encodings with a byte for each character, such as windows-1252.
static int on_encoding(void *arg, const XML_Char *name, XML_Encoding *out) {
    (void)arg;
    iconv_t codec = iconv_open("UTF-32LE", name);
    if (codec == (iconv_t)-1) return XML_STATUS_ERROR;
    for (int i = 0; i < 256; i++) {
        char byte = (char)i, *from = &byte;
        uint32_t code = 0;
        char *to = (char *)&code;
        size_t left = 1, room = sizeof code;
        bool good = iconv(codec, &from, &left, &to, &room) != (size_t)-1 && room == 0;
        out->map[i] = good && code <= 0xFFFF ? (int)code : -1;
    }
    (void)iconv_close(codec);
    out->data = NULL;
    out->convert = NULL;
    out->release = NULL;
    return XML_STATUS_OK;
}

static Status parse(Reader *self, Str bytes, Error *err) {
    expat.SetUserData(self->parser, self);
    expat.SetElementHandler(self->parser, on_start, on_end);
    expat.SetCharacterDataHandler(self->parser, on_text);
    expat.SetStartDoctypeDeclHandler(self->parser, on_doctype);
    expat.SetSkippedEntityHandler(self->parser, on_skipped_entity);
    expat.SetUnknownEncodingHandler(self->parser, on_encoding, NULL);
    if (expat.Parse(self->parser, bytes.ptr, (int)bytes.len, XML_TRUE) == XML_STATUS_OK)
        return ST_OK;
    Place place = {.line = (uint32_t)expat.GetCurrentLineNumber(self->parser),
                   .column = (uint32_t)expat.GetCurrentColumnNumber(self->parser) + 1};
    const char *why = self->stop ? self->stop : expat.ErrorString(expat.GetErrorCode(self->parser));
    return error_at(err, ST_PARSE, place, "line %u: not a document that can be read: %s",
                    place.line, why);
}

Status xml_parse(Str bytes, Arena *arena, Xml **out, Error *err) {
    *out = NULL;
    TRY(library_load(&expat_library, err));
    if (bytes.len > XML_BYTES_MAX) {
        return error_set(err, ST_VALIDATION, "a document of %u bytes; at most %d are read",
                         bytes.len, XML_BYTES_MAX);
    }
    Reader self = {.arena = arena, .parser = expat.ParserCreate(NULL)};
    if (!self.parser) return error_set(err, ST_IO, "expat has no memory");
    self.begin = mem_alloc(sizeof *self.begin * XML_DEPTH_MAX);
    Status st = parse(&self, bytes, err);
    expat.ParserFree(self.parser);
    mem_free(self.begin);
    buf_free(&self.text);
    if (!st) *out = self.root;
    return st;
}

static bool same(Str name, const char *text) {
    size_t len = strlen(text);
    return name.len == len && memcmp(name.ptr, text, len) == 0;
}

Str xml_attr(const Xml *at, const char *name) {
    for (uint32_t i = 0; i < at->attributes; i++) {
        if (same(at->attribute[i].name, name)) return at->attribute[i].value;
    }
    return (Str){0};
}

bool xml_is(const Xml *at, const char *name) {
    return same(at->name, name);
}

const Xml *xml_child(const Xml *at, const char *name) {
    for (const Xml *child = at->first; child; child = child->next) {
        if (xml_is(child, name)) return child;
    }
    return NULL;
}

const Xml *xml_next(const Xml *at, const char *name) {
    for (at = at->next; at; at = at->next) {
        if (xml_is(at, name)) return at;
    }
    return NULL;
}

uint32_t xml_count(const Xml *at, const char *name) {
    uint32_t count = 0;
    for (const Xml *child = at->first; child; child = child->next) count += xml_is(child, name);
    return count;
}
