# The libraries that Tocsin is built on, all Debian 12 packages.
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(SQLite3 3.37 REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(ICU REQUIRED COMPONENTS i18n uc)
find_package(PkgConfig REQUIRED)
pkg_check_modules(GSASL REQUIRED IMPORTED_TARGET libgsasl)
pkg_check_modules(IDN2 REQUIRED IMPORTED_TARGET libidn2)
pkg_check_modules(CARES REQUIRED IMPORTED_TARGET libcares)
find_path(TOCSIN_TOML_INCLUDE toml++/toml.h REQUIRED)
find_path(TOCSIN_MUSTACHE_INCLUDE kainjow/mustache.hpp REQUIRED)

# Boost 1.81 by headers alone: what has to be compiled (Asio, Beast, JSON) is compiled once, here, with hidden symbols, so
# that the host and each plugin have their own.
find_path(TOCSIN_BOOST_HEADERS boost/json/src.hpp HINTS ${TOCSIN_BOOST_INCLUDE} REQUIRED)
add_library(tocsin_boost STATIC ${PROJECT_SOURCE_DIR}/cmake/boost_asio.cpp ${PROJECT_SOURCE_DIR}/cmake/boost_json.cpp)
target_include_directories(tocsin_boost SYSTEM PUBLIC ${TOCSIN_BOOST_HEADERS})
target_compile_definitions(tocsin_boost PUBLIC
  BOOST_ALL_NO_LIB BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED BOOST_BEAST_SEPARATE_COMPILATION
  BOOST_BEAST_USE_STD_STRING_VIEW BOOST_DLL_USE_STD_FS)
target_link_libraries(tocsin_boost PUBLIC Threads::Threads)
add_library(tocsin_beast STATIC EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/cmake/boost_beast.cpp)
target_compile_definitions(tocsin_beast PUBLIC BOOST_DISABLE_PRAGMA_MESSAGE) # its notes on itself would look like ours
target_link_libraries(tocsin_beast PUBLIC tocsin_boost)
