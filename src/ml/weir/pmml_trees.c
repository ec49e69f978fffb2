// ml/weir/pmml_trees.c - trees, forests and boosted trees as PMML.
#include <float.h>
#include <math.h>
#include <stdio.h>

#include "base/bits.h"
#include "ml/weir/pmml.h"

static void write_set(PmmlWriter *self, const Feature *feature, const WeirNode *node, bool in) {
    const uint64_t *set = self->model->trees->set + node->set;
    PmmlText name = pmml_text(self, feature->name);
    uint32_t count = 0;
    for (uint32_t c = 0; c < feature->categories; c++) count += bits_get(set, c);
    pmml_open(self, "<SimpleSetPredicate field=\"%s\" booleanOperator=\"%s\">", name.text,
              in ? "isIn" : "isNotIn");
    Buf line = {0};
    for (uint32_t c = 0; c < feature->categories; c++) {
        if (!bits_get(set, c)) continue;
        Buf raw = {0};
        for (uint32_t i = 0; i < feature->category[c].len; i++) {
            char at = feature->category[c].ptr[i];
            if (at == '"' || at == '\\') buf_putc(&raw, '\\');
            buf_putc(&raw, at);
        }
        buf_printf(&line, "%s&quot;%s&quot;", line.len ? " " : "",
                   pmml_text(self, buf_str(&raw)).text);
        buf_free(&raw);
    }
    pmml_line(self, "<Array n=\"%u\" type=\"string\">%s</Array>", count, buf_cstr(&line));
    buf_free(&line);
    pmml_close(self, "SimpleSetPredicate");
}

static void write_predicate(PmmlWriter *self, const WeirNode *node, bool left) {
    const Feature *feature = &self->model->feature[node->feature];
    if (node->set_words) {
        write_set(self, feature, node, left);
        return;
    }
    double threshold = fmin(node->threshold, DBL_MAX);  // "all that are there" is no number in XML
    bool integer = pmml_is_integer(self, feature);
    char text[40];
    if (integer) snprintf(text, sizeof text, "%.0f", floor(fmin(threshold, INT32_MAX)));
    else snprintf(text, sizeof text, "%s", pmml_number(threshold).text);
    pmml_line(self, "<SimplePredicate field=\"%s\" operator=\"%s\" value=\"%s\"/>",
              pmml_text(self, feature->name).text, left ? "lessOrEqual" : "greaterThan", text);
}

static void write_leaf(PmmlWriter *self, const Trees *trees, const WeirNode *leaf, uint32_t id,
                       const WeirNode *parent, bool left) {
    const WeirModel *model = self->model;
    const double *value = trees->value + leaf->left;
    bool classes = trees->sum == TREES_MEAN && model->classes;
    if (!classes) {
        pmml_open(self, "<Node id=\"%u\" score=\"%s\" recordCount=\"%s\">", id,
                  pmml_number(value[0]).text, pmml_number(leaf->rows).text);
    } else {
        uint32_t best = 0;
        for (uint32_t c = 1; c < model->classes; c++) {
            if (value[c] > value[best]) best = c;
        }
        pmml_open(self, "<Node id=\"%u\" score=\"%s\" recordCount=\"%s\">", id,
                  pmml_text(self, model->class_text[best]).text, pmml_number(leaf->rows).text);
    }
    if (parent) write_predicate(self, parent, left);
    else pmml_line(self, "<True/>");
    for (uint32_t c = 0; classes && c < model->classes; c++) {
        double rows = value[c] * leaf->rows, whole = rint(rows);
        if (fabs(rows - whole) < 1e-6) rows = whole;  // then their ratio has the leaf's bits
        pmml_line(self, "<ScoreDistribution value=\"%s\" recordCount=\"%s\"/>",
                  pmml_text(self, model->class_text[c]).text, pmml_number(rows).text);
    }
    pmml_close(self, "Node");
}

// As deep as the tree, which ml/tree.h bounds.
static void write_node(PmmlWriter *self, const Trees *trees, uint32_t root, uint32_t at,
                       const WeirNode *parent, bool left) {
    const WeirNode *node = &trees->node[at];
    if (node->feature < 0) {
        write_leaf(self, trees, node, at - root, parent, left);
        return;
    }
    pmml_open(self, "<Node id=\"%u\" recordCount=\"%s\" defaultChild=\"%u\">", at - root,
              pmml_number(node->rows).text, (node->missing_left ? node->left : node->right) - root);
    if (parent) write_predicate(self, parent, left);
    else pmml_line(self, "<True/>");
    write_node(self, trees, root, node->left, node, true);
    write_node(self, trees, root, node->right, node, false);
    pmml_close(self, "Node");
}

static void write_tree(PmmlWriter *self, uint32_t tree, bool whole) {
    const Trees *trees = self->model->trees;
    bool classes = trees->sum == TREES_MEAN && self->model->classes;
    pmml_open(self, "<TreeModel functionName=\"%s\" splitCharacteristic=\"binarySplit\" "
              "missingValueStrategy=\"defaultChild\">", classes ? "classification" : "regression");
    pmml_schema(self, whole || trees->sum == TREES_MEAN);
    if (whole) pmml_outputs(self);
    write_node(self, trees, trees->root[tree], trees->root[tree], NULL, false);
    pmml_close(self, "TreeModel");
}

// Trees first, first + step, ...: of one class.
static void write_segments(PmmlWriter *self, const char *method, uint32_t first, uint32_t step) {
    pmml_open(self, "<Segmentation multipleModelMethod=\"%s\">", method);
    for (uint32_t t = first; t < self->model->trees->trees; t += step) {
        pmml_open(self, "<Segment id=\"%u\">", t / step + 1);
        pmml_line(self, "<True/>");
        write_tree(self, t, false);
        pmml_close(self, "Segment");
    }
    pmml_close(self, "Segmentation");
}

static void write_base(PmmlWriter *self, double base, bool target) {
    pmml_open(self, "<Targets>");
    if (target) {
        pmml_line(self, "<Target field=\"%s\" rescaleConstant=\"%s\"/>",
                  pmml_text(self, self->model->label).text, pmml_number(base).text);
    } else {
        pmml_line(self, "<Target rescaleConstant=\"%s\"/>", pmml_number(base).text);
    }
    pmml_close(self, "Targets");
}

// One score for each class (one in all for two), then what they say of chances.
static void write_chain(PmmlWriter *self) {
    const WeirModel *model = self->model;
    const Trees *trees = model->trees;
    uint32_t scores = trees->base_count;
    pmml_open(self, "<Segmentation multipleModelMethod=\"modelChain\">");
    for (uint32_t s = 0; s < scores; s++) {
        pmml_open(self, "<Segment id=\"%u\">", s + 1);
        pmml_line(self, "<True/>");
        pmml_open(self, "<MiningModel functionName=\"regression\">");
        pmml_schema(self, false);
        pmml_open(self, "<Output>");
        pmml_line(self, "<OutputField name=\"score(%u)\" optype=\"continuous\" dataType=\"double\" "
                  "feature=\"predictedValue\" isFinalResult=\"false\"/>", s);
        pmml_close(self, "Output");
        write_base(self, trees->base[s], false);
        write_segments(self, "sum", s, scores);
        pmml_close(self, "MiningModel");
        pmml_close(self, "Segment");
    }
    pmml_open(self, "<Segment id=\"%u\">", scores + 1);
    pmml_line(self, "<True/>");
    pmml_open(self, "<RegressionModel functionName=\"classification\" normalizationMethod=\"%s\">",
              scores == 1 ? "logit" : "softmax");
    pmml_open(self, "<MiningSchema>");
    pmml_line(self, "<MiningField name=\"%s\" usageType=\"target\"/>",
              pmml_text(self, model->label).text);
    for (uint32_t s = 0; s < scores; s++) pmml_line(self, "<MiningField name=\"score(%u)\"/>", s);
    pmml_close(self, "MiningSchema");
    pmml_outputs(self);
    for (uint32_t c = 0; c < model->classes; c++) {
        uint32_t class = scores == 1 ? 1 - c : c;  // the one with the score comes first
        PmmlText name = pmml_text(self, model->class_text[class]);
        bool has = scores > 1 || class == 1;
        pmml_open(self, "<RegressionTable intercept=\"0\" targetCategory=\"%s\">", name.text);
        if (has) {
            pmml_line(self, "<NumericPredictor name=\"score(%u)\" coefficient=\"1\"/>",
                      scores == 1 ? 0 : class);
        }
        pmml_close(self, "RegressionTable");
    }
    pmml_close(self, "RegressionModel");
    pmml_close(self, "Segment");
    pmml_close(self, "Segmentation");
}

// The number of records over which a tree of isolation goes that deep in the mean.
static uint32_t sample_size(double depth) {
    uint32_t low = 2, high = UINT32_MAX / 2;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (trees_normal_depth(middle) < depth - 1e-9) low = middle + 1;
        else high = middle;
    }
    return low;
}

// PMML knows the score of such a forest; from where on it is an outlier is an output of ours.
static void write_isolation(PmmlWriter *self) {
    const Trees *trees = self->model->trees;
    pmml_open(self, "<AnomalyDetectionModel functionName=\"regression\" algorithmType=\"iforest\" "
              "sampleDataSize=\"%u\">", sample_size(trees->base[0]));
    pmml_schema(self, false);
    pmml_open(self, "<Output>");
    pmml_line(self, "<OutputField name=\"score\" optype=\"continuous\" dataType=\"double\" "
              "feature=\"predictedValue\"/>");
    pmml_open(self, "<OutputField name=\"prediction\" optype=\"categorical\" "
              "dataType=\"boolean\" feature=\"transformedValue\">");
    pmml_open(self, "<Apply function=\"greaterThan\">");
    pmml_line(self, "<FieldRef field=\"score\"/>");
    pmml_line(self, "<Constant dataType=\"double\">%s</Constant>",
              pmml_number(trees->base[1]).text);
    pmml_close(self, "Apply");
    pmml_close(self, "OutputField");
    pmml_close(self, "Output");
    pmml_open(self, "<MiningModel functionName=\"regression\">");
    pmml_schema(self, false);
    write_segments(self, "average", 0, 1);
    pmml_close(self, "MiningModel");
    pmml_close(self, "AnomalyDetectionModel");
}

void pmml_trees(PmmlWriter *self) {
    const WeirModel *model = self->model;
    const Trees *trees = model->trees;
    bool chain = trees->sum == TREES_LOGISTIC || trees->sum == TREES_SOFTMAX;
    if (trees->sum == TREES_ISOLATION) {
        write_isolation(self);
        return;
    }
    if (trees->sum == TREES_MEAN && trees->trees == 1) {
        write_tree(self, 0, true);
        return;
    }
    pmml_open(self, "<MiningModel functionName=\"%s\">",
              model->classes ? "classification" : "regression");
    pmml_schema(self, true);
    if (!chain) pmml_outputs(self);
    if (trees->sum == TREES_SUM) write_base(self, trees->base[0], true);
    if (chain) write_chain(self);
    else write_segments(self, trees->sum == TREES_SUM ? "sum" : "average", 0, 1);
    pmml_close(self, "MiningModel");
}
