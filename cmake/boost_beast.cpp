// Boost.Beast, compiled once for everything that links tocsin_beast.
#include <boost/beast/src.hpp>
