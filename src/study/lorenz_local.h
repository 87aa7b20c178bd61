// Filters on trial, continued: the local filter and the particle filter with Lorenz's models.
#ifndef GEMEL_STUDY_LORENZ_LOCAL_H
#define GEMEL_STUDY_LORENZ_LOCAL_H

#include "study/lorenz_trial.h"

/// Settings of gm_lorenz_local.
typedef struct gm_lorenz_locality {
    double radius;    // of the taper, in variables; 0: untended, assim/local_untended.h
    double inflation; // of deviations, after each analysis; not looked at when untended
    size_t batch;     // neighbouring variables that are moved as one, >= 1
    bool turns;       // random rotations after each analysis
} gm_lorenz_locality;

extern const gm_lorenz_filter gm_lorenz_local; // assim/local_filter.h

/// Settings of gm_lorenz_particles.
typedef struct gm_lorenz_renewal {
    double share;     // of effective lanes, at which they are renewed
    double bandwidth; // of the jitter
} gm_lorenz_renewal;

extern const gm_lorenz_filter gm_lorenz_particles; // assim/particle_filter.h

#endif
