// resayil for C++17: what went wrong with a call to an LLM API, and what to do about it.
//
// A face over resayil.h, header-only. Handles are move-only and free themselves. What may fail gives
// a Result; nothing here throws, so it may be compiled without exceptions (a callback of yours must
// not throw either). A std::string_view is borrowed from the object that gave it: it is valid until
// that object is destroyed, assigned to or changed. An object that was moved from answers with
// nothing, and refuses to work. Threads: as resayil.h says of each type.
#ifndef RESAYIL_HPP
#define RESAYIL_HPP

#include "resayil/handle.hpp"
#include "resayil/error.hpp"
#include "resayil/result.hpp"
#include "resayil/classify.hpp"
#include "resayil/headers.hpp"
#include "resayil/messages.hpp"
#include "resayil/policy.hpp"
#include "resayil/fallback.hpp"
#include "resayil/stream.hpp"
#include "resayil/quota.hpp"
#include "resayil/service.hpp"
#include "resayil/operation.hpp"
#include "resayil/client.hpp"

#endif
