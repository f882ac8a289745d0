# kw_embed_text(TARGET FILE HEADER NAMESPACE TYPE FUNCTION): the text of FILE as the function that
# HEADER declares; made anew when the file changes.
function(kw_embed_text target KW_TEXT_FILE KW_TEXT_HEADER KW_TEXT_NAMESPACE KW_TEXT_TYPE
         KW_TEXT_FUNCTION)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
               ${CMAKE_CURRENT_SOURCE_DIR}/${KW_TEXT_FILE})
  file(READ ${CMAKE_CURRENT_SOURCE_DIR}/${KW_TEXT_FILE} KW_TEXT)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${KW_TEXT_FUNCTION}.cpp)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/text.cpp.in ${out} @ONLY)
  target_sources(${target} PRIVATE ${out})
endfunction()
