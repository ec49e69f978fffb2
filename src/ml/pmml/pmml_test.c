// PMML documents: small ones, with answers worked out by hand from the specification.
#include "ml/pmml/pmml.h"

#include <math.h>
#include <stdio.h>

#include "base/bits.h"
#include "ml/pmml/fast.h"
#include "ml/pmml/pmml_int.h"
#include "test/unit.h"

#define FIELD(name, optype, type) \
    "<DataField name='" name "' optype='" optype "' dataType='" type "'/>"
#define DATA                                                                                   \
    "<PMML version='4.4'><Header/><DataDictionary>" FIELD("x", "continuous", "double")          \
        FIELD("n", "continuous", "integer") FIELD("s", "categorical", "string")                 \
            FIELD("b", "categorical", "boolean") FIELD("d", "ordinal", "date")                  \
                "<DataField name='c' optype='categorical' dataType='string'><Value value='a'/>" \
                "<Value value='b'/><Value value='?' property='missing'/></DataField>"           \
                "<DataField name='y' optype='categorical' dataType='string'><Value value='yes'/>" \
                "<Value value='no'/></DataField></DataDictionary>"
#define IN(name) "<MiningField name='" name "'/>"
#define SCHEMA(fields) "<MiningSchema>" fields "</MiningSchema>"
#define ALL SCHEMA(IN("x") IN("n") IN("s") IN("b") IN("d"))
#define IS(field, operator, value) \
    "<SimplePredicate field='" field "' operator='" operator "' value='" value "'/>"
#define ONCE_X \
    "<RegressionTable intercept='0'><NumericPredictor name='x' coefficient='1'/></RegressionTable>"
#define TAIL "</PMML>"

// -- Asking ---------------------------------------------------------------------------------------

static MlModel *load(const char *document) {
    MlModel *model = NULL;
    Error err = {0};
    if (PMML_FORMAT.load(STR("test.pmml"), str_c(document), &model, &err))
        fail_msg("%s", err.message);
    return model;
}

// "x=1;s=a" as the columns of one row; what is not named is missing.
static void put_row(const MlModel *model, Str row, MlColumn *in, Arena *arena) {
    for (uint32_t i = 0; i < model->in_count; i++) {
        in[i] = (MlColumn){.number = ARENA_ARRAY(arena, double, 1),
                           .text = ARENA_ARRAY(arena, Str, 1),
                           .valid = ARENA_ARRAY(arena, uint64_t, 1)};
    }
    while (row.len) {
        int64_t semicolon = str_find(row, STR(";"), 0), equals = str_find(row, STR("="), 0);
        Str pair = semicolon < 0 ? row : str_sub(row, 0, (uint32_t)semicolon);
        Str name = str_sub(row, 0, (uint32_t)equals),
            value = str_sub(pair, (uint32_t)equals + 1, pair.len);
        row = semicolon < 0 ? STR("") : str_sub(row, (uint32_t)semicolon + 1, row.len);
        int32_t at = ml_field(model->in, model->in_count, name);
        CHECK(at >= 0);
        bits_set(in[at].valid, 0);
        in[at].text[0] = value;
        bool truth = str_is(value, "true"), number = str_to_f64(value, &in[at].number[0]);
        if (!number) in[at].number[0] = truth ? 1 : str_is(value, "false") ? 0 : (double)NAN;
    }
}

// All outputs as "name=value name=value", or the error; in [arena].
static const char *ask(MlModel *model, const char *row, Arena *arena) {
    MlColumn *in = ARENA_ARRAY(arena, MlColumn, model->in_count + 1);
    MlColumn *out = ARENA_ARRAY(arena, MlColumn, model->out_count + 1);
    Error err = {0};
    put_row(model, str_c(row), in, arena);
    if (model->vt->predict(model, in, 1, out, arena, &err))
        return arena_printf(arena, "%s", err.message);
    Buf text = {0};
    for (uint32_t i = 0; i < model->out_count; i++) {
        if (i) buf_putc(&text, ' ');
        buf_put_str(&text, model->out[i].name);
        buf_putc(&text, '=');
        if (!bits_get(out[i].valid, 0)) buf_puts(&text, "missing");
        else if (model->out[i].type == ML_TEXT) buf_put_str(&text, out[i].text[0]);
        else buf_printf(&text, "%.10g", out[i].number[0]);
    }
    const char *answer = str_cstr(arena, buf_str(&text));
    buf_free(&text);
    return answer;
}

static void expect(const char *document, const char *row, const char *answer) {
    Arena arena;
    arena_init(&arena);
    MlModel *model = load(document);
    CHECK_STR(ask(model, row, &arena), answer);
    ml_free(model);
    arena_clear(&arena);
}

static void refused(const char *document, const char *part) {
    MlModel *model = NULL;
    Error err = {0};
    CHECK(PMML_FORMAT.load(STR("test.pmml"), str_c(document), &model, &err) != ST_OK);
    if (!strstr(err.message, part)) fail_msg("'%s' is not in: %s", part, err.message);
}

// -- Documents ------------------------------------------------------------------------------------

TEST(pmml, hostile_documents_are_refused) {
    refused("<!DOCTYPE PMML [<!ENTITY a 'b'>]><PMML>&a;</PMML>", "document type");
    refused("<!DOCTYPE PMML SYSTEM 'file:///etc/passwd'><PMML/>", "<DataDictionary> is missing");
    refused("<!DOCTYPE PMML SYSTEM 'file:///etc/passwd'><PMML>&a;</PMML>", "declared elsewhere");
    refused("<PMML>&undefined;</PMML>", "line 1");
    refused("<html/>", "<html>: a PMML document begins with <PMML>");
    refused("<PMML><DataDictionary/></PMML>", "no model");
    refused("<PMML>\n<DataDictionary/>\n<TimeSeriesModel functionName='timeSeries'/></PMML>",
            "test.pmml: line 3: <TimeSeriesModel>: this kind of model is not supported");
    Buf deep = {0};
    for (int i = 0; i < 100000; i++) buf_puts(&deep, "<PMML>");
    refused(buf_cstr(&deep), "too deep");
    buf_free(&deep);
}

TEST(pmml, documents_come_in_many_encodings) {
    expect("<?xml version='1.0' encoding='windows-1252'?>" DATA
           "<RegressionModel functionName='regression'>" ALL "<Output><OutputField name='o' "
           "feature='transformedValue' dataType='string'><Constant>\x80\xe9</Constant>"
           "</OutputField></Output><RegressionTable intercept='0'/></RegressionModel>" TAIL,
           "x=1", "_target=0 o=€é");
}

TEST(pmml, circles_are_refused) {
    refused(
        DATA
        "<TransformationDictionary><DerivedField name='p' optype='continuous' dataType='double'>"
        "<FieldRef field='q'/></DerivedField><DerivedField name='q' optype='continuous' "
        "dataType='double'><FieldRef field='p'/></DerivedField></TransformationDictionary>"
        "<RegressionModel functionName='regression'>" ALL
        "<RegressionTable intercept='0'>"
        "<NumericPredictor name='p' coefficient='1'/></RegressionTable></RegressionModel>" TAIL,
        "derived from itself");
    refused(
        DATA
        "<TransformationDictionary><DefineFunction name='f' optype='continuous'><ParameterField "
        "name='v'/><Apply function='f'><FieldRef field='v'/></Apply></DefineFunction>"
        "<DerivedField name='p' optype='continuous' dataType='double'><Apply "
        "function='f'><FieldRef "
        "field='x'/></Apply></DerivedField></TransformationDictionary><RegressionModel "
        "functionName='regression'>" ALL
        "<RegressionTable intercept='0'><NumericPredictor name='p' "
        "coefficient='1'/></RegressionTable></RegressionModel>" TAIL,
        "calls itself");
}

// Each function calls the one before twice: 2^40 calls, if they were made.
TEST(pmml, a_model_that_never_ends_is_stopped) {
    Buf text = {0};
    buf_puts(&text, DATA "<TransformationDictionary><DefineFunction name='f0' optype='continuous'>"
                         "<ParameterField name='v'/><FieldRef field='v'/></DefineFunction>");
    for (int i = 1; i < 40; i++) {
        buf_printf(
            &text,
            "<DefineFunction name='f%d' optype='continuous'><ParameterField name='v'/><Apply "
            "function='+'><Apply function='f%d'><FieldRef field='v'/></Apply><Apply function='f%d'>"
            "<FieldRef field='v'/></Apply></Apply></DefineFunction>",
            i, i - 1, i - 1);
    }
    buf_puts(
        &text,
        "<DerivedField name='p' optype='continuous' dataType='double'><Apply function='f39'>"
        "<FieldRef field='x'/></Apply></DerivedField></TransformationDictionary><RegressionModel "
        "functionName='regression'>" ALL
        "<RegressionTable intercept='0'><NumericPredictor "
        "name='p' coefficient='1'/></RegressionTable></RegressionModel>" TAIL);
    expect(buf_cstr(&text), "x=1", "row 1: the model takes too long for one row");
    buf_free(&text);
}

// -- Expressions ----------------------------------------------------------------------------------

static void expression(const char *xml, const char *type, const char *row, const char *value) {
    Buf text = {0}, answer = {0};
    buf_printf(&text,
               DATA
               "<RegressionModel functionName='regression'>" ALL
               "<Output><OutputField name='o' "
               "feature='transformedValue' dataType='%s'>%s</OutputField></Output><RegressionTable "
               "intercept='0'/></RegressionModel>" TAIL,
               type, xml);
    buf_printf(&answer, "_target=0 o=%s", value);
    expect(buf_cstr(&text), row, strncmp(value, "row ", 4) == 0 ? value : buf_cstr(&answer));
    buf_free(&text);
    buf_free(&answer);
}

static void function(const char *name, const char *arguments, const char *type, const char *value) {
    Buf xml = {0};
    buf_printf(&xml, "<Apply function='%s'>%s</Apply>", name, arguments);
    expression(buf_cstr(&xml), type, "x=2.5;n=7;s=Hello;b=true;d=2024-03-05", value);
    buf_free(&xml);
}

#define X "<FieldRef field='x'/>"
#define N "<FieldRef field='n'/>"
#define S "<FieldRef field='s'/>"
#define NUMBER(text) "<Constant dataType='double'>" text "</Constant>"
#define WHOLE(text) "<Constant dataType='integer'>" text "</Constant>"
#define WORD(text) "<Constant dataType='string'>" text "</Constant>"

TEST(pmml, functions_over_numbers) {
    function("+", X N, "double", "9.5");
    function("/", N WHOLE("2"), "integer", "3");
    function("/", X WHOLE("2"), "double", "1.25");
    function("modulo", WHOLE("-7") WHOLE("3"), "integer", "2");
    function("pow", X WHOLE("2"), "double", "6.25");
    function("threshold", N X, "double", "1");
    function("min", X N, "double", "2.5");
    function("max", X N, "double", "7");
    function("avg", X N NUMBER("1"), "double", "3.5");
    function("median", X N NUMBER("1"), "double", "2.5");
    function("product", X N, "double", "17.5");
    function("floor", NUMBER("-1.5"), "integer", "-2");
    function("ceil", NUMBER("-1.5"), "integer", "-1");
    function("round", NUMBER("2.5"), "integer", "3");
    function("rint", NUMBER("2.5"), "double", "2");
    function("abs", NUMBER("-2.5"), "double", "2.5");
    function("ln1p", NUMBER("0"), "double", "0");
    function("expm1", NUMBER("0"), "double", "0");
    function("hypot", NUMBER("3") NUMBER("4"), "double", "5");
    function("stdNormalCDF", NUMBER("0"), "double", "0.5");
    function("stdNormalIDF", NUMBER("0.975"), "double", "1.959963985");
    function("normalPDF", NUMBER("1") NUMBER("1") NUMBER("2"), "double", "0.1994711402");
    function("erf", NUMBER("0.5"), "double", "0.5204998778");
}

TEST(pmml, functions_over_texts_and_truth) {
    function("uppercase", S, "string", "HELLO");
    function("substring", S WHOLE("2") WHOLE("3"), "string", "ell");
    function("stringLength", S, "integer", "5");
    function("trimBlanks", WORD("  a b "), "string", "a b");
    function("concat", S WORD("-") N, "string", "Hello-7");
    function("replace", S WORD("l+") WORD("L"), "string", "HeLo");
    function("matches", S WORD("^H.*o$"), "boolean", "1");
    function("formatNumber", N WORD("%3d"), "string", "  7");
    function("formatDatetime", "<FieldRef field='d'/>" WORD("%d.%m.%Y"), "string", "05.03.2024");
    function("dateDaysSinceYear", "<FieldRef field='d'/>" WHOLE("2024"), "integer", "64");
    function("isIn", S WORD("a") WORD("Hello"), "boolean", "1");
    function("and", "<FieldRef field='b'/><Apply function='lessThan'>" X N "</Apply>", "boolean",
             "1");
    function("if", "<FieldRef field='b'/>" WORD("then") WORD("else"), "string", "then");
    function("isMissing", S, "boolean", "0");
    function("equal", N WORD("7"), "boolean", "1");
}

TEST(pmml, numbers_are_formatted_as_java_does) {
    function("formatNumber", X WORD("%.2f"), "string", "2.50");
    function("formatNumber", NUMBER("2.55") WORD("%+.1f"), "string", "+2.6");
    function("formatNumber", NUMBER("-0.95") WORD("%6.1f"), "string", "  -1.0");
    function("formatNumber", WHOLE("-5") WORD("%x"), "string", "fffffffb");
    function("formatNumber", WHOLE("1234567") WORD("%,d"), "string", "1,234,567");
}

// 'low' comes before 'high' because the field says so.
TEST(pmml, functions_know_the_order_of_a_field) {
    const char *document =
        "<PMML version='4.4'><Header/><DataDictionary><DataField name='o' optype='ordinal' "
        "dataType='string'><Value value='low'/><Value value='mid'/><Value "
        "value='high'/></DataField>"
        "</DataDictionary><RegressionModel functionName='regression'><MiningSchema><MiningField "
        "name='o'/></MiningSchema><Output><OutputField name='less' feature='transformedValue' "
        "dataType='boolean'><Apply function='lessThan'><FieldRef "
        "field='o'/><Constant>mid</Constant>"
        "</Apply></OutputField><OutputField name='more' feature='transformedValue' "
        "dataType='boolean'><Apply function='greaterOrEqual'><Constant>mid</Constant><FieldRef "
        "field='o'/></Apply></OutputField></Output><RegressionTable intercept='0'/>"
        "</RegressionModel>" TAIL;
    expect(document, "o=low", "_target=0 less=1 more=1");
    expect(document, "o=mid", "_target=0 less=0 more=1");
    expect(document, "o=high", "_target=0 less=0 more=0");
}

TEST(pmml, missing_values_pass_through_functions) {
    expression("<Apply function='+'>" X N "</Apply>", "double", "x=1", "missing");
    expression("<Apply function='sum'>" X N "</Apply>", "double", "x=1", "1");
    expression("<Apply function='+' mapMissingTo='-1'>" X N "</Apply>", "double", "x=1", "-1");
    expression("<Apply function='+' defaultValue='-2'>" X N "</Apply>", "double", "x=1", "-2");
    expression("<Apply function='or'><FieldRef field='b'/><Apply function='isMissing'>" X
               "</Apply></Apply>",
               "boolean", "n=1", "1");
    expression("<Apply function='/'>" N WHOLE("0") "</Apply>", "integer", "n=1",
               "row 1: function '/' has no valid result");
    expression("<Apply function='/' invalidValueTreatment='asMissing' defaultValue='9'>" N WHOLE(
                   "0") "</Apply>",
               "integer", "n=1", "9");
}

TEST(pmml, tables_bins_and_lines) {
    const char *line =
        "<NormContinuous field='x' outliers='asExtremeValues' mapMissingTo='7'><LinearNorm "
        "orig='0' norm='0'/><LinearNorm orig='10' norm='1'/><LinearNorm orig='20' norm='5'/>"
        "</NormContinuous>";
    expression(line, "double", "x=15", "3");
    expression(line, "double", "x=-5", "0");
    expression(line, "double", "n=1", "7");
    const char *bins =
        "<Discretize field='x' defaultValue='else' mapMissingTo='none'><DiscretizeBin "
        "binValue='low'><Interval closure='openClosed' rightMargin='1'/></DiscretizeBin>"
        "<DiscretizeBin binValue='mid'><Interval closure='openOpen' leftMargin='1' "
        "rightMargin='2'/></DiscretizeBin></Discretize>";
    expression(bins, "string", "x=1", "low");
    expression(bins, "string", "x=1.5", "mid");
    expression(bins, "string", "x=2", "else");
    expression(bins, "string", "n=1", "none");
    expression("<Discretize field='x'><DiscretizeBin binValue='low'><Interval closure='openClosed' "
               "rightMargin='1'/></DiscretizeBin><DiscretizeBin binValue='high'><Interval "
               "closure='closedOpen' leftMargin='1'/></DiscretizeBin></Discretize>",
               "string", "x=1", "high");  // in both: the later one
    const char *map =
        "<MapValues outputColumn='out' defaultValue='0' dataType='integer'><FieldColumnPair "
        "field='s' column='p'/><FieldColumnPair field='n' column='q'/><InlineTable><row><p>a</p>"
        "<q>1</q><out>11</out></row><row><p>a</p><q>2</q><out>12</out></row></InlineTable></"
        "MapValues>";
    expression(map, "integer", "s=a;n=2", "12");
    expression(map, "integer", "s=b;n=2", "0");
    expression(map, "integer", "s=b", "missing");
    const char *index =
        "<TextIndex textField='s' localTermWeights='termFrequency' "
        "maxLevenshteinDistance='1'>" WORD("brown fox") "</TextIndex>";
    expression(index, "integer", "s=The Brown fox, and a brwn fox. A brown dog", "2");
    const char *augmented =
        "<TextIndex textField='s' localTermWeights='augmentedNormalizedTermFrequency'>" WORD("fox")
        "</TextIndex>";
    expression(augmented, "double", "s=A dog and a fox, a cat",
               "0.6666666667");  // 'a' is there 3 times
    expression(augmented, "double", "s=A dog", "0");
}

// -- Fields ---------------------------------------------------------------------------------------

#define TREATED(attributes)                                                                 \
    DATA "<RegressionModel functionName='regression'><MiningSchema><MiningField "           \
         "name='x' " attributes                                                             \
         "/>"                                                                               \
         "<MiningField name='c' " attributes                                                \
         "/></MiningSchema><Output><OutputField name='o' "                                  \
         "feature='transformedValue' dataType='string'><Apply function='concat'><FieldRef " \
         "field='x'/>"                                                                      \
         "<Constant dataType='string'>,</Constant><FieldRef "                               \
         "field='c'/></Apply></OutputField></Output>"                                       \
         "<RegressionTable intercept='0'/></RegressionModel>" TAIL

TEST(pmml, values_are_treated_on_their_way_in) {
    expect(TREATED(""), "x=1;c=a", "_target=0 o=1.0,a");
    expect(TREATED(""), "x=1;c=?", "_target=0 o=1.0,");
    expect(TREATED(""), "x=1;c=z", "row 1: field 'c' does not take the value 'z'");
    expect(TREATED("invalidValueTreatment='asIs'"), "x=1;c=z", "_target=0 o=1.0,z");
    expect(TREATED("invalidValueTreatment='asMissing' missingValueReplacement='5'"), "x=1;c=z",
           "_target=0 o=1.0,5");
    expect(TREATED("invalidValueTreatment='asValue' invalidValueReplacement='8'"), "x=1;c=z",
           "_target=0 o=1.0,8");
    expect(TREATED("missingValueTreatment='returnInvalid'"), "c=a",
           "row 1: field 'x' must not be missing");
    expect(TREATED(""), "x=oops;c=a", "row 1: field 'x' does not take the value 'NaN'");
}

#define OUTLIERS(treatment)                                                                  \
    DATA "<RegressionModel functionName='regression'><MiningSchema><MiningField name='x' "   \
         "outliers='" treatment                                                              \
         "' lowValue='0' highValue='10' missingValueReplacement='3'/></MiningSchema>" ONCE_X \
         "</RegressionModel>" TAIL

TEST(pmml, outliers_are_cut_or_missing) {
    expect(OUTLIERS("asIs"), "x=12", "_target=12");
    expect(OUTLIERS("asExtremeValues"), "x=12", "_target=10");
    expect(OUTLIERS("asExtremeValues"), "x=-1", "_target=0");
    expect(OUTLIERS("asMissingValues"), "x=12", "_target=3");
}

TEST(pmml, targets_rescale_and_cast) {
    expect(
        DATA
        "<RegressionModel functionName='regression'>" ALL
        "<Targets><Target rescaleFactor='2' "
        "rescaleConstant='1' max='4' castInteger='floor'/></Targets><RegressionTable intercept='0'>"
        "<NumericPredictor name='x' coefficient='1' "
        "exponent='2'/></RegressionTable></RegressionModel>" TAIL,
        "x=1.6", "_target=6");
}

// -- Trees ----------------------------------------------------------------------------------------

#define CLASS_OF_X SCHEMA(IN("x") "<MiningField name='y' usageType='target'/>")
#define TREE(attributes)                                                                       \
    DATA "<TreeModel functionName='classification' " attributes ">" CLASS_OF_X                 \
         "<Output><OutputField name='p' feature='probability' value='yes' dataType='double'/>" \
         "<OutputField name='k' feature='confidence' value='no' dataType='double'/>"           \
         "<OutputField name='id' feature='entityId' dataType='string'/></Output>"              \
         "<Node id='r' score='yes' recordCount='100' defaultChild='b'><True/>"                 \
         "<ScoreDistribution value='yes' recordCount='60' confidence='0.6'/>"                  \
         "<ScoreDistribution value='no' recordCount='40' confidence='0.4'/>"                   \
         "<Node id='a' score='yes' recordCount='60'>" IS("x", "lessOrEqual", "5")              \
         "<ScoreDistribution value='yes' recordCount='50' confidence='0.8'/>"                  \
         "<ScoreDistribution value='no' recordCount='10' confidence='0.2'/></Node>"            \
         "<Node id='b' score='no' recordCount='40'>" IS("x", "greaterThan", "5")               \
         "<ScoreDistribution value='yes' recordCount='10' confidence='0.25'/>"                 \
         "<ScoreDistribution value='no' recordCount='30' confidence='0.75'/></Node>"           \
         "</Node></TreeModel>" TAIL

TEST(pmml, trees_and_missing_values) {
    expect(TREE(""), "x=5", "y=yes p=0.8333333333 k=0.2 id=a");
    expect(TREE(""), "", "y=missing p=missing k=missing id=missing");
    expect(TREE("noTrueChildStrategy='returnLastPrediction'"), "", "y=yes p=0.6 k=0.4 id=r");
    expect(TREE("missingValueStrategy='nullPrediction'"), "",
           "y=missing p=missing k=missing id=missing");
    expect(TREE("missingValueStrategy='lastPrediction'"), "", "y=yes p=0.6 k=0.4 id=r");
    expect(TREE("missingValueStrategy='defaultChild' missingValuePenalty='0.8'"), "",
           "y=no p=0.25 k=0.6 id=b");
    expect(TREE("missingValueStrategy='weightedConfidence'"), "", "y=yes p=0.6 k=0.42 id=r");
    expect(TREE("missingValueStrategy='aggregateNodes'"), "", "y=yes p=0.6 k=0.42 id=r");
}

TEST(pmml, a_class_without_confidence_has_none) {
    expect(DATA "<TreeModel functionName='classification'>" CLASS_OF_X
                "<Output><OutputField name='k' feature='confidence' value='no' dataType='double'/>"
                "</Output><Node score='yes'><True/><ScoreDistribution value='yes' recordCount='3'/>"
                "<ScoreDistribution value='no' recordCount='1'/></Node></TreeModel>" TAIL,
           "x=1", "y=yes k=0");
}

TEST(pmml, surrogates_stand_in) {
    const char *tree = DATA
        "<TreeModel functionName='regression'>" SCHEMA(IN("x") IN("n")) "<Node score='0'><True/>"
        "<Node score='1'><CompoundPredicate booleanOperator='surrogate'>"
        IS("x", "lessThan", "1") IS("n", "lessThan", "10") "<False/></CompoundPredicate></Node>"
        "<Node score='2'><CompoundPredicate booleanOperator='xor'><SimplePredicate field='x' "
        "operator='isMissing'/><SimplePredicate field='n' "
        "operator='isNotMissing'/></CompoundPredicate></Node>"
        "</Node></TreeModel>" TAIL;
    expect(tree, "x=0", "_target=1");
    expect(tree, "n=5", "_target=1");
    expect(tree, "x=2;n=5", "_target=2");
    expect(tree, "", "_target=2");
    expect(tree, "x=2", "_target=missing");
}

// -- Models of models -----------------------------------------------------------------------------

static void combined(const char *method, const char *answer) {
    static const int VALUE[] = {1, 2, 4, 9};
    Buf text = {0};
    buf_printf(&text,
               DATA "<MiningModel functionName='regression'>" ALL
                    "<Segmentation multipleModelMethod='%s'>",
               method);
    for (int i = 0; i < 4; i++) {
        buf_printf(
            &text,
            "<Segment weight='%d'><SimplePredicate field='x' operator='greaterThan' value='0'/>"
            "<RegressionModel functionName='regression'><MiningSchema/><RegressionTable "
            "intercept='%d'/>"
            "</RegressionModel></Segment>",
            i + 1, VALUE[i]);
    }
    buf_puts(&text, "</Segmentation></MiningModel>" TAIL);
    expect(buf_cstr(&text), "x=1", answer);
    expect(buf_cstr(&text), "x=0", "_target=missing");
    buf_free(&text);
}

TEST(pmml, segments_are_combined_in_every_way) {
    combined("average", "_target=4");
    combined("weightedAverage", "_target=5.3");
    combined("median", "_target=3");
    combined("x-weightedMedian", "_target=4");
    combined("sum", "_target=16");
    combined("x-weightedSum", "_target=53");
    combined("max", "_target=9");
    combined("selectFirst", "_target=1");
    combined("modelChain", "_target=9");
    combined("selectAll", "_target=1.0|2.0|4.0|9.0");
}

#define FOREST(treatment)                                                                     \
    DATA "<MiningModel functionName='regression'>" ALL                                        \
         "<Segmentation multipleModelMethod='average' " treatment ">"                         \
         "<Segment><True/><RegressionModel functionName='regression'>" SCHEMA(IN("x")) ONCE_X \
         "</RegressionModel></Segment>"                                                       \
         "<Segment><True/><RegressionModel functionName='regression'><MiningSchema/>"         \
         "<RegressionTable intercept='4'/></RegressionModel></Segment>"                       \
         "</Segmentation></MiningModel>" TAIL

TEST(pmml, missing_predictions_are_treated) {
    expect(FOREST(""), "x=2", "_target=3");
    expect(FOREST(""), "", "_target=missing");
    expect(FOREST("missingPredictionTreatment='returnMissing'"), "", "_target=missing");
    expect(FOREST("missingPredictionTreatment='skipSegment'"), "", "_target=4");
    expect(FOREST("missingPredictionTreatment='skipSegment' missingThreshold='0.4'"), "",
           "_target=missing");
    expect(DATA "<MiningModel functionName='regression'>" ALL
                "<Segmentation multipleModelMethod='sum' missingPredictionTreatment='skipSegment'>"
                "<Segment><True/><RegressionModel functionName='regression'>" ALL ONCE_X
                "</RegressionModel></Segment></Segmentation></MiningModel>" TAIL,
           "", "_target=0");  // a sum of nothing
}

// Half of all the weight is reached where it is exactly half, whatever the order of addition.
TEST(pmml, a_weighted_median_may_be_a_tie) {
    static const char *const SEGMENT[] = {"1.2", "2.42", "0.5", "0.49", "1.7", "-2.16"};
    Buf text = {0};
    buf_puts(&text, DATA "<MiningModel functionName='regression'>" ALL
                         "<Segmentation multipleModelMethod='weightedMedian'>");
    for (int i = 0; i < 6; i += 2) {
        buf_printf(&text,
                   "<Segment weight='%s'><True/><RegressionModel functionName='regression'>"
                   "<MiningSchema/><RegressionTable intercept='%s'/></RegressionModel></Segment>",
                   SEGMENT[i], SEGMENT[i + 1]);
    }
    buf_puts(&text, "</Segmentation></MiningModel>" TAIL);
    expect(buf_cstr(&text), "x=1", "_target=-2.16");
    buf_free(&text);
}

// -- Other models ---------------------------------------------------------------------------------

TEST(pmml, cox_hazards) {
    const char *cox = DATA
        "<GeneralRegressionModel modelType='CoxRegression' functionName='regression' "
        "endTimeVariable='x'>" ALL
        "<ParameterList><Parameter name='p' referencePoint='2'/></ParameterList>"
        "<CovariateList><Predictor name='n'/></CovariateList><PPMatrix><PPCell value='1' "
        "predictorName='n' "
        "parameterName='p'/></PPMatrix><ParamMatrix><PCell parameterName='p' "
        "beta='0.5'/></ParamMatrix>"
        "<BaseCumHazardTables maxTime='10'><BaselineCell time='1' cumHazard='0.1'/><BaselineCell "
        "time='5' "
        "cumHazard='0.3'/></BaseCumHazardTables></GeneralRegressionModel>" TAIL;
    expect(cox, "x=6;n=4", "_target=0.8154845485");  // 0.3 * exp(0.5 * (4 - 2))
    expect(cox, "x=0.5;n=4", "_target=0");
    expect(cox, "x=11;n=4", "_target=missing");
}

TEST(pmml, anomalies_of_a_forest) {
    expect(DATA
           "<AnomalyDetectionModel functionName='regression' algorithmType='iforest' "
           "sampleDataSize='256'>" ALL "<MiningModel functionName='regression'>" ALL
           "<Segmentation multipleModelMethod='average'>"
           "<Segment><True/><TreeModel functionName='regression'>" ALL
           "<Node score='5'><True/></Node>"
           "</TreeModel></Segment></Segmentation></MiningModel></AnomalyDetectionModel>" TAIL,
           "x=1", "_target=0.71298624");
}

TEST(pmml, support_vectors_by_coefficients) {
    expect(
        DATA
        "<SupportVectorMachineModel functionName='regression' svmRepresentation='Coefficients'>" ALL
        "<LinearKernelType/><VectorDictionary><VectorFields><FieldRef "
        "field='x'/><CategoricalPredictor "
        "name='s' value='a' "
        "coefficient='1'/></VectorFields></VectorDictionary><SupportVectorMachine>"
        "<Coefficients absoluteValue='1'><Coefficient value='2'/><Coefficient "
        "value='10'/></Coefficients>"
        "</SupportVectorMachine></SupportVectorMachineModel>" TAIL,
        "x=3;s=a", "_target=17");
}

TEST(pmml, similarity_of_clusters) {
    const char *clusters = DATA
        "<ClusteringModel functionName='clustering' modelClass='centerBased' "
        "numberOfClusters='2'>" ALL
        "<ComparisonMeasure kind='similarity'><jaccard/></ComparisonMeasure>"
        "<ClusteringField field='x'/><ClusteringField field='n'/><ClusteringField field='b'/>"
        "<Cluster id='one'><Array type='int' n='3'>1 1 0</Array></Cluster><Cluster name='two'>"
        "<Array type='int' n='3'>0 1 1</Array></Cluster></ClusteringModel>" TAIL;
    expect(clusters, "x=1;n=1;b=false", "_target=one");
    expect(clusters, "x=0;n=0;b=true", "_target=2");
}

TEST(pmml, rules_by_weight) {
    const char *rules = DATA
        "<RuleSetModel functionName='classification'><MiningSchema><MiningField name='x'/>"
        "<MiningField name='y' usageType='target'/></MiningSchema><RuleSet defaultScore='no' "
        "defaultConfidence='0.1'><RuleSelectionMethod "
        "criterion='weightedSum'/><CompoundRule><SimplePredicate "
        "field='x' operator='greaterThan' value='0'/><SimpleRule id='r1' score='yes' "
        "weight='0.4'><True/>"
        "</SimpleRule><SimpleRule id='r2' score='no' "
        "weight='0.5'><True/></SimpleRule></CompoundRule><SimpleRule "
        "id='r3' score='yes' weight='0.3'><SimplePredicate field='x' operator='greaterThan' "
        "value='5'/>"
        "</SimpleRule></RuleSet></RuleSetModel>" TAIL;
    expect(rules, "x=0", "y=no");
    expect(rules, "x=1", "y=no");
    expect(rules, "x=9", "y=yes");
}

// -- By columns -----------------------------------------------------------------------------------

static uint64_t seed = 7;

static uint32_t below(uint32_t limit) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((seed >> 32) * limit >> 32);
}

static void random_node(Buf *out, const char *predicate, uint32_t depth, uint32_t *ids) {
    buf_printf(out, "<Node id='%u' score='%s'", ++*ids, below(2) ? "yes" : "no");
    uint32_t first = *ids + 1;
    bool leaf = depth == 0 || below(5) == 0;
    if (!leaf) buf_printf(out, " defaultChild='%u'", first);
    buf_printf(out,
               ">%s<ScoreDistribution value='yes' recordCount='%u'/><ScoreDistribution value='no' "
               "recordCount='%u'/>",
               predicate, below(9) + 1, below(9) + 1);
    if (!leaf) {
        char test[2][200];
        uint32_t at = below(10);
        if (below(3) == 0) {
            for (int i = 0; i < 2; i++) {
                (void)snprintf(test[i], sizeof test[i],
                               "<SimpleSetPredicate field='s' booleanOperator='%s'><Array "
                               "n='2' type='string'>w%u w%u</Array></SimpleSetPredicate>",
                               i ? "isNotIn" : "isIn", at, at / 2);
            }
        } else {
            bool less = below(2) == 0;
            for (int i = 0; i < 2; i++) {
                (void)snprintf(test[i], sizeof test[i],
                               "<SimplePredicate field='%s' operator='%s' value='%u'/>",
                               at % 3 ? at % 2 ? "x" : "n" : "dx",
                               i      ? less ? "greaterOrEqual" : "greaterThan"
                               : less ? "lessThan"
                                      : "lessOrEqual",
                               at);
            }
        }
        for (int i = 0; i < 2; i++) random_node(out, test[i], depth - 1, ids);
    }
    buf_puts(out, "</Node>");
}

// The two ways agree, on rows with values that are missing, ties and all.
static void both_ways(const char *method, const char *strategy, uint32_t trees) {
    enum { ROWS = 500 };
    Buf text = {0};
    uint32_t ids = 0;
    buf_puts(
        &text, DATA
        "<MiningModel functionName='classification'><MiningSchema><MiningField name='x'/>"
        "<MiningField name='n'/><MiningField name='s'/><MiningField name='y' usageType='target'/>"
        "</MiningSchema><Output><OutputField name='p' feature='probability' value='yes' "
        "dataType='double'/></Output>");
    buf_puts(
        &text,
        "<LocalTransformations><DerivedField name='dx' optype='continuous' dataType='double'>"
        "<Apply function='*'><FieldRef field='x'/><Constant>2</Constant></Apply></DerivedField>"
        "</LocalTransformations>");
    buf_printf(&text, "<Segmentation multipleModelMethod='%s'>", method);
    for (uint32_t t = 0; t < trees; t++) {
        buf_printf(
            &text,
            "<Segment weight='%u'><True/><TreeModel functionName='classification' "
            "missingValueStrategy='%s'><MiningSchema><MiningField name='x'/><MiningField name='n'/>"
            "<MiningField name='s'/><MiningField name='y' usageType='target'/></MiningSchema>",
            t % 3 + 1, strategy);
        random_node(&text, "<True/>", 4, &ids);
        buf_puts(&text, "</TreeModel></Segment>");
    }
    buf_puts(&text, "</Segmentation></MiningModel>" TAIL);
    MlModel *model = load(buf_cstr(&text));
    Pmml *pmml = (Pmml *)model;
    CHECK(pmml->fast);
    Arena arena;
    arena_init(&arena);
    MlColumn *in = ARENA_ARRAY(&arena, MlColumn, model->in_count), out[2][2] = {0};
    for (uint32_t i = 0; i < model->in_count; i++) {
        in[i].valid = ARENA_ARRAY(&arena, uint64_t, ROWS / 64 + 1);
        in[i].number = ARENA_ARRAY(&arena, double, ROWS);
        in[i].text = ARENA_ARRAY(&arena, Str, ROWS);
        for (uint32_t row = 0; row < ROWS; row++) {
            if (below(12)) bits_set(in[i].valid, row);
            in[i].number[row] = below(11);
            in[i].text[row] = str_printf(&arena, "w%u", below(11));
        }
    }
    Error err = {0};
    CHECK_OK(model->vt->predict(model, in, ROWS, out[0], &arena, &err), &err);
    struct Fast *fast = pmml->fast;
    pmml->fast = NULL;
    CHECK_OK(model->vt->predict(model, in, ROWS, out[1], &arena, &err), &err);
    pmml->fast = fast;
    for (uint32_t row = 0; row < ROWS; row++) {
        CHECK(bits_get(out[0][0].valid, row) == bits_get(out[1][0].valid, row));
        if (!bits_get(out[0][0].valid, row)) continue;
        CHECK(str_eq(out[0][0].text[row], out[1][0].text[row]));
        CHECK(fabs(out[0][1].number[row] - out[1][1].number[row]) < 1e-12);
    }
    arena_clear(&arena);
    ml_free(model);
    buf_free(&text);
}

TEST(pmml, columns_and_rows_agree) {
    both_ways("majorityVote", "none", 9);
    both_ways("weightedMajorityVote", "defaultChild", 8);
    both_ways("average", "nullPrediction", 5);
    both_ways("weightedAverage", "defaultChild", 20);
    both_ways("average", "lastPrediction", 3);
}

// A sum of trees of which one has nothing to say, and a target that rescales.
#define SUM_OF_TREES(treatment)                                                                   \
    DATA "<MiningModel functionName='regression'>" SCHEMA(IN("x") IN("n"))                        \
         "<Targets><Target rescaleFactor='2' min='0'/></Targets>"                                 \
         "<Segmentation multipleModelMethod='sum'" treatment ">"                                  \
         "<Segment><True/><TreeModel functionName='regression' splitCharacteristic='multiSplit'>" \
         SCHEMA(IN("x")) "<Node><True/>"                                                          \
         "<Node score='1'>" IS("x", "lessThan", "1") "</Node>"                                    \
         "<Node score='3'>" IS("x", "greaterOrEqual", "9") "</Node></Node></TreeModel></Segment>" \
         "</Segmentation></MiningModel>" TAIL

TEST(pmml, what_no_tree_predicts_stays_missing_behind_a_target) {
    expect(SUM_OF_TREES(""), "x=0", "_target=2");
    expect(SUM_OF_TREES(""), "x=5", "_target=missing");
    expect(SUM_OF_TREES(" missingPredictionTreatment='skipSegment'"), "x=9", "_target=6");
    expect(SUM_OF_TREES(" missingPredictionTreatment='skipSegment'"), "x=5",
           "_target=0");  // a sum of nothing
}

TEST(pmml, residuals_of_targets) {
    const char *residual =
        "<PMML version='4.4'><Header/><DataDictionary>" FIELD("x", "continuous", "double")
        FIELD("t", "continuous", "double") "</DataDictionary><RegressionModel "
        "functionName='regression'><MiningSchema><MiningField name='x'/><MiningField name='t' "
        "usageType='target' missingValueReplacement='2'/></MiningSchema><Output><OutputField "
        "name='r' feature='residual'/></Output><RegressionTable intercept='0'><NumericPredictor "
        "name='x' coefficient='0.5'/></RegressionTable></RegressionModel>" TAIL;
    expect(residual, "x=1;t=3", "t=0.5 r=2.5");
    expect(residual, "x=1", "t=0.5 r=1.5");
}

TEST(pmml, a_node_may_hold_a_regression) {
    const char *tree = DATA
        "<TreeModel functionName='regression'>" SCHEMA(IN("x") IN("n")) "<Node score='7'><True/>"
        "<Node score='1'>" IS("n", "lessThan", "5")
        "<Regression normalizationMethod='exp'>" ONCE_X "</Regression></Node>"
        "<Node score='3'><True/></Node></Node></TreeModel>" TAIL;
    expect(tree, "n=1;x=0", "_target=1");
    expect(tree, "n=1;x=1", "_target=2.718281828");
    expect(tree, "n=9;x=1", "_target=3");
}

TEST(pmml, memory_has_limits) {
    Buf text = {0};
    buf_puts(&text, DATA "<SupportVectorMachineModel functionName='regression'>" ALL
                         "<LinearKernelType/>"
                         "<VectorDictionary><VectorFields><FieldRef field='x'/></VectorFields>");
    for (int i = 0; i < 20; i++) {
        buf_printf(&text,
                   "<VectorInstance id='%d'><REAL-SparseArray n='16000000'/></VectorInstance>", i);
    }
    buf_puts(&text, "</VectorDictionary></SupportVectorMachineModel>" TAIL);
    refused(buf_cstr(&text), "memory");
    text.len = 0;
    buf_puts(&text, DATA
             "<TransformationDictionary><DerivedField name='d0' optype='categorical' "
             "dataType='string'><Constant dataType='string'>0123456789</Constant></DerivedField>");
    for (int i = 1; i < 60; i++) {  // each is the one before, twice
        buf_printf(&text,
                   "<DerivedField name='d%d' optype='categorical' dataType='string'><Apply "
                   "function='concat'><FieldRef field='d%d'/><FieldRef "
                   "field='d%d'/></Apply></DerivedField>",
                   i, i - 1, i - 1);
    }
    buf_puts(&text, "</TransformationDictionary><RegressionModel functionName='regression'>" ALL
                    "<RegressionTable intercept='0'><CategoricalPredictor name='d59' value='a' "
                    "coefficient='1'/></RegressionTable></RegressionModel>" TAIL);
    expect(buf_cstr(&text), "x=1", "row 1: a function makes a text that is too long");
    buf_free(&text);
}
