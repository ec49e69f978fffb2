// ml/weir/pmml.c - models of weir's own as PMML 4.4 (dmg.org), for whoever else scores rows.
#include "ml/weir/pmml.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "type/number.h"

// ---- lines

static void put_line(PmmlWriter *self, const char *fmt, va_list args) {
    for (uint32_t i = 0; i < self->depth; i++) buf_puts(self->out, "  ");
    char *line = NULL;
    int len = vasprintf(&line, fmt, args);
    if (len >= 0) buf_put(self->out, line, (size_t)len);
    free(line);
    buf_putc(self->out, '\n');
}

void pmml_line(PmmlWriter *self, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    put_line(self, fmt, args);
    va_end(args);
}

void pmml_open(PmmlWriter *self, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    put_line(self, fmt, args);
    va_end(args);
    self->depth++;
}

void pmml_close(PmmlWriter *self, const char *element) {
    self->depth--;
    pmml_line(self, "</%s>", element);
}

PmmlText pmml_text(PmmlWriter *self, Str text) {
    PmmlText out;
    size_t len = 0;
    if (!utf8_valid(text)) self->unwritable = true;
    for (uint32_t i = 0; i < text.len; i++) {
        char c = text.ptr[i], one[2] = {c, 0};
        const char *as = one;
        if (c == '&') as = "&amp;";
        else if (c == '<') as = "&lt;";
        else if (c == '>') as = "&gt;";
        else if (c == '"') as = "&quot;";
        else if (c == '\n') as = "&#10;";
        else if (c == '\t') as = "&#9;";
        else if ((unsigned char)c < ' ') self->unwritable = true;
        if (len + 8 > sizeof out.text) {
            self->unwritable = true;
            break;
        }
        len += (size_t)sprintf(out.text + len, "%s", as);
    }
    out.text[len] = 0;
    return out;
}

PmmlNumber pmml_number(double value) {
    PmmlNumber out;
    if (value == rint(value) && fabs(value) < 1e15) {
        snprintf(out.text, sizeof out.text, "%.0f", value);
    } else {
        out.text[f64_print(value, out.text)] = 0;
    }
    return out;
}

// ---- fields

// Trees and Bayes compare integers as such, as long as PMML's readers have room for them.
bool pmml_is_integer(const PmmlWriter *self, const Feature *feature) {
    return feature->type == ML_INTEGER && !self->means &&
           fabs(feature->mean) + 1000 * feature->scale < INT32_MAX;
}

static const char *class_type(const WeirModel *model) {
    switch (model->label_type) {
        case ML_TEXT: return "string";
        case ML_BOOLEAN: return "boolean";
        case ML_INTEGER: return "integer";
        default: return "double";
    }
}

static void write_dictionary(PmmlWriter *self) {
    const WeirModel *model = self->model;
    pmml_open(self, "<DataDictionary>");
    if (model->label.len && !model->classes) {
        pmml_line(self, "<DataField name=\"%s\" optype=\"continuous\" dataType=\"double\"/>",
                  pmml_text(self, model->label).text);
    } else if (model->label.len) {
        pmml_open(self, "<DataField name=\"%s\" optype=\"categorical\" dataType=\"%s\">",
                  pmml_text(self, model->label).text, class_type(model));
        for (uint32_t c = 0; c < model->classes; c++) {
            pmml_line(self, "<Value value=\"%s\"/>", pmml_text(self, model->class_text[c]).text);
        }
        pmml_close(self, "DataField");
    }
    for (uint32_t f = 0; f < model->features; f++) {
        const Feature *feature = &model->feature[f];
        PmmlText name = pmml_text(self, feature->name);
        if (feature->type != ML_TEXT) {
            pmml_line(self, "<DataField name=\"%s\" optype=\"continuous\" dataType=\"%s\"/>",
                      name.text, pmml_is_integer(self, feature) ? "integer" : "double");
            continue;
        }
        pmml_open(self, "<DataField name=\"%s\" optype=\"categorical\" dataType=\"string\">",
                  name.text);
        for (uint32_t c = 0; c < feature->categories; c++) {
            pmml_line(self, "<Value value=\"%s\"/>", pmml_text(self, feature->category[c]).text);
        }
        pmml_close(self, "DataField");
    }
    pmml_close(self, "DataDictionary");
}

void pmml_schema(PmmlWriter *self, bool target) {
    const WeirModel *model = self->model;
    pmml_open(self, "<MiningSchema>");
    if (target && model->label.len) {
        pmml_line(self, "<MiningField name=\"%s\" usageType=\"target\"/>",
                  pmml_text(self, model->label).text);
    }
    for (uint32_t f = 0; f < model->features; f++) {
        const Feature *feature = &model->feature[f];
        PmmlText name = pmml_text(self, feature->name);
        if (feature->type == ML_TEXT) {
            pmml_line(self, "<MiningField name=\"%s\" invalidValueTreatment=\"asMissing\"/>",
                      name.text);
        } else if (self->means) {
            pmml_line(self, "<MiningField name=\"%s\" missingValueReplacement=\"%s\" "
                      "missingValueTreatment=\"asMean\"/>", name.text,
                      pmml_number(feature->mean).text);
        } else {
            pmml_line(self, "<MiningField name=\"%s\"/>", name.text);
        }
    }
    pmml_close(self, "MiningSchema");
}

void pmml_outputs(PmmlWriter *self) {
    const WeirModel *model = self->model;
    if (!model->classes) return;
    pmml_open(self, "<Output>");
    pmml_line(self, "<OutputField name=\"pmml(prediction)\" optype=\"categorical\" "
              "dataType=\"%s\" feature=\"predictedValue\"/>", class_type(model));
    for (uint32_t c = 0; c < model->classes; c++) {
        PmmlText class = pmml_text(self, model->class_text[c]);
        pmml_line(self, "<OutputField name=\"probability(%s)\" optype=\"continuous\" "
                  "dataType=\"double\" feature=\"probability\" value=\"%s\"/>", class.text,
                  class.text);
    }
    pmml_close(self, "Output");
}

// The columns of an encoded row as derived fields: numbers standardised, a field for each category.
static void write_encoding(PmmlWriter *self, bool standardised) {
    const WeirModel *model = self->model;
    uint32_t column = 0;
    pmml_open(self, "<LocalTransformations>");
    for (uint32_t f = 0; f < model->features; f++) {
        const Feature *feature = &model->feature[f];
        PmmlText name = pmml_text(self, feature->name);
        for (uint32_t c = 0; feature->type == ML_TEXT && c < feature->categories; c++) {
            pmml_open(self, "<DerivedField name=\"encoded(%u)\" optype=\"continuous\" "
                      "dataType=\"double\">", column++);
            pmml_line(self, "<NormDiscrete field=\"%s\" value=\"%s\" mapMissingTo=\"0\"/>",
                      name.text, pmml_text(self, feature->category[c]).text);
            pmml_close(self, "DerivedField");
        }
        if (feature->type == ML_TEXT) continue;
        pmml_open(self, "<DerivedField name=\"encoded(%u)\" optype=\"continuous\" "
                  "dataType=\"double\">", column++);
        if (standardised) {
            pmml_open(self, "<Apply function=\"/\">");
            pmml_open(self, "<Apply function=\"-\">");
            pmml_line(self, "<FieldRef field=\"%s\"/>", name.text);
            pmml_line(self, "<Constant dataType=\"double\">%s</Constant>",
                      pmml_number(feature->mean).text);
            pmml_close(self, "Apply");
            pmml_line(self, "<Constant dataType=\"double\">%s</Constant>",
                      pmml_number(feature->scale).text);
            pmml_close(self, "Apply");
        } else {
            pmml_line(self, "<FieldRef field=\"%s\"/>", name.text);
        }
        pmml_close(self, "DerivedField");
    }
    pmml_close(self, "LocalTransformations");
}

// ---- models

static void write_table(PmmlWriter *self, const double *weight, double bias,
                        const PmmlText *class) {
    const WeirModel *model = self->model;
    PmmlNumber intercept = pmml_number(bias);
    if (class) {
        pmml_open(self, "<RegressionTable intercept=\"%s\" targetCategory=\"%s\">", intercept.text,
                  class->text);
    } else {
        pmml_open(self, "<RegressionTable intercept=\"%s\">", intercept.text);
    }
    // The schema wants all numbers before all texts.
    for (int texts = 0; texts < 2 && weight; texts++) {
        const double *at = weight;
        for (uint32_t f = 0; f < model->features; f++) {
            const Feature *feature = &model->feature[f];
            PmmlText name = pmml_text(self, feature->name);
            if (feature->type != ML_TEXT) {
                if (!texts) {
                    pmml_line(self, "<NumericPredictor name=\"%s\" coefficient=\"%s\"/>", name.text,
                              pmml_number(*at).text);
                }
                at++;
                continue;
            }
            for (uint32_t c = 0; c < feature->categories; c++, at++) {
                if (!texts) continue;
                pmml_line(
                    self, "<CategoricalPredictor name=\"%s\" value=\"%s\" coefficient=\"%s\"/>",
                    name.text, pmml_text(self, feature->category[c]).text, pmml_number(*at).text);
            }
        }
    }
    pmml_close(self, "RegressionTable");
}

static void write_linear(PmmlWriter *self) {
    const WeirModel *model = self->model;
    const Linear *linear = model->linear;
    if (!model->classes) {
        pmml_open(self, "<RegressionModel functionName=\"regression\">");
    } else {
        pmml_open(self, "<RegressionModel functionName=\"classification\" "
                  "normalizationMethod=\"%s\">", linear->rows == 1 ? "logit" : "softmax");
    }
    pmml_schema(self, true);
    pmml_outputs(self);
    for (uint32_t r = 0; r < linear->rows; r++) {
        uint32_t class = linear->rows == 1 ? 1 : r;
        PmmlText name = {""};
        if (model->classes) name = pmml_text(self, model->class_text[class]);
        write_table(self, linear->weight + (size_t)r * linear->width, linear->bias[r],
                    model->classes ? &name : NULL);
    }
    if (model->classes && linear->rows == 1) {
        PmmlText other = pmml_text(self, model->class_text[0]);
        write_table(self, NULL, 0, &other);
    }
    pmml_close(self, "RegressionModel");
}

static void write_clusters(PmmlWriter *self) {
    const Clusters *clusters = self->model->clusters;
    pmml_open(self, "<ClusteringModel functionName=\"clustering\" modelClass=\"centerBased\" "
              "numberOfClusters=\"%u\">", clusters->clusters);
    pmml_schema(self, false);
    pmml_open(self, "<Output>");
    pmml_line(self, "<OutputField name=\"prediction\" optype=\"categorical\" dataType=\"integer\" "
              "feature=\"predictedValue\"/>");
    pmml_line(self, "<OutputField name=\"distance\" optype=\"continuous\" dataType=\"double\" "
              "feature=\"affinity\"/>");
    pmml_close(self, "Output");
    write_encoding(self, clusters->standardised);
    pmml_open(self, "<ComparisonMeasure kind=\"distance\">");
    pmml_line(self, "<euclidean/>");
    pmml_close(self, "ComparisonMeasure");
    for (uint32_t i = 0; i < clusters->width; i++) {
        pmml_line(self, "<ClusteringField field=\"encoded(%u)\" compareFunction=\"absDiff\"/>", i);
    }
    Buf line = {0};
    for (uint32_t c = 0; c < clusters->clusters; c++) {
        line.len = 0;
        for (uint32_t i = 0; i < clusters->width; i++) {
            if (i) buf_putc(&line, ' ');
            buf_puts(&line, pmml_number(clusters->center[(size_t)c * clusters->width + i]).text);
        }
        pmml_open(self, "<Cluster id=\"%u\" size=\"%s\">", c, pmml_number(clusters->rows[c]).text);
        pmml_line(self, "<Array n=\"%u\" type=\"real\">%s</Array>", clusters->width,
                  buf_cstr(&line));
        pmml_close(self, "Cluster");
    }
    buf_free(&line);
    pmml_close(self, "ClusteringModel");
}

// Counts whose ratios are the chances: as if a million rows had been seen.
static const double ROWS = 1e6;

static void write_bayes_input(PmmlWriter *self, uint32_t f) {
    const WeirModel *model = self->model;
    const Bayes *bayes = model->bayes;
    const Feature *feature = &model->feature[f];
    pmml_open(self, "<BayesInput fieldName=\"%s\">", pmml_text(self, feature->name).text);
    if (feature->type != ML_TEXT) {
        pmml_open(self, "<TargetValueStats>");
        for (uint32_t c = 0; c < model->classes; c++) {
            size_t at = (size_t)c * model->features + f;
            pmml_open(self, "<TargetValueStat value=\"%s\">",
                      pmml_text(self, model->class_text[c]).text);
            pmml_line(self, "<GaussianDistribution mean=\"%s\" variance=\"%s\"/>",
                      pmml_number(bayes->mean[at]).text, pmml_number(bayes->variance[at]).text);
            pmml_close(self, "TargetValueStat");
        }
        pmml_close(self, "TargetValueStats");
    }
    for (uint32_t k = 0; feature->type == ML_TEXT && k < feature->categories; k++) {
        pmml_open(self, "<PairCounts value=\"%s\">", pmml_text(self, feature->category[k]).text);
        pmml_open(self, "<TargetValueCounts>");
        for (uint32_t c = 0; c < model->classes; c++) {
            double chance = exp(bayes->log_likelihood[f][(size_t)c * feature->categories + k]);
            pmml_line(self, "<TargetValueCount value=\"%s\" count=\"%s\"/>",
                      pmml_text(self, model->class_text[c]).text,
                      pmml_number(chance * bayes->prior[c] * ROWS).text);
        }
        pmml_close(self, "TargetValueCounts");
        pmml_close(self, "PairCounts");
    }
    pmml_close(self, "BayesInput");
}

static void write_bayes(PmmlWriter *self) {
    const WeirModel *model = self->model;
    pmml_open(self, "<NaiveBayesModel functionName=\"classification\" threshold=\"1.0E-300\">");
    pmml_schema(self, true);
    pmml_outputs(self);
    pmml_open(self, "<BayesInputs>");
    for (uint32_t f = 0; f < model->features; f++) write_bayes_input(self, f);
    pmml_close(self, "BayesInputs");
    pmml_open(self, "<BayesOutput fieldName=\"%s\">", pmml_text(self, model->label).text);
    pmml_open(self, "<TargetValueCounts>");
    for (uint32_t c = 0; c < model->classes; c++) {
        pmml_line(self, "<TargetValueCount value=\"%s\" count=\"%s\"/>",
                  pmml_text(self, model->class_text[c]).text,
                  pmml_number(model->bayes->prior[c] * ROWS).text);
    }
    pmml_close(self, "TargetValueCounts");
    pmml_close(self, "BayesOutput");
    pmml_close(self, "NaiveBayesModel");
}

static void write_layer(PmmlWriter *self, const Layer *layer, uint32_t number) {
    static const char *const FUNCTIONS[ACTIVATIONS_] = {"rectifier", "tanh", "logistic", "identity",
                                                        "identity"};
    bool soft = layer->activation == ACT_SOFTMAX;
    pmml_open(self, "<NeuralLayer activationFunction=\"%s\"%s>", FUNCTIONS[layer->activation],
              soft ? " normalizationMethod=\"softmax\"" : "");
    for (uint32_t o = 0; o < layer->out; o++) {
        pmml_open(self, "<Neuron id=\"%u,%u\" bias=\"%s\">", number, o,
                  pmml_number(layer->bias[o]).text);
        for (uint32_t i = 0; i < layer->in; i++) {
            pmml_line(self, "<Con from=\"%u,%u\" weight=\"%s\"/>", number - 1, i,
                      pmml_number(layer->weight[(size_t)o * layer->in + i]).text);
        }
        pmml_close(self, "Neuron");
    }
    pmml_close(self, "NeuralLayer");
}

static void write_neural_outputs(PmmlWriter *self) {
    const WeirModel *model = self->model;
    PmmlText label = pmml_text(self, model->label);
    uint32_t count = model->classes ? model->classes : 1;
    pmml_open(self, "<NeuralOutputs numberOfOutputs=\"%u\">", count);
    for (uint32_t o = 0; o < count; o++) {
        pmml_open(self, "<NeuralOutput outputNeuron=\"%u,%u\">", model->dense->layers, o);
        if (model->classes) {
            pmml_open(self, "<DerivedField optype=\"categorical\" dataType=\"%s\">",
                      class_type(model));
            pmml_line(self, "<NormDiscrete field=\"%s\" value=\"%s\"/>", label.text,
                      pmml_text(self, model->class_text[o]).text);
        } else {
            pmml_open(self, "<DerivedField optype=\"continuous\" dataType=\"double\">");
            pmml_line(self, "<FieldRef field=\"%s\"/>", label.text);
        }
        pmml_close(self, "DerivedField");
        pmml_close(self, "NeuralOutput");
    }
    pmml_close(self, "NeuralOutputs");
}

static void write_dense(PmmlWriter *self) {
    const WeirModel *model = self->model;
    const Dense *net = model->dense;
    pmml_open(self, "<NeuralNetwork functionName=\"%s\" activationFunction=\"identity\">",
              model->classes ? "classification" : "regression");
    pmml_schema(self, true);
    pmml_outputs(self);
    if (!model->classes) {
        pmml_open(self, "<Targets>");
        pmml_line(self, "<Target field=\"%s\" rescaleFactor=\"%s\" rescaleConstant=\"%s\"/>",
                  pmml_text(self, model->label).text, pmml_number(net->target_scale).text,
                  pmml_number(net->target_mean).text);
        pmml_close(self, "Targets");
    }
    write_encoding(self, true);
    pmml_open(self, "<NeuralInputs numberOfInputs=\"%u\">", net->width);
    for (uint32_t i = 0; i < net->width; i++) {
        pmml_open(self, "<NeuralInput id=\"0,%u\">", i);
        pmml_open(self, "<DerivedField optype=\"continuous\" dataType=\"double\">");
        pmml_line(self, "<FieldRef field=\"encoded(%u)\"/>", i);
        pmml_close(self, "DerivedField");
        pmml_close(self, "NeuralInput");
    }
    pmml_close(self, "NeuralInputs");
    for (uint32_t l = 0; l < net->layers; l++) {
        write_layer(self, &net->layer[l], l + 1);
    }
    write_neural_outputs(self);
    pmml_close(self, "NeuralNetwork");
}

static void (*writer_of(const WeirModel *model))(PmmlWriter *self) {
    switch (model->kind) {
        case WEIR_TREES: return pmml_trees;
        case WEIR_LINEAR: return write_linear;
        case WEIR_CLUSTERS: return write_clusters;
        case WEIR_BAYES: return write_bayes;
        case WEIR_DENSE: return write_dense;
        default: return NULL;
    }
}

Status ml_write_pmml(const MlModel *base, Buf *out, Error *err) {
    const WeirModel *model = weir_model_of(base);
    if (!model) {
        return error_set(err, ST_UNSUPPORTED, "only a model that weir trained is written as PMML; "
                         "this one was read from %s", base->vt->format);
    }
    void (*write)(PmmlWriter *) = writer_of(model);
    if (!write) {
        return error_set(err, ST_UNSUPPORTED, "PMML has no place for '" STR_FMT "'",
                         STR_ARG(model->algorithm));
    }
    PmmlWriter self = {.model = model, .out = out};
    self.means = model->kind != WEIR_TREES && model->kind != WEIR_BAYES;
    pmml_line(&self, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    pmml_open(&self, "<PMML xmlns=\"http://www.dmg.org/PMML-4_4\" version=\"4.4\">");
    pmml_open(&self, "<Header>");
    pmml_line(&self, "<Application name=\"weir\" version=\"%s\"/>", WEIR_VERSION);
    pmml_close(&self, "Header");
    write_dictionary(&self);
    write(&self);
    pmml_close(&self, "PMML");
    if (!self.unwritable) return ST_OK;
    return error_set(err, ST_UNSUPPORTED,
                     "a name or a text of the model cannot be written as XML: it is too long or "
                     "has control characters");
}
