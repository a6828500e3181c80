// Boost.Asio, compiled once for everything that links tocsin_boost.
#include <boost/asio/impl/src.hpp>
