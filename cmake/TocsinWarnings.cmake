# tocsin_warnings(TARGET): the warnings that Tocsin's own code keeps; errors unless TOCSIN_WERROR is off.
function(tocsin_warnings target)
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-qual -Wformat=2 -Wimplicit-fallthrough
    # GCC 12 warns about std::string's own code when it inlines it (GCC bugs 105329, 105651).
    $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict;-Wno-array-bounds;-Wno-stringop-overflow>
    # A sanitizer's checks hide from GCC that a value was set.
    $<$<AND:$<CXX_COMPILER_ID:GNU>,$<BOOL:${TOCSIN_SANITIZE}>>:-Wno-maybe-uninitialized>
    $<$<BOOL:${TOCSIN_WERROR}>:-Werror>)
  # Options that only C++ has.
  get_target_property(sources ${target} SOURCES)
  if(sources MATCHES "\\.c(;|$)")
    set_target_properties(${target} PROPERTIES COMPILE_OPTIONS "-Wall;-Wextra;-Wpedantic;-Wshadow;$<$<BOOL:${TOCSIN_WERROR}>:-Werror>")
  endif()
endfunction()
