#include "model/local.h"

#include <stdlib.h>

#include "ml/train.h"
#include "model/builtin.h"
#include "model/registry.h"
#include "os/os.h"
#include "test/unit.h"

// A version whose prediction is [low] or [high], by one number.
static void publish(Str dir, const char *low, const char *high) {
    double x[] = {1, 2, 3, 11, 12, 13};
    Str label[6];
    for (uint32_t i = 0; i < 6; i++) label[i] = str_c(i < 3 ? low : high);
    MlField field[] = {{.name = STR("x"), .type = ML_DOUBLE, .width = 1},
                       {.name = STR("c"), .type = ML_TEXT, .width = 1}};
    MlColumn column[] = {{.number = x}, {.text = label}};
    MlTrainSpec spec = {.algorithm = STR("decision-tree"), .label = 1};
    MlTable table = {.field = field, .column = column, .columns = 2, .rows = 6};
    MlModel *model;
    Buf file = {0};
    uint64_t version;
    CHECK(!ml_train(&spec, &table, &model, NULL, NULL));
    CHECK(!model->vt->save(model, &file, NULL));
    CHECK(!registry_publish(dir, STR("weir"), buf_str(&file), STR(""), &version, NULL));
    buf_free(&file);
    ml_free(model);
}

static void see_newer(Predictor *one) {
    for (int i = 0; i < 500; i++) {  // it is read by a thread; nobody tells when it is there
        one->vt->look(one);
        CHECK(!one->vt->refresh(one, 0, NULL));
        if (one->version == 2) return;
        os()->sleep_ms(2);
    }
}

TEST(local, workers_take_one_version_where_a_checkpoint_begins) {
    models_register();
    char dir[] = "/tmp/weir-local-XXXXXX";
    CHECK(mkdtemp(dir) != NULL);
    Str path = str_c(dir);
    Arena arena = {0};
    Map options = {0};
    publish(path, "a", "b");
    (void)map_put(&options, STR("provider"), (char[]){"weir"});
    (void)map_put(&options, STR("path"), dir);
    (void)map_put(&options, STR("refresh-interval"), (char[]){"1 ms"});
    const ModelProvider *weir = model_provider_find(STR("weir"));
    ModelDesc desc = {.name = STR("m"), .options = {.map = &options, .defs = weir->options}};
    CHECK(!weir->columns(&desc, &arena, &desc.input, &desc.output, NULL));
    Predictor *first, *second, *third;
    CHECK(!weir->open(&desc, &first, NULL));
    CHECK(!weir->open(&desc, &second, NULL));
    CHECK(!weir->open(&desc, &third, NULL));
    // One that has the old version at the checkpoint keeps the others at it …
    CHECK(!first->vt->refresh(first, 1, NULL));
    publish(path, "c", "d");
    see_newer(second);
    CHECK_INT(second->version, 2);
    CHECK(!second->vt->refresh(second, 1, NULL));
    CHECK(first->version == 1 && second->version == 1);
    // … and one that has the new one brings it to all.
    see_newer(second);
    CHECK(!second->vt->refresh(second, 2, NULL));
    CHECK(!first->vt->refresh(first, 2, NULL));
    CHECK(!third->vt->refresh(third, 2, NULL));
    CHECK(first->version == 2 && second->version == 2 && third->version == 2);
    first->vt->close(first);
    second->vt->close(second);
    third->vt->close(third);
    map_clear(&options);
    arena_clear(&arena);
    unit_remove_dir(path);
}
