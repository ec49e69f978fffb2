// ml/pmml/model_association.c - <AssociationModel>: rules over the items of a basket. A basket is a
// list in one field, where there is a group field; else each item is a field, or one of its values.
#include "base/bits.h"
#include "ml/pmml/pmml_int.h"

typedef struct Item {
    Str id, value;
    const Field *field;
    bool flag;       // it is there when the field is true
    Str category;    // or when the field has this value
} Item;

typedef struct Itemset {
    Str id;
    uint32_t *item;
    uint32_t items;
    Value list;  // of the items' values
} Itemset;

typedef struct Association {
    Item *item;
    Itemset *set;
    RuleHit *rule;
    uint32_t *antecedent, *consequent;  // numbers of sets
    uint32_t items, sets, rules;
} Association;

static bool grouped(const Xml *schema) {
    for (const Xml *m = xml_child(schema, "MiningField"); m; m = xml_next(m, "MiningField")) {
        if (str_is(xml_attr(m, "usageType"), "group")) return true;
    }
    return false;
}

static const Xml *active(const Xml *schema) {
    for (const Xml *m = xml_child(schema, "MiningField"); m; m = xml_next(m, "MiningField")) {
        Str usage = xml_attr(m, "usageType");
        if (!usage.ptr || str_is(usage, "active")) return m;
    }
    return NULL;
}

static bool has_field(Load *load, const Model *model, Str name) {
    return map_has(&model->fields, name) || map_has(&model->local, name) ||
           map_has(&load->derived, name);
}

static void item_compile(Load *load, Model *model, const Xml *at, const Field *basket, Item *self) {
    self->id = need_attr(load, at, "id");
    self->value = need_attr(load, at, "value");
    Str field = xml_attr(at, "field"), category = xml_attr(at, "category");
    if (basket) {
        self->field = basket;
        self->category = category.ptr ? category : self->value;
        return;
    }
    if (field.ptr) {
        self->field = field_find(load, model, field, at);
        self->category = category.ptr ? category : self->value;
        return;
    }
    if (has_field(load, model, self->value)) {
        self->field = field_find(load, model, self->value, at);
        self->flag = true;
        return;
    }
    int64_t equals = str_find(self->value, STR("="), 0);
    if (equals < 0) load_fail(load, at, "there is no field '" STR_FMT "'", STR_ARG(self->value));
    self->field = field_find(load, model, str_sub(self->value, 0, (uint32_t)equals), at);
    self->category = str_sub(self->value, (uint32_t)equals + 1, self->value.len);
}

static uint32_t number_of(Load *load, const Xml *at, const Map *map, Str id) {
    uintptr_t number = (uintptr_t)map_get(map, id);
    if (number == 0) load_fail(load, at, "there is no '" STR_FMT "'", STR_ARG(id));
    return (uint32_t)number - 1;
}

static void set_compile(Load *load, const Association *self, const Map *items, const Xml *at,
                        Itemset *set) {
    uint32_t count = xml_count(at, "ItemRef");
    set->id = need_attr(load, at, "id");
    set->item = ARENA_ARRAY(load->arena, uint32_t, count);
    Value *value = ARENA_ARRAY(load->arena, Value, count);
    for (const Xml *r = xml_child(at, "ItemRef"); r; r = xml_next(r, "ItemRef")) {
        uint32_t item = number_of(load, r, items, need_attr(load, r, "itemRef"));
        value[set->items] = value_text(self->item[item].value);
        set->item[set->items++] = item;
    }
    set->list = (Value){.type = PT_STRING, .list = true, .items = count, .item = value};
}

static void put_items(Value list, Buf *out) {
    buf_putc(out, '{');
    for (uint32_t i = 0; i < list.items; i++) {
        if (i) buf_putc(out, ',');
        buf_put_str(out, list.item[i].text);
    }
    buf_putc(out, '}');
}

static void rule_compile(Load *load, Association *self, const Map *sets, const Xml *at) {
    uint32_t r = self->rules++;
    RuleHit *rule = &self->rule[r];
    self->antecedent[r] = number_of(load, at, sets, need_attr(load, at, "antecedent"));
    self->consequent[r] = number_of(load, at, sets, need_attr(load, at, "consequent"));
    Str id = xml_attr(at, "id");
    rule->id = id.ptr ? id : str_printf(load->arena, "%u", r + 1);
    rule->antecedents = self->set[self->antecedent[r]].list;
    rule->consequents = self->set[self->consequent[r]].list;
    rule->support = need_number(load, at, "support");
    rule->confidence = need_number(load, at, "confidence");
    rule->has_lift = xml_attr(at, "lift").ptr != NULL;
    rule->has_leverage = xml_attr(at, "leverage").ptr != NULL;
    rule->has_affinity = xml_attr(at, "affinity").ptr != NULL;
    rule->lift = attr_number(load, at, "lift", 0);
    rule->leverage = attr_number(load, at, "leverage", 0);
    rule->affinity = attr_number(load, at, "affinity", 0);
    Buf text = {0};
    put_items(rule->antecedents, &text);
    buf_puts(&text, "->");
    put_items(rule->consequents, &text);
    rule->rule = str_dup(load->arena, buf_str(&text));
    buf_free(&text);
}

static void name(Load *load, Map *map, const Xml *at, Str id, uint32_t number) {
    if (map_put(map, id, (void *)((uintptr_t)number + 1))) {
        load_fail(load, at, "the id '" STR_FMT "' is there twice", STR_ARG(id));
    }
}

static void compile(Load *load, Model *model) {
    Association *self = ARENA_NEW(load->arena, Association);
    const Xml *at = model->xml, *schema = need_child(load, at, "MiningSchema");
    const Field *basket = NULL;
    if (grouped(schema)) {
        const Xml *field = active(schema);
        if (!field) load_fail(load, schema, "no field is active");
        basket = field_find(load, model, need_attr(load, field, "name"), field);
        while (basket->kind == FIELD_INHERITED) basket = basket->from;
        bool *lists = ARENA_ARRAY(load->arena, bool, load->pmml->ins);
        if (basket->kind == FIELD_INPUT) lists[basket->input] = true;
        load->pmml->lists = lists;
        load->pmml->lists_count = load->pmml->ins;
    }
    self->item = ARENA_ARRAY(load->arena, Item, xml_count(at, "Item"));
    Map *items = &model->names, *sets = &model->functions;  // nothing here calls functions
    for (const Xml *i = xml_child(at, "Item"); i; i = xml_next(i, "Item")) {
        item_compile(load, model, i, basket, &self->item[self->items]);
        name(load, items, i, self->item[self->items].id, self->items);
        self->items++;
    }
    self->set = ARENA_ARRAY(load->arena, Itemset, xml_count(at, "Itemset"));
    for (const Xml *s = xml_child(at, "Itemset"); s; s = xml_next(s, "Itemset")) {
        set_compile(load, self, items, s, &self->set[self->sets]);
        name(load, sets, s, self->set[self->sets].id, self->sets);
        self->sets++;
    }
    uint32_t rules = xml_count(at, "AssociationRule");
    self->rule = ARENA_ARRAY(load->arena, RuleHit, rules);
    self->antecedent = ARENA_ARRAY(load->arena, uint32_t, rules);
    self->consequent = ARENA_ARRAY(load->arena, uint32_t, rules);
    for (const Xml *r = xml_child(at, "AssociationRule"); r; r = xml_next(r, "AssociationRule")) {
        rule_compile(load, self, sets, r);
    }
    map_clear(sets);
    model->impl = self;
}

static bool is_there(Row *row, const Item *item) {
    Value value = field_value(row, item->field);
    if (is_missing(value)) return false;
    for (uint32_t i = 0; value.list && i < value.items; i++) {
        if (value_eq(value.item[i], value_text(item->category))) return true;
    }
    if (value.list) return false;
    if (!item->flag) return value_eq(value, value_text(item->category));
    if (value.type != PT_STRING) return value.number != 0;
    return str_is(value.text, "T") || str_eq_nocase(value.text, STR("true")) ||
           str_is(value.text, "1");
}

static bool covers(const uint64_t *basket, const Itemset *set) {
    for (uint32_t i = 0; i < set->items; i++) {
        if (!bits_get(basket, set->item[i])) return false;
    }
    return true;
}

static void score(const Model *model, Row *row, Result *out) {
    const Association *self = model->impl;
    uint64_t *basket = ROW_ARRAY(row, uint64_t, BITS_WORDS(self->items) + 1);
    for (uint32_t i = 0; i < self->items; i++) bits_put(basket, i, is_there(row, &self->item[i]));
    bool *in = ROW_ARRAY(row, bool, self->sets + 1);
    for (uint32_t s = 0; s < self->sets; s++) in[s] = covers(basket, &self->set[s]);
    RuleHit *hit = ROW_ARRAY(row, RuleHit, self->rules + 1);
    for (uint32_t r = 0; r < self->rules; r++) {
        bool body = in[self->antecedent[r]], head = in[self->consequent[r]];
        if (!body) continue;
        hit[out->rules] = self->rule[r];
        hit[out->rules].body = true;
        hit[out->rules].exclusive = !head;
        hit[out->rules].whole = head;
        out->rules++;
    }
    row->steps += self->items + self->rules;
    out->rule = hit;
    out->is_rules = true;
}

const ModelKind ASSOCIATION_MODEL = {"AssociationModel", compile, score};
