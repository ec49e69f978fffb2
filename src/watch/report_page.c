// watch/report_page.c - the report as one page of HTML: figures, then a card for each alarm, false
// and missed ones first; the curves are drawn by the page itself from numbers that stand in it.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "watch/report_int.h"

// -- Text -----------------------------------------------------------------------------------------

static void put_html(Buf *out, Str text) {
    for (uint32_t i = 0; i < text.len; i++) {
        switch (text.ptr[i]) {
            case '&': buf_puts(out, "&amp;"); break;
            case '<': buf_puts(out, "&lt;"); break;
            case '>': buf_puts(out, "&gt;"); break;
            case '"': buf_puts(out, "&quot;"); break;
            case '\'': buf_puts(out, "&#39;"); break;
            default: buf_putc(out, text.ptr[i]);
        }
    }
}

// 2025-03-31 00:05; civil from days after Howard Hinnant.
static void put_time(Buf *out, int64_t ts_ms) {
    int64_t day = ts_ms / SERIES_DAY_MS - (ts_ms % SERIES_DAY_MS < 0);
    int64_t minute = (ts_ms - day * SERIES_DAY_MS) / 60000, z = day + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097, of_era = z - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100),
            month = (5 * of_year + 2) / 153;
    buf_printf(out, "%04d-%02d-%02d %02d:%02d",
               (int)(year + era * 400 + (month >= 10)), (int)(month < 10 ? month + 3 : month - 9),
               (int)(of_year - (153 * month + 2) / 5 + 1), (int)(minute / 60), (int)(minute % 60));
}

// 5,636,915
static void put_grouped(Buf *out, uint64_t number) {
    if (number >= 1000) {
        put_grouped(out, number / 1000);
        buf_printf(out, ",%03d", (int)(number % 1000));
    } else {
        buf_printf(out, "%d", (int)number);
    }
}

static void put_number(Buf *out, double value) {
    if (isfinite(value)) buf_printf(out, "%.5g", value);
    else buf_puts(out, "null");
}

// -- A card ---------------------------------------------------------------------------------------

static const char *const KIND_NAMES[] = {
    [REPORT_TRUE] = "true", [REPORT_FALSE] = "false", [REPORT_MISSED] = "missed",
    [REPORT_UNLABELLED] = "alarm"};

static void put_numbers(Buf *out, const char *name, const ReportCard *card, size_t field) {
    buf_printf(out, ",\"%s\":[", name);
    for (uint32_t i = 0; i < card->points; i++) {
        float value;
        memcpy(&value, (const char *)&card->point[i] + field, sizeof value);
        if (i) buf_putc(out, ',');
        put_number(out, (double)value);
    }
    buf_putc(out, ']');
}

// The numbers of the curves; times in seconds after the first.
static void put_curves(const ReportCard *card, Buf *out) {
    int64_t first = card->points ? card->point[0].ts_ms : card->verdict.ts_ms;
    buf_printf(out, "{\"t0\":%lld,\"t\":[", (long long)first);
    for (uint32_t i = 0; i < card->points; i++) {
        buf_printf(out, "%s%lld", i ? "," : "", (long long)((card->point[i].ts_ms - first) / 1000));
    }
    buf_putc(out, ']');
    put_numbers(out, "a", card, offsetof(ReportPoint, actual));
    put_numbers(out, "f", card, offsetof(ReportPoint, forecast));
    put_numbers(out, "l", card, offsetof(ReportPoint, low));
    put_numbers(out, "h", card, offsetof(ReportPoint, high));
    if (card->kind != REPORT_MISSED) {
        int64_t window = card->verdict.why.points * card->step_ms;
        buf_printf(out, ",\"open\":%lld,\"window\":%lld",
                   (long long)((card->verdict.ts_ms - first) / 1000), (long long)(window / 1000));
    }
    if (card->close_ms) {
        buf_printf(out, ",\"close\":%lld", (long long)((card->close_ms - first) / 1000));
    }
    if (card->label) {
        buf_printf(out, ",\"from\":%lld,\"to\":%lld,\"incident\":%d",
                   (long long)((card->label->begin_ms - first) / 1000),
                   (long long)((card->label->end_ms - first) / 1000), card->label->incident);
    }
    buf_putc(out, '}');
}

// The path to the decision, as a sentence.
static void put_why(const ReportCard *card, Buf *out) {
    const DetectVerdict *verdict = &card->verdict;
    const DetectWhy *why = &verdict->why;
    if (card->kind == REPORT_MISSED) {
        buf_printf(out, "No window deviated far enough: at most %.0f %% of what opens an alarm.",
                   100 * fmin(card->verdict.score, 0.99));
        return;
    }
    if (verdict->flags & DETECT_COLD) {
        buf_printf(out, "There was no model yet: %u points in a row were %.1f deviations off.",
                   why->in_a_row, fabs((double)why->deviation));
        return;
    }
    const char *side = why->share < 0 ? "below" : "above";
    buf_printf(out, "The last %s%.0u%s <b>%.0f %% %s</b> ", why->points > 1 ? "" : "point was",
               why->points > 1 ? why->points : 0u, why->points > 1 ? " points were" : "",
               100 * fabs((double)why->share), side);
    if (why->since) buf_printf(out, "what was forecast %u points before", why->since);
    else buf_puts(out, "what days are like");
    buf_printf(out,
               " (%.1f deviations); %u in a row were on that side. At the same time in earlier "
               "periods it would be %.1f deviations off, too.",
               fabs((double)why->deviation), why->in_a_row, fabs((double)why->earlier));
    if (fabs((double)why->growth - 1) > 0.02) {
        buf_printf(out, " The holiday's coefficient was %.2f.", (double)why->growth);
    }
    if (why->general > 0 && fabs((double)why->general - 1) > 0.005) {
        buf_printf(out, " The general network multiplied the threshold by %.2f.",
                   (double)why->general);
    }
    if (why->labels > 0 && fabs((double)why->labels - 1) > 0.005) {
        buf_printf(out, " Labels of its like multiply what an alarm wants by %.2f.",
                   (double)why->labels);
    }
    if (why->filled) buf_printf(out, " %u of the last ten points were missing.", why->filled);
}

static void put_label(const ReportCard *card, Buf *out) {
    if (!card->label) return;
    buf_printf(out, " <span class=label>%s: ", card->label->incident ? "incident" : "harmless");
    put_html(out, card->label->type);
    if (card->kind == REPORT_TRUE) {
        int64_t late = (card->verdict.ts_ms - card->label->begin_ms) / 60000;
        buf_printf(out, ", called %lld min after its begin", (long long)late);
    }
    buf_puts(out, "</span>");
}

static void put_card(const ReportCard *card, uint32_t number, Buf *out) {
    static const char *const DIRECTIONS[] = {"drop or rise", "drop", "rise"};
    static const char *const SENSITIVITIES[] = {"high", "middle", "low"};
    const DetectSettings *settings = &card->track->settings;
    const char *kind = KIND_NAMES[card->kind];
    buf_printf(out, "<article class=\"card %s\" data-kind=%s data-n=%u data-metric=\"", kind, kind,
               number);
    put_html(out, card->track->name);
    buf_printf(out, "\"><header><b class=kind>%s</b> <b>", kind);
    put_html(out, card->track->name);
    buf_puts(out, "</b> <time>");
    put_time(out, card->verdict.ts_ms);
    buf_puts(out, "</time>");
    if (card->kind != REPORT_MISSED) {
        if (card->close_ms) {
            buf_printf(out, " <span>%lld min long</span>",
                       (long long)((card->close_ms - card->verdict.ts_ms) / 60000));
        } else {
            buf_puts(out, " <span>still open</span>");
        }
    }
    put_label(card, out);
    buf_printf(out, "<small>watched for %s, sensitivity %s</small></header><p>",
               DIRECTIONS[settings->direction], SENSITIVITIES[settings->sensitivity]);
    put_why(card, out);
    buf_puts(out, "</p><div class=chart></div></article>\n");
}

// -- The page -------------------------------------------------------------------------------------

static const char HEAD[] =
    "<!doctype html><html lang=en><meta charset=utf-8>"
    "<meta name=viewport content=\"width=device-width\"><title>weir watch</title><style>\n"
    ":root{--ink:#1d2733;--soft:#66727f;--line:#dde3e9;--page:#f6f8fa;--card:#fff;--actual:#1d2733;"
    "--forecast:#1f77d0;--band:#cfe3f7;--bad:#c8321f;--good:#22803c;--miss:#a25b00}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#dfe6ee;--soft:#93a1af;--line:#313c48;"
    "--page:#14191f;--card:#1c232b;--actual:#e8eef4;--forecast:#62a8f0;--band:#22405e;"
    "--bad:#ff7a66;--good:#5cc47a;--miss:#e3a04a}}\n"
    "body{font:15px/1.45 system-ui,sans-serif;color:var(--ink);background:var(--page);margin:0 "
    "auto;"
    "max-width:1000px;padding:24px}h1{font-size:22px;margin:0 0 "
    "4px}.sub{color:var(--soft);margin:0}\n"
    ".figures{display:flex;flex-wrap:wrap;gap:12px;margin:18px 0}.figure{background:var(--card);"
    "border:1px solid var(--line);border-radius:8px;padding:10px 16px;flex:1 1 100px}\n"
    ".figure b{display:block;font-size:24px;font-variant-numeric:tabular-nums}"
    ".figure span{color:var(--soft);font-size:13px}\n"
    "nav{display:flex;flex-wrap:wrap;gap:8px;margin:8px 0 16px;align-items:center}"
    "nav button{font:inherit;border:1px solid var(--line);background:var(--card);color:inherit;"
    "border-radius:16px;padding:3px 12px;cursor:pointer}nav button[aria-pressed=true]{"
    "background:var(--ink);color:var(--page)}nav input{font:inherit;padding:3px 10px;border:1px "
    "solid "
    "var(--line);border-radius:6px;background:var(--card);color:inherit;margin-left:auto}\n"
    ".card{background:var(--card);border:1px solid var(--line);border-left:4px solid "
    "var(--forecast);"
    "border-radius:8px;padding:12px 16px;margin:0 0 14px}.card p{margin:6px 0}\n"
    ".card header{display:flex;flex-wrap:wrap;gap:4px 12px;align-items:baseline}"
    ".card small{color:var(--soft);margin-left:auto}.kind{text-transform:uppercase;font-size:12px;"
    "letter-spacing:.05em}time,.card span{color:var(--soft)}\n"
    ".true{border-left-color:var(--good)}.true .kind{color:var(--good)}.false{border-left-color:"
    "var(--bad)}.false .kind{color:var(--bad)}.missed{border-left-color:var(--miss)}"
    ".missed .kind{color:var(--miss)}.chart{min-height:210px}\n"
    "svg{width:100%;height:210px;display:block}svg text{fill:var(--soft);font-size:11px}\n"
    ".legend{color:var(--soft);font-size:13px;margin:0 0 12px}.legend i{display:inline-block;"
    "width:22px;height:0;border-top:2px solid;vertical-align:middle;margin:0 4px 0 14px}"
    ".legend i.box{height:10px;border:0}\n</style>\n";

// Curves are drawn when they come into sight: thousands of alarms stay quick.
static const char SCRIPT[] =
    "'use strict';\n"
    "function draw(box,c){const W=940,H=210,L=56,R=8,T=8,B=22,n=c.t.length;if(!n)return;\n"
    "let lo=Infinity,hi=-Infinity;for(let i=0;i<n;i++)for(const v of[c.a[i],c.f[i]])if(v!==null){"
    "lo=Math.min(lo,v);hi=Math.max(hi,v)}\n"
    "const m=(hi-lo||Math.abs(hi)||1)*.12;lo-=m;hi+=m;\n"
    "const end=c.t[n-1]||1,X=t=>L+(W-L-R)*t/end,Y=v=>T+(H-T-B)*(1-(Math.min(hi,Math.max(lo,v))-lo)"
    "/(hi-lo)),xy=(i,k)=>X(c.t[i]).toFixed(1)+','+Y(c[k][i]).toFixed(1);\n"
    "let s='';const span=(a,b,fill,o)=>{a=Math.max(0,a);b=Math.min(end,b);if(b>a)s+=`<rect "
    "x=\"${X(a)}\""
    " y=\"${T}\" width=\"${X(b)-X(a)}\" height=\"${H-T-B}\" fill=\"${fill}\" "
    "opacity=\"${o}\"/>`};\n"
    "const line=(k)=>{let p='',up=true;for(let i=0;i<n;i++){if(c[k][i]===null){up=true;continue}"
    "p+=(up?'M':'L')+xy(i,k);up=false}return p};\n"
    "let band='';for(let i=0;i<n;i++)if(c.h[i]!==null)band+=(band?'L':'M')+xy(i,'h');"
    "for(let i=n;i--;)if(c.l[i]!==null)band+='L'+xy(i,'l');\n"
    "s+=`<path d=\"${band}Z\" fill=\"var(--band)\" opacity=\".75\"/>`;\n"
    "if('from'in c)span(c.from,c.to,c.incident?'var(--bad)':'var(--good)',.10);\n"
    "if('open'in c)span(c.open-c.window,c.open,'var(--miss)',.28);\n"
    "const p=10**Math.floor(Math.log10((hi-lo)/4)),u=[1,2,5,10].find(k=>k*p>=(hi-lo)/4)*p;\n"
    "for(let v=Math.ceil(lo/u)*u;v<=hi;v+=u)s+=`<path d=\"M${L},${Y(v)}H${W-R}\" "
    "stroke=\"var(--line)\"/><text x=\"${L-6}\" y=\"${Y(v)+4}\" text-anchor=\"end\">"
    "${Math.abs(v)<1e6?(+v.toPrecision(9)).toLocaleString('en'):(+v.toPrecision(4)).toExponential()"
    "}"
    "</text>`;\n"
    "const w=[1,2,5,10,15,30,60,120,180,360,720,1440,2880,10080].map(m=>m*60).find(m=>m>=end/6)||"
    "864e3,b=c.t0/1000;let day='';for(let t=Math.ceil(b/w)*w-b;t<=end;t+=w){const d=new "
    "Date(c.t0+t*1000).toISOString(),new_=d.slice(5,10)!==day;day=d.slice(5,10);s+=`<text "
    "x=\"${X(t)}\" y=\"${H-6}\" text-anchor=\"${X(t)<L+30?'start':X(t)>W-R-30?'end':'middle'}\">"
    "${new_?day+' ':''}${d.slice(11,16)}</text>`}\n"
    "s+=`<path d=\"${line('f')}\" fill=\"none\" stroke=\"var(--forecast)\" stroke-width=\"1.6\"/>"
    "<path d=\"${line('a')}\" fill=\"none\" stroke=\"var(--actual)\" stroke-width=\"1.2\"/>`;\n"
    "for(const[k,col]of[['open','var(--bad)'],['close','var(--good)']])if(k in c)s+=`<path "
    "d=\"M${X(c[k])},${T}V${H-B}\" stroke=\"${col}\" stroke-width=\"1.6\" stroke-dasharray=\"4 "
    "3\"/>`;\n"
    "box.innerHTML=`<svg viewBox=\"0 0 ${W} ${H}\" role=\"img\">${s}</svg>`}\n"
    "const cards=[...document.querySelectorAll('.card')],seen=new "
    "IntersectionObserver(es=>{for(const e "
    "of es)if(e.isIntersecting){seen.unobserve(e.target);draw(e.target.querySelector('.chart'),"
    "DATA[+e.target.dataset.n])}},{rootMargin:'600px'});cards.forEach(c=>seen.observe(c));\n"
    "let kind='';const find=document.querySelector('nav input'),show=()=>{for(const c of "
    "cards)c.hidden="
    "(kind&&c.dataset.kind!==kind)||!c.dataset.metric.includes(find.value)};find.oninput=show;\n"
    "document.querySelectorAll('nav "
    "button').forEach(b=>b.onclick=()=>{kind=b.dataset.kind;document."
    "querySelectorAll('nav button').forEach(o=>o.setAttribute('aria-pressed',o===b));show()});\n";

static void put_figure(Buf *out, const char *name, const char *fmt, double value) {
    char text[64];
    (void)snprintf(text, sizeof text, fmt, value);
    buf_printf(out, "<div class=figure><b>%s</b><span>%s</span></div>", text, name);
}

static void put_figures(const Report *self, const ReplayTotals *totals,
                        const ReportFigures *figures, Buf *out) {
    buf_puts(out, "<div class=figures>");
    if (self->labelled) {
        put_figure(out, "of the incidents were found", "%.1f %%", 100 * figures->recall);
        put_figure(out, "precision: found / (found + false)", "%.1f %%", 100 * figures->precision);
        put_figure(out, "from an incident's begin to its alarm, median", "%.0f s",
                   figures->delay_s);
        put_figure(out, "false alarms per metric and week", "%.3f", figures->false_per_week);
    } else if (figures->metric_weeks > 0) {
        put_figure(out, "alarms per metric and week", "%.3f",
                   figures->alarms / figures->metric_weeks);
    }
    put_figure(out, "alarms", "%.0f", figures->alarms);
    put_figure(out, "metrics", "%.0f", totals->metrics);
    buf_puts(out, "</div>\n");
}

static void put_nav(const Report *self, Buf *out) {
    uint32_t count[4] = {0};
    for (uint32_t i = 0; i < self->cards; i++) count[self->card[i]->kind]++;
    buf_printf(out, "<nav><button data-kind=\"\" aria-pressed=true>all %u</button>", self->cards);
    for (uint32_t kind = 0; kind < 4; kind++) {
        if (!count[kind]) continue;
        buf_printf(out, "<button data-kind=%s>%s %u</button>", KIND_NAMES[kind],
                   kind == REPORT_UNLABELLED ? "alarms" : KIND_NAMES[kind], count[kind]);
    }
    buf_puts(
        out,
        "<input placeholder=\"metric\" aria-label=\"metric\"></nav>\n"
        "<p class=legend><i style=\"border-color:var(--actual);margin-left:0\"></i>actual"
        "<i style=\"border-color:var(--forecast)\"></i>forecast"
        "<i class=box style=\"background:var(--band)\"></i>where a single point may lie"
        "<i class=box style=\"background:var(--miss);opacity:.4\"></i>the window that decided");
    if (self->labelled) {
        buf_puts(out,
                 "<i class=box style=\"background:var(--bad);opacity:.25\"></i>labelled incident");
    }
    buf_puts(out, "; dashed: the alarm opens, closes</p>\n");
}

static int rank(const ReportCard *card) {
    return card->kind == REPORT_FALSE ? 0 : card->kind == REPORT_MISSED ? 1 : 2;
}

// What went wrong first: that is what one wants to see before one trusts.
static int by_rank(const void *a, const void *b) {
    const ReportCard *left = *(ReportCard *const *)a, *right = *(ReportCard *const *)b;
    if (rank(left) != rank(right)) return rank(left) - rank(right);
    return (left->verdict.ts_ms > right->verdict.ts_ms) -
           (left->verdict.ts_ms < right->verdict.ts_ms);
}

// Incidents that were found after all are shown by their alarm.
static void drop_found(Report *self) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < self->cards; i++) {
        ReportCard *card = self->card[i];
        if (card->kind == REPORT_MISSED && card->label->found_ms >= 0) mem_free(card->point);
        else self->card[kept++] = card;
    }
    self->cards = kept;
}

void report_write(Report *self, const ReplayTotals *totals, Buf *out) {
    ReportFigures figures;
    drop_found(self);
    report_figures(self, &figures);
    if (self->cards) qsort(self->card, self->cards, sizeof *self->card, by_rank);
    buf_puts(out, HEAD);
    buf_puts(out, "<h1>weir watch: ");
    put_html(out, self->title);
    buf_puts(out, "</h1><p class=sub>");
    put_grouped(out, totals->points);
    buf_printf(out, " points of %u metrics, %u models trained on the way", totals->metrics,
               totals->trainings);
    if (self->after_ms) {
        buf_puts(out, "; shown from ");
        put_time(out, self->after_ms);
        buf_puts(out, " UTC");
    }
    buf_puts(out, "</p>\n");
    put_figures(self, totals, &figures, out);
    put_nav(self, out);
    if (self->passed_over) {
        buf_printf(out, "<p>%llu more alarms are not drawn.</p>\n",
                   (unsigned long long)self->passed_over);
    }
    for (uint32_t i = 0; i < self->cards; i++) put_card(self->card[i], i, out);
    if (!self->cards) buf_puts(out, "<p>Nothing was out of order.</p>\n");
    buf_puts(out, "<script>const DATA=[");
    for (uint32_t i = 0; i < self->cards; i++) {
        if (i) buf_puts(out, ",\n");
        put_curves(self->card[i], out);
    }
    buf_puts(out, "];\n");
    buf_puts(out, SCRIPT);
    buf_puts(out, "</script></html>\n");
}
