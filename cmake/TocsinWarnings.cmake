# tocsin_warnings(TARGET): the warnings that Tocsin's own code keeps; errors unless TOCSIN_WERROR is off.
function(tocsin_warnings target)
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-qual -Wformat=2 -Wimplicit-fallthrough
    $<$<BOOL:${TOCSIN_WERROR}>:-Werror>)
  # Options that only C++ has.
  get_target_property(sources ${target} SOURCES)
  if(sources MATCHES "\\.c(;|$)")
    set_target_properties(${target} PROPERTIES COMPILE_OPTIONS "-Wall;-Wextra;-Wpedantic;-Wshadow;$<$<BOOL:${TOCSIN_WERROR}>:-Werror>")
  endif()
endfunction()
