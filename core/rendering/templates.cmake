# Embeds templates/*.mustache in tocsin_rendering as string constants; a changed template is seen at the next build.
file(GLOB tocsin_templates CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/templates/*.mustache)
set(tocsin_template_code "// The built-in templates, made from core/rendering/templates.\n")
string(APPEND tocsin_template_code "#include \"core/rendering/built_in_templates.hpp\"\n\n#include <array>\n\n"
  "namespace tocsin {\n\nstd::span<const built_in_template> built_in_templates() {\n"
  "  static constexpr built_in_template all[] = {\n")
foreach(tocsin_template ${tocsin_templates})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${tocsin_template})
  get_filename_component(tocsin_template_name ${tocsin_template} NAME)
  file(READ ${tocsin_template} tocsin_template_text)
  string(APPEND tocsin_template_code
    "      {\"${tocsin_template_name}\", R\"tocsin_file(${tocsin_template_text})tocsin_file\"},\n")
endforeach()
string(APPEND tocsin_template_code "  };\n  return all;\n}\n\n}  // namespace tocsin\n")
set(tocsin_template_file ${CMAKE_CURRENT_BINARY_DIR}/built_in_templates.cpp)
file(WRITE ${tocsin_template_file}.new "${tocsin_template_code}")
configure_file(${tocsin_template_file}.new ${tocsin_template_file} COPYONLY) # rewritten only where it differs
get_target_property(tocsin_rendering_kind tocsin_rendering TYPE)
if(NOT tocsin_rendering_kind STREQUAL "INTERFACE_LIBRARY")
  target_sources(tocsin_rendering PRIVATE ${tocsin_template_file})
endif()
