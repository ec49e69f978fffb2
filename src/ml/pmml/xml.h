// ml/pmml/xml.h - a whole XML document as a tree in an arena, read by expat (loaded when first
// needed).
//
// Only elements, attributes and text: no declarations of types or entities but the five of XML, and
// nothing is ever fetched. Names lose their prefixes ("data:input" is "input"). Size, depth and
// attributes have limits; each element knows its line.
#pragma once

#include "base/text.h"

enum {
    XML_BYTES_MAX = 512 << 20,
    XML_DEPTH_MAX = 2048,     // readers recurse
    XML_ATTRIBUTES_MAX = 256,
};

typedef struct XmlAttribute {
    Str name, value;
} XmlAttribute;

typedef struct Xml Xml;
struct Xml {
    Str name;
    Str text;  // between the tags, pieces joined, as it stands
    const XmlAttribute *attribute;
    uint32_t attributes;
    uint32_t line;
    Xml *first, *next, *parent;  // of elements
    Xml *last;
};

// Everything in [arena]. ST_PARSE with the place; the file's name is the caller's to add.
NODISCARD Status xml_parse(Str bytes, Arena *arena, Xml **out, Error *err);

Str xml_attr(const Xml *at, const char *name);   // ptr is NULL when there is none
bool xml_is(const Xml *at, const char *name);
const Xml *xml_child(const Xml *at, const char *name);  // the first of that name, or NULL
const Xml *xml_next(const Xml *at, const char *name);   // the next brother of that name
uint32_t xml_count(const Xml *at, const char *name);    // children of that name
