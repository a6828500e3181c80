# tocsin_add_plugin(TARGET SOURCES a.cpp ... [MANIFEST manifest.json] [LIBRARIES lib ...] [DIRECTORY dir])
#
# A plugin's shared library: exports tocsin_plugin_entry_v1 alone, carries its manifest (default: manifest.json beside the
# CMakeLists.txt) where a host reads it without running the plugin (an ELF note; for Windows, the PE section .tocsin), and
# lands in lib/tocsin/plugins of the build tree (or in DIRECTORY). The manifest is checked for being JSON with an id and a
# version. The project's languages must include ASM.
set(TOCSIN_PLUGIN_MODULE_DIR ${CMAKE_CURRENT_LIST_DIR})
if(NOT TOCSIN_PLUGIN_DIRECTORY)
  set(TOCSIN_PLUGIN_DIRECTORY ${CMAKE_BINARY_DIR}/lib/tocsin/plugins)
endif()

function(tocsin_add_plugin target)
  cmake_parse_arguments(PARSE_ARGV 1 plugin "" "MANIFEST;DIRECTORY" "SOURCES;LIBRARIES")
  if(NOT CMAKE_ASM_COMPILER)
    message(FATAL_ERROR "tocsin_add_plugin(${target}): the manifest is embedded by the assembler; write "
                        "project(${PROJECT_NAME} LANGUAGES C CXX ASM), or C ASM for a plugin in C")
  endif()
  if(NOT plugin_MANIFEST)
    set(plugin_MANIFEST ${CMAKE_CURRENT_SOURCE_DIR}/manifest.json)
  endif()
  get_filename_component(plugin_MANIFEST ${plugin_MANIFEST} ABSOLUTE)

  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${plugin_MANIFEST})
  file(READ ${plugin_MANIFEST} manifest)
  foreach(member id version)
    string(JSON ${member} ERROR_VARIABLE fault GET "${manifest}" ${member})
    if(fault)
      message(FATAL_ERROR "${plugin_MANIFEST}: no usable \"${member}\": ${fault}")
    endif()
  endforeach()

  set(note ${CMAKE_CURRENT_BINARY_DIR}/${target}_manifest.S)
  configure_file(${TOCSIN_PLUGIN_MODULE_DIR}/manifest_note.S.in ${note} @ONLY)
  set_source_files_properties(${note} PROPERTIES OBJECT_DEPENDS ${plugin_MANIFEST})

  add_library(${target} MODULE ${plugin_SOURCES} ${note})
  target_link_libraries(${target} PRIVATE Tocsin::sdk ${plugin_LIBRARIES})
  target_compile_definitions(${target} PRIVATE TOCSIN_PLUGIN_ID="${id}" TOCSIN_PLUGIN_VERSION="${version}")
  if(NOT CMAKE_CXX_STANDARD)
    set_target_properties(${target} PROPERTIES CXX_STANDARD 17 CXX_STANDARD_REQUIRED ON)
  endif()
  if(NOT CMAKE_C_STANDARD)
    set_target_properties(${target} PROPERTIES C_STANDARD 11 C_STANDARD_REQUIRED ON)
  endif()
  if(WIN32)
    # A library with one dllexport exports nothing else. -static: it needs no compiler's library beside it.
    target_link_options(${target} PRIVATE -static -Wl,--exclude-libs,ALL -Wl,--build-id=sha1)
  else()
    set(version_script ${TOCSIN_PLUGIN_MODULE_DIR}/plugin.map)
    target_compile_options(${target} PRIVATE
      $<$<AND:$<CXX_COMPILER_ID:GNU>,$<COMPILE_LANGUAGE:CXX>>:-fno-gnu-unique>)
    target_link_options(${target} PRIVATE
      -Wl,--version-script=${version_script} -Wl,--exclude-libs,ALL -Wl,--build-id=sha1 -Wl,-z,relro -Wl,-z,now)
    if(NOT TOCSIN_SANITIZE) # a sanitizer's run time is the program's, and stays undefined here
      target_link_options(${target} PRIVATE -Wl,-z,defs)
    endif()
    set_target_properties(${target} PROPERTIES LINK_DEPENDS ${version_script})
  endif()
  if(NOT plugin_DIRECTORY)
    set(plugin_DIRECTORY ${TOCSIN_PLUGIN_DIRECTORY})
    install(TARGETS ${target} LIBRARY DESTINATION lib/tocsin/plugins COMPONENT plugins)
  endif()
  set_target_properties(${target} PROPERTIES
    PREFIX "" OUTPUT_NAME ${id} LIBRARY_OUTPUT_DIRECTORY ${plugin_DIRECTORY}
    C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
endfunction()
