// ml/series/spectrum.h - what kind of series is it, and which period does it have? By
// decomposition, then by spectrum: outliers are cut, gaps bridged, the trend taken away; the
// spectrum hints at periods, the autocorrelation says which of them is one (Vlachos and others,
// 2005: a hint may be leakage or a harmonic, but only a period stands on a hill of the
// autocorrelation), and folding by it says how much it explains.
//
// Time: two Fourier transforms of twice the history; 10 ms for six weeks of minutes.
#pragma once

#include "ml/series/model.h"

typedef struct SpectrumLook {
    SeriesClass kind;
    uint32_t period;   // in points; 0: none
    double seasonal;   // share of the variance that the period explains
    double slow;       // of what is left: the share that means of sixteenths of the history have
} SpectrumLook;

// [value]: NAN is missing. [likely] is tried whatever the spectrum says (a day); 0: nothing is.
void spectrum_look(const float *value, uint32_t count, uint32_t likely, SpectrumLook *out);

// The share of the variance that the means by phase explain, less what chance would; 0 to 1. The
// means go into [phase] (of [period] numbers, centred) unless it is NULL.
double spectrum_fold(const double *value, uint32_t count, uint32_t period, double *phase);
// The history as it is looked at: gaps bridged, outliers cut, no trend. False: nothing is there.
bool spectrum_clean(const float *value, uint32_t count, double *out);
