// Constants of saved states, shared by the writer (canon.c) and the reader (carry.c).
#ifndef GEMEL_MODEL_CANON_H
#define GEMEL_MODEL_CANON_H

#include "codec/pack.h"
#include "model/state_inside.h"

enum { GM_STATE_MAGIC = 0x54534d47, GM_STATE_VERSION = 1 };

#endif
