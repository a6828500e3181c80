// Boost.JSON, compiled once for everything that links tocsin_boost.
#include <boost/json/src.hpp>
