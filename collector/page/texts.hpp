#pragma once

#include <string_view>

/// The page's files as they stood when this program was built.
namespace kw::collector {

std::string_view page_index_html();
std::string_view page_page_css();
std::string_view page_page_js();
std::string_view page_dom_js();
std::string_view page_feed_js();
std::string_view page_words_js();

}  // namespace kw::collector
